# SPDX-License-Identifier: Apache-2.0
"""What both interpreters agree on, and so what firmware may lean on. (What they do not agree on is
the table of tests/host/test_traps.py.)
"""

import binascii
import hashlib
from collections import namedtuple

Pair = namedtuple("Pair", "left right")


def raises(error, action, *arguments):
    try:
        action(*arguments)
    except error:
        return True
    return False


def test_to_bytes_refuses_what_does_not_fit():
    assert raises(OverflowError, (1 << 16).to_bytes, 2, "big")
    assert raises(OverflowError, (1 << 32).to_bytes, 4, "big")
    assert (1 << 32).to_bytes(5, "big") == b"\x01\x00\x00\x00\x00"
    assert (0).to_bytes(0, "big") == b""


def test_integers_do_not_wrap_at_any_word_size():
    for width in (30, 31, 32, 62, 63, 64, 256):
        edge = 1 << width
        assert edge - 1 + 1 == edge
        assert (edge - 1) * (edge - 1) == (edge << width) - (edge << 1) + 1
        assert -edge >> width == -1
        assert int.from_bytes((edge - 1).to_bytes(33, "big"), "big") == edge - 1


def test_division_rounds_down():
    assert divmod(-7, 3) == (-3, 2)
    assert -1 % (1 << 256) == (1 << 256) - 1


def test_power_with_modulus():
    prime = (1 << 61) - 1
    assert pow(3, prime - 1, prime) == 1
    assert pow(5, 0, 7) == 1


def test_bool_is_known_by_its_type():
    def is_bool(value):
        return type(value) is bool

    assert is_bool(1 == 1)
    assert not is_bool(1)


def test_bytes_compare_and_sort_as_unsigned():
    assert sorted([b"\x80", b"\x7f", b"", b"\x7f\x00"]) == [b"", b"\x7f", b"\x7f\x00", b"\x80"]
    assert bytearray(b"a") == b"a"
    assert memoryview(b"abc")[1:] == b"bc"
    assert raises(ValueError, bytes, [256])


def test_bytes_can_be_keys_and_elements():
    assert {b"key": 1}[bytes(bytearray(b"key"))] == 1
    assert b"key" in (b"other", b"key")


def test_sorted_keys_are_an_order_that_a_dict_is_not():
    table = {"b": 1, "z": 4, "a": 2, "k": 1}
    assert sorted(table) == ["a", "b", "k", "z"]


def test_namedtuple_is_a_tuple():
    pair = Pair(1, right=2)
    assert pair == (1, 2)
    assert (pair.left, pair.right) == (1, 2)
    assert raises(AttributeError, setattr, pair, "left", 3)


def test_hash_is_fed_in_pieces_and_asked_once():
    whole = hashlib.sha256(b"abc").digest()
    pieces = hashlib.sha256()
    pieces.update(b"a")
    pieces.update(memoryview(b"bc"))
    assert pieces.digest() == whole
    assert binascii.hexlify(whole)[:8] == b"ba7816bf"


def test_crc32_is_that_of_the_slip_frames():
    assert binascii.crc32(b"123456789") == 0xCBF43926


def test_chain_is_cut_by_from_none():
    try:
        try:
            raise KeyError("inner")
        except KeyError:
            raise ValueError("outer") from None
    except ValueError as error:
        assert error.args == ("outer",)


def test_generator_closes_and_returns():
    seen = []

    def steps():
        try:
            yield 1
            yield 2
        finally:
            seen.append("closed")

    walk = steps()
    assert next(walk) == 1
    walk.close()
    assert seen == ["closed"]


def test_text_is_utf8_and_refuses_other_bytes():
    assert "元".encode() == b"\xe5\x85\x83"
    assert raises(UnicodeError, b"\xff".decode)
