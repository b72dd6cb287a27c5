# SPDX-License-Identifier: Apache-2.0
"""COSE_Sign1: RFC 9052's own example, what is signed and hashed, each shape that is refused."""

from hashlib import sha256

from duotap import cbor, cose, p256
from duotap.errors import Broken, Malformed, Refusal
from paper_key import PaperKey, verify
from raising import raises

KEY = PaperKey(b"device")
N = int.from_bytes(cose.ORDER, "big")
SIGNATURE = bytes(31) + b"\x01" + bytes(31) + b"\x02"

# RFC 9052 Appendix C.2.1 and the key "11" of C.7.1. Its key id is too short for us, so the
# Sig_structure is tested below `decode`.
RFC_PUBLIC = bytes.fromhex(
    "04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
    "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"
)
RFC_SIGNATURE = bytes.fromhex(
    "8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
    "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36"
)


def test_example_of_the_rfc():
    digest = cose._digest(b"\xa1\x01\x26", b"This is the content.")
    p256.verify(RFC_PUBLIC, digest, RFC_SIGNATURE)
    other = cose._digest(b"\xa1\x01\x26", b"This is the content,")
    assert raises(p256.BadSignature, p256.verify, RFC_PUBLIC, other, RFC_SIGNATURE)


def test_bytes_of_a_message():
    raw = cose.encode(b"\xa1\x00\x01", KEY.kid, lambda digest: SIGNATURE)
    protected = b"\xa2\x01\x26\x04\x50" + KEY.kid
    assert raw == b"\x84\x55" + protected + b"\xa0\x43\xa1\x00\x01\x58\x40" + SIGNATURE


def test_what_is_signed_and_what_is_hashed():
    for length in (0, 1, 23, 24, 255, 256, 3000):
        payload = bytes(length)
        signed = []
        raw = cose.encode(payload, KEY.kid, lambda d, signed=signed: signed.append(d) or SIGNATURE)
        sign1 = cose.decode(raw)
        protected = cbor.encode({1: -7, 4: KEY.kid})
        structure = cbor.encode(["Signature1", protected, b"", payload])
        assert signed == [sha256(structure).digest()]
        assert sign1.digest == signed[0]
        named = cbor.encode(protected) + cbor.encode(payload)
        assert sign1.hash == sha256(named).digest()
        assert (sign1.kid, sign1.payload, sign1.protected) == (KEY.kid, payload, protected)
        assert (sign1.signature, sign1.raw) == (SIGNATURE, raw)


def test_hash_is_not_of_the_signature():
    one = cose.decode(cose.encode(b"p", KEY.kid, lambda digest: SIGNATURE))
    two = cose.decode(cose.encode(b"p", KEY.kid, KEY.sign))
    assert one.raw != two.raw
    assert (one.hash, one.digest) == (two.hash, two.digest)
    assert cose.decode(cose.encode(b"q", KEY.kid, KEY.sign)).hash != one.hash
    assert cose.decode(cose.encode(b"p", bytes(16), KEY.sign)).hash != one.hash


def test_shapes_that_are_refused():
    protected = cose.PROTECTED_PREFIX + KEY.kid
    good = (protected, {}, b"p", SIGNATURE)
    assert cose.decode(cbor.encode(good)).payload == b"p"
    wrong = (
        (protected, {}, b"p"),
        (protected, {}, b"p", SIGNATURE, b""),
        (protected, {4: b"kid"}, b"p", SIGNATURE),
        (protected, [], b"p", SIGNATURE),
        (protected, b"", b"p", SIGNATURE),
        (protected, None, b"p", SIGNATURE),
        (protected, {}, None, SIGNATURE),
        (protected, {}, "p", SIGNATURE),
        (protected, {}, b"p", SIGNATURE[1:]),
        (protected, {}, b"p", SIGNATURE + b"\x00"),
        (protected, {}, b"p", None),
        (b"", {}, b"p", SIGNATURE),
        ({1: -7, 4: KEY.kid}, {}, b"p", SIGNATURE),
        (cbor.encode({1: -7}), {}, b"p", SIGNATURE),
        (cbor.encode({1: -7, 4: KEY.kid[1:]}), {}, b"p", SIGNATURE),
        (cbor.encode({1: -35, 4: KEY.kid}), {}, b"p", SIGNATURE),
        (cbor.encode({1: -7, 2: [], 4: KEY.kid}), {}, b"p", SIGNATURE),
        (cbor.encode({1: -7, 4: "sixteen letters."}), {}, b"p", SIGNATURE),
        {0: 1, 1: 2, 2: 3, 3: 4},
        b"p",
        None,
    )
    for value in wrong:
        assert raises(Malformed, cose.decode, cbor.encode(value)), value
    assert raises(Malformed, cose.decode, b"\xd2" + cbor.encode(good)), "tag 18"
    assert raises(Malformed, cose.decode, cbor.encode(good) + b"\x00")


def test_high_s_is_refused():
    half = N >> 1
    assert half.to_bytes(32, "big") == cose.HALF_ORDER
    for s, taken in ((half, True), (half + 1, False), (N - 1, False), ((1 << 256) - 1, False)):
        signature = bytes(32) + s.to_bytes(32, "big")
        raw = cbor.encode((cose.PROTECTED_PREFIX + KEY.kid, {}, b"p", signature))
        assert raises(Malformed, cose.decode, raw) != taken, s


def test_high_s_of_a_signer_becomes_low():
    for s in (1, 2, N >> 1, (N >> 1) + 1, N - 2, N - 1):
        signature = b"r" * 32 + s.to_bytes(32, "big")
        raw = cose.encode(b"p", KEY.kid, lambda digest, signature=signature: signature)
        found = cose.decode(raw).signature
        assert found == b"r" * 32 + min(s, N - s).to_bytes(32, "big")


def test_signer_that_is_broken():
    for signature in (b"", bytes(63), bytes(65), bytes(32) + cose.ORDER, b"\xff" * 64):
        assert raises(Broken, cose.encode, b"p", KEY.kid, lambda d, answer=signature: answer)
    assert raises(Broken, cose.encode, b"p", KEY.public, KEY.sign)


def test_verify_asks_for_the_key_that_is_named():
    raw = cose.encode(b"p", KEY.kid, KEY.sign)
    signed = cose.opened(cose.decode(raw), "message", 156)
    cose.verify(signed, KEY.public, verify)
    other = PaperKey(b"other")
    assert raises(Refusal, cose.verify, signed, other.public, verify)
    # Signed by the other key, yet it says that this one did.
    raw = cose.encode(b"p", KEY.kid, other.sign)
    signed = cose.opened(cose.decode(raw), "message", 156)
    assert raises(Refusal, cose.verify, signed, other.public, verify)
    assert raises(Refusal, cose.verify, signed, KEY.public, verify)
