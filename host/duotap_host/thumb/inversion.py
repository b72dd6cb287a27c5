# SPDX-License-Identifier: Apache-2.0
"""The inverse of a number modulo an odd prime, by the binary Euclidean algorithm (HAC 14.61).

It branches on its input: callers mask what is secret, as with duotap.p256_point.inverse. Two
pairs (u, x) keep x * value = u modulo the prime, from (value, 1) and (prime, 0) to u = 1.
"""

from __future__ import annotations

from duotap_host.thumb.listing import Listing

WORDS = 8
PAIR_BYTES = 64
X = 32  # where x begins in a pair
SHIFTED = (4, 5, 6, 7)


def invert(to: Listing, result_at: int) -> None:
    """[r1] = 1 / [r1] modulo [r2], with two pairs at r0 for its work."""
    _begin(to, result_at)
    to.label("invert_even")
    to.load(3, 1, 0)
    to.imm("lsr", 3, 3, 1)
    to.op("bcs", "invert_odd")
    to.imm("mov", 6, 0)
    to.op("bl", "halve")
    to.imm("add", 1, X)
    to.imm("mov", 6, 0)
    to.load(3, 1, 0)
    to.imm("lsr", 3, 3, 1)
    to.op("bcc", "invert_halve_x")
    _add_prime(to, 0)
    to.op("adc", 6, 6)
    to.label("invert_halve_x")
    to.op("bl", "halve")
    to.imm("sub", 1, X)
    to.op("b", "invert_even")
    to.label("invert_odd")
    _compare(to)
    _subtract(to, 0)
    _subtract(to, X)
    to.op("bcc", "invert_borrowed")
    to.op("b", "invert_even")
    to.label("invert_borrowed")
    _add_prime(to, X)
    to.op("b", "invert_even")
    to.label("invert_done")
    to.load_sp(0, result_at)
    to.imm("add", 1, X)
    for _ in range(2):
        to.load_many(1, SHIFTED)
        to.store_many(0, SHIFTED)


def _begin(to: Listing, result_at: int) -> None:
    """Both pairs; r1 and r2 point to them and r0 to the prime."""
    to.store_sp(1, result_at)
    for source, x in ((1, 1), (2, 0)):
        for _ in range(2):
            to.load_many(source, SHIFTED)
            to.store_many(0, SHIFTED)
        for register in SHIFTED:
            to.imm("mov", register, 0)
        to.imm("mov", 3, x)
        to.store_many(0, (3, 4, 5, 6))
        to.store_many(0, SHIFTED)
    to.imm("sub", 2, 4 * WORDS)
    to.imm("sub", 0, PAIR_BYTES)
    to.op("mov", 1, 0)
    to.imm("sub", 1, PAIR_BYTES)
    to.op("mov", 3, 0)
    to.op("mov", 0, 2)
    to.op("mov", 2, 3)


def _add_prime(to: Listing, offset: int) -> None:
    for word in range(WORDS):
        to.load(3, 1, offset + 4 * word)
        to.load(4, 0, 4 * word)
        to.op("add" if word == 0 else "adc", *((3, 3, 4) if word == 0 else (3, 4)))
        to.store(3, 1, offset + 4 * word)


def _compare(to: Listing) -> None:
    """Let r1 be the pair with the larger u; equal ones are both 1."""
    for word in range(WORDS - 1, -1, -1):
        to.load(3, 1, 4 * word)
        to.load(4, 2, 4 * word)
        to.op("cmp", 3, 4)
        to.op("bne", "invert_differ")
    to.op("b", "invert_done")
    to.label("invert_differ")
    to.op("bcs", "invert_larger")
    to.op("mov", 3, 1)
    to.op("mov", 1, 2)
    to.op("mov", 2, 3)
    to.label("invert_larger")


def _subtract(to: Listing, offset: int) -> None:
    for word in range(WORDS):
        to.load(3, 1, offset + 4 * word)
        to.load(4, 2, offset + 4 * word)
        to.op("sub" if word == 0 else "sbc", *((3, 3, 4) if word == 0 else (3, 4)))
        to.store(3, 1, offset + 4 * word)


def halve(to: Listing) -> None:
    """The routine: [r1] = (r6 * 2**256 + [r1]) / 2, for r6 0 or 1."""
    to.label("halve")
    to.imm("lsl", 6, 6, 31)
    for word in range(WORDS - 1, -1, -1):
        to.load(3, 1, 4 * word)
        to.imm("lsl", 5, 3, 31)
        to.imm("lsr", 3, 3, 1)
        to.op("orr", 3, 6)
        to.store(3, 1, 4 * word)
        to.op("mov", 6, 5)
    to.op("bx", 14)
