# SPDX-License-Identifier: Apache-2.0
"""Multiples of points of P-256: the comb table, and the product and sums of products made with it.

A comb (Lim and Lee 1994) trades a table of one point for doublings; here all its digits are +1 or
-1 and none is zero (Hamburg 2012), so every scalar takes the same sequence of operations. A sum
for verification handles public values only: it shares its doublings between both products, and a
point without a comb is taken in a sliding window of five bits (wNAF, Solinas 2000).

It knows nothing of keys, hashes and signatures, nor where masks come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken
from duotap.p256_point import (
    INFINITY,
    N,
    P,
    add_affine,
    affine,
    double,
    double_times,
    inverse,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from duotap.p256_point import Affine, Jacobian, Step

    class Group(Protocol):
        """What computes points: Integers, or the board's own (port/thumb_group.py)."""

        def multiply(self, comb: Comb, scalar: int, mask: int) -> Jacobian: ...
        def sum_of_combs(self, first: Comb, u1: int, second: Comb, u2: int) -> Jacobian: ...
        def sum_with_point(self, comb: Comb, u1: int, x: int, y: int, u2: int) -> Jacobian: ...
        def comb_of(self, x: int, y: int, teeth: int, blocks: int, columns: int) -> Comb: ...
        def double_times(self, point: Jacobian, times: int) -> Jacobian: ...
        def add_affine(self, point: Jacobian, x: int, y: int) -> Jacobian: ...
        def inverse(self, value: int, modulus: int) -> int: ...
        def affine(self, point: Jacobian) -> Affine: ...


ENTRY_BYTES = 64
WINDOW_BITS = 5  # of a point that is met once: 8 odd multiples are made for it
MAGNITUDE, NEGATIVE = 0xF, 1 << 4  # of a digit in a window form
# A scalar below N or its opposite modulo N is odd and fits into 256 bits.
SCALAR_BITS = 256
# With a mask of 32 bits (see masked) it needs 288.
MASKED_BITS = 288

TEETH_MAX = 8  # a digit is a byte
# Comb.digits: bit i of a row's number changes places with bit i of the place in the row.
ROW_BITS = 64
_EVEN_ROWS = 1 | 1 << 2 * ROW_BITS
SWAPS = (
    (ROW_BITS - 1, 0xAAAAAAAAAAAAAAAA * (_EVEN_ROWS << 4 * ROW_BITS | _EVEN_ROWS)),
    (2 * (ROW_BITS - 1), 0xCCCCCCCCCCCCCCCC * ((1 | 1 << ROW_BITS) * (1 | 1 << 4 * ROW_BITS))),
    (4 * (ROW_BITS - 1), 0xF0F0F0F0F0F0F0F0 * ((1 | 1 << ROW_BITS) * _EVEN_ROWS)),
)


class Comb:
    """The table of one point Q for odd scalars below 2**bits, and even ones below N.

    bits = teeth * blocks * columns. The scalar is written as a sum of s[i] * 2**i, every s[i] = +1
    or -1; tooth t of block b at column c reads i = (t * blocks + b) * columns + c. `table` holds,
    block after block, the 2**(teeth-1) sums whose last tooth is +1, as x and y of 32 bytes
    (big-endian); the other half are their opposites.
    """

    def __init__(self, table: bytes | bytearray, teeth: int, blocks: int, columns: int) -> None:
        if teeth > TEETH_MAX or len(table) != blocks * ENTRY_BYTES << teeth - 1:
            raise Broken("comb table has a wrong size")
        self.table = memoryview(table)
        self.teeth = teeth
        self.blocks = blocks
        self.columns = columns

    def signs(self, scalar: int) -> int:
        """Return the signs s[i] as bits, 1 for +1; an even scalar as the opposite of N - scalar,
        which is odd and has all signs turned."""
        bits = self.teeth * self.blocks * self.columns
        turned = 0
        if scalar & 1 == 0:
            scalar = N - scalar
            turned = (1 << bits) - 1
        if scalar <= 0 or scalar >> bits:
            raise Broken("scalar does not fit the comb")
        return (scalar >> 1) + (1 << bits - 1) ^ turned

    def digits(self, scalar: int) -> bytearray:
        """Return a byte a position (block * columns + column): bit t is 1 where tooth t is +1."""
        span = self.blocks * self.columns
        signs = self.signs(scalar)
        found = bytearray(span)
        for start in range(0, span, ROW_BITS):
            # A row of a matrix for each tooth; transposed, a byte for each position.
            rows = 0
            for tooth in range(self.teeth - 1, -1, -1):
                rows = rows << ROW_BITS | signs >> tooth * span + start & (1 << ROW_BITS) - 1
            for distance, places in SWAPS:
                moved = (rows >> distance ^ rows) & places
                rows ^= moved << distance ^ moved
            columns = rows.to_bytes(ROW_BITS, "little")
            for i in range(min(ROW_BITS, span - start)):
                found[start + i] = columns[(i & 7) << 3 | i >> 3]
        return found

    def entries(self, digits: bytearray, column: int) -> Iterator[Affine]:
        """Yield the points that the digits of this column stand for, block by block."""
        table = self.table
        number = int.from_bytes
        half = 1 << self.teeth - 1
        start = 0
        for position in range(column, len(digits), self.columns):
            digit = digits[position]
            negative = 1 - (digit >> self.teeth - 1)
            at = (start + ((digit ^ -negative) & half - 1)) * ENTRY_BYTES
            start += half
            y = number(table[at + 32 : at + ENTRY_BYTES], "big")
            yield number(table[at : at + 32], "big"), (y, P - y)[negative]


def masked(scalar: int, mask: int) -> int:
    """Return scalar + m * N, odd and below 2**288, m from the low 31 bits of mask (Coron 1999)."""
    return scalar + N * (2 * (mask & 0x7FFFFFFF) + 1 - (scalar & 1))


def multiply(comb: Comb, scalar: int, mask: int) -> Jacobian:
    """Return scalar * Q for a secret scalar in [1, N - 1], by a fixed sequence of operations.

    `mask` is a secret in [1, P - 1] that masks the scalar and, from the first entry on, the
    coordinates (Coron 1999).
    """
    if comb.teeth * comb.blocks * comb.columns < MASKED_BITS:
        raise Broken("comb is too short for a masked scalar")
    steps = _comb_steps((comb, comb.digits(masked(scalar, mask))))
    _, x, y = next(steps)
    squared = mask * mask % P
    return walk((x * squared % P, y * (squared * mask % P) % P, mask), steps)


def _comb_steps(*terms: tuple[Comb, bytearray]) -> Iterator[Step]:
    """Yield what makes the sum of these products (p256_point.walk); for a secret: all alike."""
    for column in range(max([comb.columns for comb, _ in terms]) - 1, -1, -1):
        times = 1
        for comb, digits in terms:
            if column < comb.columns:
                for x, y in comb.entries(digits, column):
                    yield times, x, y
                    times = 0


def sum_of_combs(first: Comb, u1: int, second: Comb, u2: int) -> Jacobian:
    """Return u1 * Q1 + u2 * Q2 for public scalars in [0, N - 1] and two combs."""
    terms = (first, first.digits(u1)), (second, second.digits(u2))
    return walk(INFINITY, _comb_steps(*terms))


def sum_with_point(comb: Comb, u1: int, x: int, y: int, u2: int) -> Jacobian:
    """Return u1 * Q1 + u2 * (x, y) for public scalars in [0, N - 1] and a point without a comb."""
    return walk(INFINITY, _steps(comb, comb.digits(u1), odd_multiples(x, y), wnaf(u2)))


def _steps(
    comb: Comb, digits: bytearray, multiples: list[Affine], window: bytearray
) -> Iterator[Step]:
    columns = comb.columns
    times = 0
    for place in range(len(window) - 1, -1, -1):
        digit = window[place]
        if digit:
            x, y = multiples[(digit & MAGNITUDE) >> 1]
            yield times, x, P - y if digit & NEGATIVE else y
            times = 0
        if place < columns:
            for x, y in comb.entries(digits, place):
                yield times, x, y
                times = 0
        times += 1


def wnaf(scalar: int) -> bytearray:
    """Return the window form of a scalar below 2**256: a digit for each of 257 places, 0 or odd
    and in (-16, 16), as its magnitude and NEGATIVE.
    """
    form = bytearray(SCALAR_BITS + 1)
    bits = scalar.to_bytes(SCALAR_BITS // 8 + 2, "little")
    carry = 0
    place = 0
    while place <= SCALAR_BITS:
        at = place >> 3
        word = (bits[at] | bits[at + 1] << 8) >> (place & 7)
        while word & 1 == carry and place >> 3 == at:
            word >>= 1
            place += 1
        if place >> 3 != at:
            continue
        word = (word & (1 << WINDOW_BITS) - 1) + carry
        carry = word >> WINDOW_BITS - 1
        form[place] = NEGATIVE | (1 << WINDOW_BITS) - word if carry else word
        place += WINDOW_BITS
    return form


def odd_multiples(x: int, y: int) -> list[Affine]:
    """Return Q, 3Q, 5Q ... 15Q of the point x, y.

    2Q is added again and again, brought each time to the Z of the sum (co-Z, Meloni 2007): such a
    sum takes 7 products and 7 remainders, and all points of Z follow from the last one's inverse.
    """
    sum_x, sum_y, z = double((x, y, 1))
    squared = z * z % P
    # 2Q and the sum, which is Q, on their common Z.
    x2, y2 = sum_x, sum_y
    sum_x, sum_y = x * squared % P, y * (squared * z % P) % P
    found: list[tuple[int, int, int]] = []
    while len(found) < (1 << WINDOW_BITS - 2) - 1:
        factor = sum_x - x2
        rise = sum_y - y2
        squared = factor * factor % P
        x2 = x2 * squared % P
        cubed = sum_x * squared % P - x2
        y2 = y2 * cubed % P
        sum_x = (rise * rise - cubed - x2 - x2) % P
        sum_y = (rise * (x2 - sum_x) - y2) % P
        z = z * factor % P
        found.append((sum_x, sum_y, factor))
    multiples: list[Affine] = []
    inverted = inverse(z, P)
    while found:
        sum_x, sum_y, factor = found.pop()
        squared = inverted * inverted % P
        multiples.append((sum_x * squared % P, sum_y * (squared * inverted % P) % P))
        inverted = inverted * factor % P
    multiples.append((x, y))
    multiples.reverse()
    return multiples


class Integers:
    """The group in portable integers; each method is the function of that name."""

    multiply = staticmethod(multiply)
    sum_of_combs = staticmethod(sum_of_combs)
    sum_with_point = staticmethod(sum_with_point)

    @staticmethod
    def comb_of(x: int, y: int, teeth: int, blocks: int, columns: int) -> Comb:
        from duotap.p256_making import comb_of  # late: once for each key

        return comb_of(x, y, teeth, blocks, columns)

    double_times = staticmethod(double_times)
    add_affine = staticmethod(add_affine)
    inverse = staticmethod(inverse)
    affine = staticmethod(affine)
