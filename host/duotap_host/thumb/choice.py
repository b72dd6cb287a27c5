# SPDX-License-Identifier: Apache-2.0
"""An entry of a comb's table (duotap.p256_comb.Comb.entry), chosen without telling which.

All entries of the block are read, in the same order, each under a mask. Entries are x and y of 32
bytes, big-endian. A digit's sign negates y, by a mask too.
"""

from __future__ import annotations

from duotap_host.thumb.listing import Listing

ENTRY_BYTES = 64
WORDS = 8


def digit_to_index(to: Listing) -> None:
    """r5 the digit, r6 how many entries the block has: r1 = index, r2 = all ones if negative."""
    to.op("sub", 2, 5, 6)
    to.op("sbc", 2, 2)
    to.imm("sub", 6, 1)
    to.op("mov", 1, 6)
    to.op("and_", 1, 2)
    to.op("eor", 1, 5)
    to.op("and_", 1, 6)


def read_all(to: Listing) -> None:
    """r0 address of two slots, r1 index, r3 the block, r12 how many entries: slots = x, y.

    Four passes of four words. Accumulators are high registers: one addend is not zero.
    """
    to.imm("mov", 7, 4)
    to.label("choose_pass")
    to.lines.append("push({r0, r1, r3, r7})")
    to.imm("mov", 2, 0)
    for register in (8, 9, 10, 11):
        to.op("mov", register, 2)
    to.op("mov", 0, 12)
    to.imm("lsl", 0, 0, 6)
    to.op("add", 0, 0, 3)
    to.op("mov", 14, 0)
    to.label("choose_entry")
    to.load_many(3, (4, 5, 6, 7))
    to.imm("sub", 1, 1)
    to.op("sbc", 2, 2)
    for register, total in ((4, 8), (5, 9), (6, 10), (7, 11)):
        to.op("and_", register, 2)
        to.add_high(total, register)
    to.imm("add", 3, ENTRY_BYTES - 16)
    to.compare_high(3, 14)
    to.op("bcc", "choose_entry")
    to.lines.append("pop({r0, r1, r3, r7})")
    for place, register in enumerate((8, 9, 10, 11)):
        to.op("mov", 4, register)
        to.reverse(4, 4)
        to.store(4, 0, 28 - 4 * place)
    to.note("the lower half of x, both halves of y: big-endian words fill a slot from its end")
    to.imm("sub", 0, 16)
    to.imm("add", 3, 16)
    to.imm("sub", 7, 1)
    to.imm("cmp", 7, 2)
    to.op("bne", "choose_same_slot")
    to.imm("add", 0, 64)
    to.label("choose_same_slot")
    to.imm("cmp", 7, 0)
    to.op("bne", "choose_pass")


def negate_under_mask(to: Listing) -> None:
    """[r0] = P - [r0] where r2 is all ones, else as it is."""
    to.imm("mov", 4, 0)
    to.op("mvn", 3, 4)
    to.imm("mov", 5, 1)
    for word, of_p in enumerate((3, 3, 3, 4, 4, 4, 5, 3)):
        to.load(6, 0, 4 * word)
        to.op("mov", 7, of_p)
        to.op("sub" if word == 0 else "sbc", *((7, 7, 6) if word == 0 else (7, 6)))
        to.op("eor", 7, 6)
        to.op("and_", 7, 2)
        to.op("eor", 6, 7)
        to.store(6, 0, 4 * word)
