# SPDX-License-Identifier: Apache-2.0
"""HMAC-SHA256 with the vectors of RFC 4231, HKDF-SHA256 with those of RFC 5869 appendix A."""

from duotap import hmac
from duotap.errors import Broken
from raising import raises

LONG_KEY = b"\xaa" * 131

# RFC 4231 section: key, message, tag. 4.6 publishes the first 16 bytes only.
RFC_4231 = (
    (
        "4.2",
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        "4.3",
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        "4.4",
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        "4.5",
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    ("4.6", b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        "4.7",
        LONG_KEY,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        "4.8",
        LONG_KEY,
        b"This is a test using a larger than block-size key and a larger than block-size data."
        b" The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)

# RFC 5869 section: secret, salt, info, pseudorandom key, output.
RFC_5869 = (
    (
        "A.1",
        b"\x0b" * 22,
        bytes(range(0x00, 0x0D)),
        bytes(range(0xF0, 0xFA)),
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        "A.2",
        bytes(range(0x00, 0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "A.3",
        b"\x0b" * 22,
        b"",
        b"",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
)


def test_rfc_4231():
    for section, key, message, tag in RFC_4231:
        expected = bytes.fromhex(tag)
        assert hmac.digest(key, message)[: len(expected)] == expected, section


def test_key_lengths_around_a_block():
    """RFC 2104 section 2: a key shorter than a block is padded, a longer one is hashed."""
    assert hmac.digest(b"k" * 63, b"m") == hmac.digest(b"k" * 63 + b"\x00", b"m")
    assert hmac.digest(b"k" * 64, b"m") != hmac.digest(b"k" * 64 + b"\x00", b"m")
    assert hmac.digest(b"", b"") == hmac.digest(bytes(64), b"")


def test_rfc_5869():
    for section, secret, salt, info, key, output in RFC_5869:
        assert hmac.extract(salt, secret) == bytes.fromhex(key), section
        expected = bytes.fromhex(output)
        assert hmac.expand(bytes.fromhex(key), info, len(expected)) == expected, section


def test_expand_lengths():
    key = hmac.extract(b"salt", b"secret")
    longest = hmac.expand(key, b"", 255 * 32)
    for length in (1, 31, 32, 33, 64, 65):
        assert hmac.expand(key, b"", length) == longest[:length]
    for length in (-1, 0, 255 * 32 + 1):
        assert raises(Broken, hmac.expand, key, b"", length)
    assert raises(Broken, hmac.expand, key[:31], b"", 32)


def test_equal():
    assert hmac.equal(b"", b"")
    assert hmac.equal(b"same", bytearray(b"same"))
    for other in (b"", b"tag", b"tag\x00\x00", b"tag\x01", b"\x00ag\x00", b"tag\x80"):
        assert not hmac.equal(b"tag\x00", other)
