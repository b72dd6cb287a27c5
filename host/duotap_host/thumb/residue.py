# SPDX-License-Identifier: Apache-2.0
"""Numbers modulo P, the prime of P-256: products reduced, sums, differences, all in [0, P).

2**256 = 2**224 - 2**192 - 2**96 + 1 modulo P, which gives each word of the residue as a sum of
words of the product (Solinas 1999; FIPS 186-4 D.2.3). No branch and no address depends on a value.
"""

from __future__ import annotations

from duotap_host.thumb.listing import Listing

WORDS = 8
# What the upper words 8..15 of a product add to each word of the residue, with their factors.
COLUMNS: tuple[dict[int, int], ...] = (
    {8: 1, 9: 1, 11: -1, 12: -1, 13: -1, 14: -1},
    {9: 1, 10: 1, 12: -1, 13: -1, 14: -1, 15: -1},
    {10: 1, 11: 1, 13: -1, 14: -1, 15: -1},
    {11: 2, 12: 2, 13: 1, 15: -1, 8: -1, 9: -1},
    {12: 2, 13: 2, 14: 1, 9: -1, 10: -1},
    {13: 2, 14: 2, 15: 1, 10: -1, 11: -1},
    {14: 3, 15: 2, 13: 1, 8: -1, 9: -1},
    {15: 3, 8: 1, 10: -1, 11: -1, 12: -1, 13: -1},
)


def reduce(to: Listing, store_at: int) -> None:
    """The product at sp becomes a residue at the address that lies at [sp, store_at]."""
    to.load_sp(0, store_at)
    to.imm("mov", 6, 0)
    to.imm("mov", 7, 0)
    for word, column in enumerate(COLUMNS):
        to.note(f"word {word}; r7, signed, is what was carried")
        to.load_sp(1, 4 * word)
        to.imm("asr", 2, 7, 31)
        to.op("add", 1, 1, 7)
        to.op("adc", 2, 6)
        for source, factor in column.items():
            to.load_sp(3, 4 * source)
            name, carried = ("add", "adc") if factor > 0 else ("sub", "sbc")
            for _ in range(abs(factor)):
                to.op(name, 1, 1, 3)
                to.op(carried, 2, 6)
        to.store(1, 0, 4 * word)
        to.op("mov", 7, 2)
    fold(to)
    canonical(to)


def fold(to: Listing) -> None:
    """r7 = the signed carry of r7 * (2**256 - P) added to the number at r0."""
    to.op("bl", "fold")


def canonical(to: Listing) -> None:
    """r7 in -1..1 and the number at r0 are r7 * 2**256 + number in [-P, 2 * P): make it in [0, P).

    With r7 = 1 the number is below P, so whether it reaches P is asked for r7 = 0 only.
    """
    to.op("bl", "canonical")


def routines(to: Listing) -> None:
    """What the above call; they return through lr, which `canonical` keeps on the stack."""
    to.label("canonical")
    to.note("does adding 2**256 - P carry? then it is P or more")
    to.imm("mov", 1, 1)
    to.imm("mov", 2, 0)
    to.op("mvn", 3, 2)
    to.op("mvn", 5, 1)
    to.load(4, 0, 0)
    to.op("add", 4, 4, 1)
    for word, addend in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)):
        to.load(4, 0, 4 * word)
        to.op("adc", 4, addend)
    to.load(4, 0, 24)
    to.op("adc", 4, 5)
    to.load(4, 0, 28)
    to.op("adc", 4, 2)
    to.op("mov", 4, 2)
    to.op("adc", 4, 2)
    to.op("orr", 7, 4)
    to.label("fold")
    to.op("mov", 1, 7)
    to.imm("asr", 2, 7, 31)
    to.op("neg", 5, 7)
    to.imm("asr", 4, 5, 31)
    to.op("sub", 3, 2, 1)
    to.op("add", 6, 4, 1)
    to.op("sub", 5, 4, 1)
    for word, addend in enumerate((1, 2, 2, 3, 4, 4, 5, 6)):
        to.load(7, 0, 4 * word)
        to.op("add" if word == 0 else "adc", *((7, 7, addend) if word == 0 else (7, addend)))
        to.store(7, 0, 4 * word)
    to.op("mov", 7, 2)
    to.imm("mov", 6, 0)
    to.op("adc", 7, 6)
    to.op("bx", 14)


def add(to: Listing) -> None:
    """[r0] = [r1] + [r2]."""
    to.imm("mov", 6, 0)
    for word in range(WORDS):
        to.load(3, 1, 4 * word)
        to.load(4, 2, 4 * word)
        to.op("add" if word == 0 else "adc", *((3, 3, 4) if word == 0 else (3, 4)))
        to.store(3, 0, 4 * word)
    to.op("mov", 7, 6)
    to.op("adc", 7, 6)
    canonical(to)


def subtract(to: Listing) -> None:
    """[r0] = [r1] - [r2]; a borrow adds P."""
    for word in range(WORDS):
        to.load(3, 1, 4 * word)
        to.load(4, 2, 4 * word)
        to.op("sub" if word == 0 else "sbc", *((3, 3, 4) if word == 0 else (3, 4)))
        to.store(3, 0, 4 * word)
    to.op("sbc", 7, 7)
    fold(to)
