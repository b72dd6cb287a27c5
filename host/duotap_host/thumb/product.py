# SPDX-License-Identifier: Apache-2.0
"""The product of two numbers of 256 bits, and a square: 16-bit partial products with MULS.

Row by row: word i of a times all words of b is added to the product at word i. A row is unrolled
once; a square enters row i behind its word i, so that it multiplies each pair of words once, and
is doubled afterwards, when the squares of the words are added. It knows no modulus.
"""

from __future__ import annotations

from duotap_host.thumb.listing import PC, Listing

WORDS = 8
# Low registers of a row: where b and the product lie, the low half of a's word. The carry changes
# places with the high half of the partial product, from word to word.
B, PRODUCT, LOW = 1, 5, 7
CARRIES = (6, 3)
# High registers: high half of a's word, pointer to a, where to enter the row, how much later the
# next one is entered, where the product's pointer ends.
HIGH, A, ENTRY, STEP, END = 8, 9, 10, 11, 12
WORD_INSTRUCTIONS = 24
WORD_BYTES = 2 * WORD_INSTRUCTIONS


def add_word(to: Listing, j: int) -> None:
    """carry, product[j] = product[j] + a's word * b[j] + carry: 28 cycles."""
    carry, high = CARRIES[j & 1], CARRIES[1 - (j & 1)]
    before = len(to.lines)
    to.load(0, B, 4 * j, "ldrh")
    to.load(2, B, 4 * j + 2, "ldrh")
    to.op("mov", high, HIGH)
    to.op("mov", 4, high)
    to.op("mul", 4, 0)
    to.op("mul", high, 2)
    to.op("mul", 2, LOW)
    to.op("mul", 0, LOW)
    to.op("add", 4, 4, 2)
    to.imm("mov", 2, 0)
    to.op("adc", 2, 2)
    to.imm("lsl", 2, 2, 16)
    to.op("add", high, high, 2)
    to.imm("lsl", 2, 4, 16)
    to.imm("lsr", 4, 4, 16)
    to.op("add", 0, 0, 2)
    to.op("adc", high, 4)
    to.load(4, PRODUCT, 4 * j)
    to.imm("mov", 2, 0)
    to.op("add", 0, 0, carry)
    to.op("adc", high, 2)
    to.op("add", 0, 0, 4)
    to.op("adc", high, 2)
    to.store(0, PRODUCT, 4 * j)
    assert len(to.lines) - before == WORD_INSTRUCTIONS


def rows(to: Listing) -> None:
    """product (at sp, 16 words) = a * b; r1 a, r2 b, r3 the first entry, r4 its step."""
    to.label("rows")
    to.op("mov", A, 1)
    to.op("mov", ENTRY, 3)
    to.op("mov", STEP, 4)
    to.op("mov", B, 2)
    to.address_sp(PRODUCT, 0)
    to.address_sp(0, 4 * WORDS)
    to.op("mov", END, 0)
    for register in (2, 3, 4, 6):
        to.imm("mov", register, 0)
    to.op("mov", 0, PRODUCT)
    for _ in range(2):
        to.store_many(0, (2, 3, 4, 6))
    to.label("row")
    to.op("mov", 2, A)
    to.load_many(2, (LOW,))
    to.op("mov", A, 2)
    to.imm("lsr", 4, LOW, 16)
    to.op("mov", HIGH, 4)
    to.low_half(LOW, LOW)
    to.op("mov", 2, ENTRY)
    to.op("mov", 4, 2)
    to.add_high(4, STEP)
    to.op("mov", ENTRY, 4)
    to.imm("mov", CARRIES[0], 0)
    to.imm("mov", CARRIES[1], 0)
    to.add_high(PC, 2)
    to.op("mov", 0, 0)
    for j in range(WORDS):
        to.note(f"word {j} of b")
        add_word(to, j)
    to.store(CARRIES[0], PRODUCT, 4 * WORDS)
    to.imm("add", PRODUCT, 4)
    to.compare_high(PRODUCT, END)
    to.op("beq", "rows_done")
    to.op("b", "row")
    to.label("rows_done")


def double_and_add_squares(to: Listing) -> None:
    """product = 2 * product + the squares of a's words; r1 is still a."""
    to.address_sp(PRODUCT, 0)
    to.imm("mov", 6, 0)
    to.label("square_word")
    to.load_many(1, (7,))
    to.imm("lsr", 4, 7, 16)
    to.low_half(7, 7)
    to.op("mov", 0, 7)
    to.op("mul", 0, 0)
    to.op("mov", 3, 4)
    to.op("mul", 3, 3)
    to.op("mul", 4, 7)
    to.imm("lsl", 2, 4, 17)
    to.imm("lsr", 4, 4, 15)
    to.op("add", 0, 0, 2)
    to.op("adc", 3, 4)
    to.imm("mov", 7, 0)
    to.op("add", 0, 0, 6)
    to.op("adc", 3, 7)
    to.imm("mov", 6, 0)
    to.op("adc", 6, 6)
    to.load(2, PRODUCT, 0)
    to.load(4, PRODUCT, 4)
    to.op("add", 2, 2, 2)
    to.op("adc", 4, 4)
    to.op("adc", 6, 7)
    to.op("add", 0, 0, 2)
    to.op("adc", 3, 4)
    to.op("adc", 6, 7)
    to.store_many(PRODUCT, (0, 3))
    to.address_sp(2, 8 * WORDS)
    to.op("cmp", PRODUCT, 2)
    to.op("bne", "square_word")
