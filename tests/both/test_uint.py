# SPDX-License-Identifier: Apache-2.0
"""duotap.uint: what fits, what does not, and whose fault it is."""

from duotap import uint
from duotap.errors import Broken, Malformed
from raising import raises

# Value, size, bytes: the edges of bytes, of small integers on 32 and 64 bits, and of scalars.
ENCODINGS = (
    (0, 1, "00"),
    (255, 1, "ff"),
    (256, 2, "0100"),
    ((1 << 30) - 1, 4, "3fffffff"),
    (1 << 30, 4, "40000000"),
    ((1 << 31) - 1, 4, "7fffffff"),
    (1 << 31, 4, "80000000"),
    ((1 << 32) - 1, 4, "ffffffff"),
    (1 << 32, 5, "0100000000"),
    ((1 << 62) - 1, 8, "3fffffffffffffff"),
    (1 << 62, 8, "4000000000000000"),
    ((1 << 64) - 1, 8, "ffffffffffffffff"),
    (1, 32, "00" * 31 + "01"),
    ((1 << 256) - 1, 32, "ff" * 32),
)


def test_encode_and_decode():
    for value, size, text in ENCODINGS:
        data = bytes.fromhex(text)
        assert uint.encode(value, size) == data
        assert uint.decode(data) == value
        assert uint.decode(data, size) == value


def test_own_value_that_does_not_fit_is_broken():
    for size in (1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32):
        assert raises(Broken, uint.encode, 1 << 8 * size, size)
        assert raises(Broken, uint.encode, (1 << 8 * size) + 1, size)
        assert uint.encode((1 << 8 * size) - 1, size) == b"\xff" * size


def test_own_value_that_is_no_unsigned_integer_is_broken():
    for value in (-1, -(1 << 31), -(1 << 32), -(1 << 64), True, False, 1.0, "1", b"\x01", None):
        assert raises(Broken, uint.encode, value, 4)
    for size in (0, -1, 33, True, 2.0, None):
        assert raises(Broken, uint.encode, 0, size)


def test_foreign_bytes_of_wrong_length_are_malformed():
    assert raises(Malformed, uint.decode, b"")
    assert raises(Malformed, uint.decode, bytes(33))
    assert raises(Malformed, uint.decode, bytes(3), 4)
    assert raises(Malformed, uint.decode, bytes(5), 4)


def test_foreign_value_is_checked():
    for value in (0, 1, 999, 1000):
        assert uint.check(value, 1000, "amount") == value
    for value in (-1, 1001, 1 << 32, 1 << 64, True, False, 1.0, "1", b"\x01", None):
        assert raises(Malformed, uint.check, value, 1000, "amount")


def test_error_names_the_field():
    try:
        uint.check(7, 6, "hour")
    except Malformed as error:
        assert (error.sw, error.reason) == (0x6A80, "hour out of range")


def test_is_uint():
    assert uint.is_uint(0)
    assert uint.is_uint(1 << 80)
    for value in (-1, True, False, 1.0, "1", None):
        assert not uint.is_uint(value)
