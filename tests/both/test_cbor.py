# SPDX-License-Identifier: Apache-2.0
"""Deterministic CBOR: the examples of RFC 8949 Appendix A that it has, and all it refuses."""

from duotap import cbor
from duotap.errors import Broken, Malformed
from raising import raises

# RFC 8949 Appendix A, without floats, tags, indefinite lengths and what is beyond 64-bit signed.
RFC_8949 = (
    (0, "00"),
    (1, "01"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (25, "1819"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (-1, "20"),
    (-10, "29"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("a", "6161"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ("\U00010151", "64f0908591"),
    ([], "80"),
    ([1, 2, 3], "83010203"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (["a", {"b": "c"}], "826161a161626163"),
    (
        {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"},
        "a56161614161626142616361436164614461656145",
    ),
)
EDGES = (
    (255, "18ff"),
    (256, "190100"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    ((1 << 30) - 1, "1a3fffffff"),
    ((1 << 32) - 1, "1affffffff"),
    (1 << 32, "1b0000000100000000"),
    ((1 << 63) - 1, "1b7fffffffffffffff"),
    (-24, "37"),
    (-25, "3818"),
    (-65537, "3a00010000"),
    (-(1 << 63), "3b7fffffffffffffff"),
    ("\x7f", "617f"),
    ("\u0080", "62c280"),
    ("\u07ff", "62dfbf"),
    ("\u0800", "63e0a080"),
    ("\ud7ff", "63ed9fbf"),
    ("\uffff", "63efbfbf"),
    ("\U0010ffff", "64f48fbfbf"),
)
REFUSED = (
    ("", "nothing"),
    ("1817", "23 in two bytes"),
    ("190018", "24 in three"),
    ("1900ff", "255 in three"),
    ("1a0000ffff", "65535 in five"),
    ("1b00000000ffffffff", "2**32 - 1 in nine"),
    ("3817", "-24 in two"),
    ("5800", "a length in two bytes"),
    ("780161", "a length of text"),
    ("980101", "a length of an array"),
    ("b8010101", "a length of a map"),
    ("1b8000000000000000", "2**63"),
    ("1bffffffffffffffff", "2**64 - 1"),
    ("3b8000000000000000", "-2**63 - 1"),
    ("1c", "reserved 28"),
    ("1f", "indefinite integer"),
    ("5f4101ff", "indefinite bytes"),
    ("7f6161ff", "indefinite text"),
    ("9f01ff", "indefinite array"),
    ("bf0101ff", "indefinite map"),
    ("c001", "tag 0"),
    ("d818410a", "tag 24"),
    ("f7", "undefined"),
    ("e0", "simple 0"),
    ("f814", "false in two bytes"),
    ("f820", "simple 32"),
    ("f90000", "half float"),
    ("fa47c35000", "float"),
    ("fb3ff199999999999a", "double"),
    ("ff", "break"),
    ("18", "head cut"),
    ("19ff", "head cut in the middle"),
    ("4301", "bytes cut"),
    ("5b7fffffffffffffff", "bytes of 2**63 - 1"),
    ("6361", "text cut"),
    ("8301", "array cut"),
    ("9b7fffffffffffffff", "array of 2**63 - 1"),
    ("a101", "map without its value"),
    ("bb7fffffffffffffff", "map of 2**63 - 1"),
    ("0000", "a byte after"),
    ("a201010100", "a key twice"),
    ("a202010101", "keys not in order"),
    ("a2200001", "cut map with keys not in order"),
    ("a2616101410100", "text before bytes"),
    ("a1f501", "bool as key"),
    ("a1f601", "null as key"),
    ("a18001", "array as key"),
    ("a1a001", "map as key"),
    ("61ff", "no UTF-8"),
    ("6180", "continuation alone"),
    ("62c3", "text cut inside"),
    ("61c3", "character cut"),
    ("62c328", "no continuation"),
    ("62c080", "overlong NUL"),
    ("62c1bf", "overlong DEL"),
    ("63e09fbf", "overlong in three"),
    ("64f08fbfbf", "overlong in four"),
    ("63eda080", "surrogate D800"),
    ("63edbfbf", "surrogate DFFF"),
    ("64f4908080", "beyond 10FFFF"),
    ("64f7bfbfbf", "far beyond 10FFFF"),
    ("65f888808080", "five bytes"),
)


def test_examples_of_the_rfc():
    for value, raw in RFC_8949:
        assert cbor.encode(value) == bytes.fromhex(raw), raw
        assert cbor.decode(bytes.fromhex(raw)) == value, raw
        assert type(cbor.decode(bytes.fromhex(raw))) is type(value), raw


def test_edges():
    for value, raw in EDGES:
        assert cbor.encode(value) == bytes.fromhex(raw), raw
        assert cbor.decode(bytes.fromhex(raw)) == value, raw


def test_refused():
    for raw, why in REFUSED:
        assert raises(Malformed, cbor.decode, bytes.fromhex(raw)), why


def test_true_is_no_integer():
    assert cbor.encode([True, 1, False, 0]) == b"\x84\xf5\x01\xf4\x00"
    assert [type(item) for item in cbor.decode(b"\x82\xf5\x01")] == [bool, int]


def test_keys_are_sorted_by_their_encoding():
    # The order of RFC 8949 §4.2.1, without its keys that are arrays and false.
    keys = ["aa", -1, 100, b"", "z", 10]
    ordered = b"\xa6\x0a\x00\x18\x64\x00\x20\x00\x40\x00\x61z\x00\x62aa\x00"
    assert cbor.encode(dict.fromkeys(keys, 0)) == ordered
    assert cbor.decode(ordered) == dict.fromkeys(keys, 0)


def test_tuples_and_bytearrays_have_an_encoding():
    assert cbor.encode((1, (2,), bytearray(b"a"))) == cbor.encode([1, [2], b"a"])


def test_values_without_encoding_are_broken():
    deep = 0
    for _ in range(cbor.DEPTH_MAX + 1):
        deep = [deep]
    for value in (1.5, 1 << 63, -(1 << 63) - 1, {True: 1}, {None: 1}, {(1,): 1}, set(), deep):
        assert raises(Broken, cbor.encode, value), value


def test_depth():
    assert cbor.decode(b"\x81" * 8 + b"\x00") == [[[[[[[[0]]]]]]]]
    assert raises(Malformed, cbor.decode, b"\x81" * 9 + b"\x00")
    assert raises(Malformed, cbor.decode, b"\xa1\x00" * 9 + b"\x00")
    assert raises(Malformed, cbor.decode, b"\x81" * 4095 + b"\x00")


def test_size():
    longest = cbor.encode(bytes(cbor.BYTES_MAX - 3))
    assert len(longest) == cbor.BYTES_MAX and cbor.decode(longest)
    assert raises(Malformed, cbor.decode, cbor.encode(bytes(cbor.BYTES_MAX - 2)))
    assert cbor.decode(cbor.encode(bytes(5000)), 6000) == bytes(5000)


def test_number_of_items():
    most = cbor.encode([0] * (cbor.ITEMS_MAX - 1))
    assert len(cbor.decode(most)) == cbor.ITEMS_MAX - 1
    assert raises(Malformed, cbor.decode, cbor.encode([0] * cbor.ITEMS_MAX))
    assert raises(Malformed, cbor.decode, cbor.encode([[[] for _ in range(23)]] * 23))
    more = cbor.encode([0] * cbor.ITEMS_MAX)
    assert len(cbor.decode(more, 4096, cbor.ITEMS_MAX + 1)) == cbor.ITEMS_MAX
