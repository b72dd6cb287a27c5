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
    add_cached,
    affine,
    affine_all,
    double,
    double_times,
    inverse,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from duotap.p256_point import Affine, Cached, Jacobian

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
WINDOW_BITS = 5
# A scalar below N fits into 256 bits; made odd by adding N it needs 257.
SCALAR_BITS = 257
# With a mask of 32 bits (see masked) it needs 288.
MASKED_BITS = 288


class Comb:
    """The table of one point Q for scalars that are odd and below 2**bits.

    bits = teeth * blocks * columns. The scalar is written as a sum of s[i] * 2**i, every s[i] = +1
    or -1; tooth t of block b at column c reads i = (t * blocks + b) * columns + c. `table` holds,
    block after block, the 2**(teeth-1) sums whose last tooth is +1, as x and y of 32 bytes
    (big-endian); the other half are their opposites.
    """

    def __init__(self, table: bytes | bytearray, teeth: int, blocks: int, columns: int) -> None:
        if len(table) != blocks * ENTRY_BYTES << teeth - 1:
            raise Broken("comb table has a wrong size")
        if blocks * columns <= teeth:
            raise Broken("comb has too few columns")
        self.table = memoryview(table)
        self.teeth = teeth
        self.blocks = blocks
        self.columns = columns

    def digits(self, scalar: int) -> bytearray:
        """Return a byte a position (block * columns + column): bit t is 1 where tooth t is +1."""
        span = self.blocks * self.columns
        bits = span * self.teeth
        if scalar & 1 == 0 or scalar >> bits:
            raise Broken("scalar does not fit the comb")
        signs = (scalar >> 1) + (1 << bits - 1)
        # One bit of each tooth, `span` apart: modulo 2**(span-1) - 1 they move side by side.
        ones = 0
        for tooth in range(self.teeth):
            ones |= 1 << tooth * span
        beside = (1 << span - 1) - 1
        found = bytearray(span)
        for position in range(span):
            found[position] = (signs >> position & ones) % beside
        return found

    def entry(self, digits: bytearray, block: int, column: int) -> Affine:
        """Return the point that the digit of this block and column stands for."""
        half = 1 << self.teeth - 1
        digit = digits[block * self.columns + column]
        negative = 1 - (digit >> self.teeth - 1)
        index = (digit ^ negative * (half - 1)) & (half - 1)
        start = (block * half + index) * ENTRY_BYTES
        x = int.from_bytes(self.table[start : start + 32], "big")
        y = int.from_bytes(self.table[start + 32 : start + 64], "big")
        return x, (y, P - y)[negative]

    def add_column(self, point: Jacobian, digits: bytearray, column: int) -> Jacobian:
        """Return point + the entries of all blocks at this column."""
        for block in range(self.blocks):
            x, y = self.entry(digits, block, column)
            point = add_affine(point, x, y)
        return point


def comb_of(
    x: int, y: int, teeth: int, blocks: int, columns: int, group: Group | None = None
) -> Comb:
    """Compute the comb of the point x, y; takes about teeth * blocks * columns doublings."""
    times = group.double_times if group else double_times
    add = group.add_affine if group else add_affine
    # First, while a small heap still has a piece as large.
    table = bytearray(blocks * ENTRY_BYTES << teeth - 1)
    bases: list[Jacobian] = []
    point = (x, y, 1)
    for _ in range(teeth * blocks):
        bases.append(point)
        point = double(point)
        bases.append(point)
        if columns > 1:
            point = times(point, columns - 1)
    powers = affine_all(bases)
    start = 0
    for block in range(blocks):
        chosen = [2 * (tooth * blocks + block) for tooth in range(teeth)]
        for x, y in affine_all(_signed_sums(powers, chosen, add)):
            table[start : start + 32] = x.to_bytes(32, "big")
            table[start + 32 : start + 64] = y.to_bytes(32, "big")
            start += ENTRY_BYTES
    return Comb(table, teeth, blocks, columns)


def _signed_sums(
    powers: list[Affine], chosen: list[int], add: Callable[[Jacobian, int, int], Jacobian]
) -> list[Jacobian]:
    """Return the sums of + or - powers[i], i in chosen, the last +; powers[i + 1] is twice it."""
    x, y = powers[chosen[-1]]
    lowest = (x, y, 1)
    for i in chosen[:-1]:
        x, y = powers[i]
        lowest = add(lowest, x, P - y)
    sums = [lowest]
    for i in chosen[:-1]:
        x, y = powers[i + 1]
        sums += [add(point, x, y) for point in sums]
    return sums


def masked(scalar: int, mask: int) -> int:
    """Return scalar + m * N, odd and below 2**288, m from the low 31 bits of mask (Coron 1999)."""
    return scalar + N * (2 * (mask & 0x7FFFFFFF) + 1 - (scalar & 1))


def multiply(comb: Comb, scalar: int, mask: int) -> Jacobian:
    """Return scalar * Q for a secret scalar in [1, N - 1], by a fixed sequence of operations.

    `mask` is a secret in [1, P - 1] that masks the scalar and, from the second column on, the
    coordinates (Coron 1999).
    """
    if comb.teeth * comb.blocks * comb.columns < MASKED_BITS:
        raise Broken("comb is too short for a masked scalar")
    digits = comb.digits(masked(scalar, mask))
    top = comb.columns - 1
    x, y, z = comb.add_column(INFINITY, digits, top)
    squared = mask * mask % P
    point = (x * squared % P, y * (squared * mask % P) % P, z * mask % P)
    for column in range(top - 1, -1, -1):
        point = comb.add_column(double(point), digits, column)
    return point


def odd(scalar: int) -> int:
    """Return the odd one of scalar and scalar + N, for a public scalar in [0, N - 1]."""
    return scalar if scalar & 1 else scalar + N


def sum_of_combs(first: Comb, u1: int, second: Comb, u2: int) -> Jacobian:
    """Return u1 * Q1 + u2 * Q2 for public scalars in [0, N - 1] and two combs."""
    digits1 = first.digits(odd(u1))
    digits2 = second.digits(odd(u2))
    point = INFINITY
    for column in range(max(first.columns, second.columns) - 1, -1, -1):
        point = double(point)
        if column < first.columns:
            point = first.add_column(point, digits1, column)
        if column < second.columns:
            point = second.add_column(point, digits2, column)
    return point


def sum_with_point(comb: Comb, u1: int, x: int, y: int, u2: int) -> Jacobian:
    """Return u1 * Q1 + u2 * (x, y) for public scalars in [0, N - 1] and a point without a comb."""
    digits = comb.digits(odd(u1))
    window = wnaf(u2)
    multiples = _odd_multiples(x, y)
    point = INFINITY
    waiting = 0
    for place in range(SCALAR_BITS - 1, -1, -1):
        waiting += 1
        digit = window[place]
        if digit or place < comb.columns:
            point = double_times(point, waiting)
            waiting = 0
            if digit:
                point = add_cached(point, _signed(multiples, digit))
            if place < comb.columns:
                point = comb.add_column(point, digits, place)
    return point


def wnaf(scalar: int) -> bytearray:
    """Return the window form of a scalar below 2**256: a byte a bit, lowest first.

    A byte is 0 or an odd digit in (-16, 16), a negative digit d as 32 + d.
    """
    form = bytearray(SCALAR_BITS)
    bits = scalar.to_bytes(SCALAR_BITS // 8 + 1, "little")
    carry = 0
    place = 0
    while place < SCALAR_BITS:
        if (bits[place >> 3] >> (place & 7) & 1) == carry:
            place += 1
            continue
        word = (scalar >> place & (1 << WINDOW_BITS) - 1) + carry
        carry = word >> WINDOW_BITS - 1
        form[place] = word
        place += WINDOW_BITS
    return form


def _odd_multiples(x: int, y: int) -> list[Cached]:
    """Return Q, 3Q, 5Q ... 15Q of the point x, y."""
    twice = _cached(double((x, y, 1)))
    point = (x, y, 1)
    multiples = [_cached(point)]
    for _ in range((1 << WINDOW_BITS - 2) - 1):
        point = add_cached(point, twice)
        multiples.append(_cached(point))
    return multiples


def _cached(point: Jacobian) -> Cached:
    x, y, z = point
    squared = z * z % P
    return x, y, z, squared, squared * z % P


def _signed(multiples: list[Cached], digit: int) -> Cached:
    """Return the multiple that a byte of the window form stands for."""
    if digit < 1 << WINDOW_BITS - 1:
        return multiples[digit >> 1]
    x, y, z, squared, cubed = multiples[((1 << WINDOW_BITS) - digit) >> 1]
    return x, P - y, z, squared, cubed


class Integers:
    """The group in portable integers; each method is the function of that name."""

    multiply = staticmethod(multiply)
    sum_of_combs = staticmethod(sum_of_combs)
    sum_with_point = staticmethod(sum_with_point)
    comb_of = staticmethod(comb_of)
    double_times = staticmethod(double_times)
    add_affine = staticmethod(add_affine)
    inverse = staticmethod(inverse)
    affine = staticmethod(affine)
