# SPDX-License-Identifier: Apache-2.0
"""Unsigned integers with a checked range: the one way from an int to bytes and back.

Big-endian, fixed size. It knows no amounts and no limits but its own; whose fault a value is
stands in the error: a wrong value of ours is Broken, foreign bytes and values are Malformed.
"""

from __future__ import annotations

from duotap.errors import Broken, Malformed

# The largest integer on any wire here is a scalar of P-256.
SIZE_MAX = 32


def is_uint(value: object) -> bool:
    """Tell whether value is an int >= 0; a bool is none, though CPython calls it an int."""
    return not isinstance(value, bool) and isinstance(value, int) and value >= 0


def encode(value: int, size: int) -> bytes:
    """Return value as `size` bytes; Broken unless 0 <= value < 256**size."""
    if not is_uint(size) or not 0 < size <= SIZE_MAX:
        raise Broken("integer size out of range")
    if not is_uint(value) or value >> 8 * size:
        raise Broken("integer out of range")
    return value.to_bytes(size, "big")


def decode(data: bytes, size: int = 0) -> int:
    """Return the integer that data holds; Malformed unless it has `size` bytes (0: 1 to 32)."""
    if len(data) != size if size else not 0 < len(data) <= SIZE_MAX:
        raise Malformed("integer has a wrong length")
    return int.from_bytes(data, "big")


def check(value: object, maximum: int, what: str) -> int:
    """Return a foreign value if it is an int in [0, maximum]; else Malformed names `what`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise Malformed(what + " out of range")
    return value
