# SPDX-License-Identifier: Apache-2.0
"""The runner: one call does a whole multiple of a point.

`run(frame, code, script)`: the frame holds numbers of 32 bytes (little-endian words) in slots, of
which slot 0 holds addresses of tables. The code is field operations of 4 bytes: operation,
destination, first and second operand; operands are slots, and a second operand of 128 or more
means slot - 128 + the script's argument. BITS makes the argument a digit: bits of the number at
the first operand, as many as the second, at distances of `destination`, from the argument on. The
script is pairs: where in the code to begin (in
operations) and an argument; 255 ends it. The run can end in two ways:
1. at the script's end: 0;
2. at TEST, because the number is 0: how many bytes of the script were read, this pair included.
"""

from __future__ import annotations

from duotap_host.thumb import choice, inversion, product, residue
from duotap_host.thumb.listing import PC, Listing

# In the order of the jump table; port/thumb_group.py has the same numbers.
OPERATIONS = ("end", "mul", "sqr", "add", "sub", "test", "choose", "take", "invert", "bits")
SCRIPT_END = 255
# Offsets from the stack pointer; the 16 words of a product come first.
FRAME, NEXT, SCRIPT, ARGUMENT, CODE, TO, START, SIGN = range(64, 96, 4)
STACK_BYTES = 96
KEPT = (8, 9, 10, 11)  # high registers that a caller expects back


def write(to: Listing) -> None:
    """The function's body; r0 frame, r1 code, r2 script; r0 is the answer."""
    _enter(to)
    to.label("pair")
    to.load_sp(3, SCRIPT)
    to.load(4, 3, 0, "ldrb")
    to.load(5, 3, 1, "ldrb")
    to.imm("add", 3, 2)
    to.store_sp(3, SCRIPT)
    to.imm("lsl", 5, 5, 5)
    to.store_sp(5, ARGUMENT)
    to.imm("mov", 0, 0)
    to.imm("cmp", 4, SCRIPT_END)
    to.op("bne", "begin")
    _leave(to)
    to.label("begin")
    to.imm("lsl", 4, 4, 2)
    to.load_sp(3, CODE)
    to.op("add", 3, 3, 4)
    to.store_sp(3, NEXT)
    _decode(to)
    _others(to)
    _arithmetic(to)
    residue.routines(to)
    inversion.halve(to)


def _enter(to: Listing) -> None:
    for low, high in zip((4, 5, 6, 7), KEPT, strict=True):
        to.op("mov", low, high)
    to.lines.append("push({r4, r5, r6, r7})")
    to.grow_stack(STACK_BYTES)
    for register, place in ((0, FRAME), (1, CODE), (2, SCRIPT), (2, START)):
        to.store_sp(register, place)


def _leave(to: Listing) -> None:
    to.label("leave")
    to.drop_stack(STACK_BYTES)
    to.lines.append("pop({r4, r5, r6, r7})")
    for low, high in zip((4, 5, 6, 7), KEPT, strict=True):
        to.op("mov", high, low)
    to.raw(0xBDF2, "pop({r1, r4, r5, r6, r7, pc}), as the assembler's own end")


def _decode(to: Listing) -> None:
    """r0, r1, r2 = addresses of destination and operands, r4 the operation, r5 the frame."""
    to.label("next")
    to.load_sp(3, NEXT)
    to.load_many(3, (4,))
    to.store_sp(3, NEXT)
    to.load_sp(5, FRAME)
    to.imm("lsr", 2, 4, 24)
    to.imm("lsl", 2, 2, 5)
    to.imm("lsr", 3, 2, 12)
    to.op("beq", "absolute")
    to.imm("lsl", 3, 3, 12)
    to.op("sub", 2, 2, 3)
    to.load_sp(3, ARGUMENT)
    to.op("add", 2, 2, 3)
    to.label("absolute")
    to.op("add", 2, 2, 5)
    for register, shift in ((1, 8), (0, 16)):
        to.imm("lsl", register, 4, shift)
        to.imm("lsr", register, register, 24)
        to.imm("lsl", register, register, 5)
        to.op("add", register, register, 5)
    to.store_sp(0, TO)
    to.low_byte(3, 4)
    to.imm("lsl", 3, 3, 1)
    to.add_high(PC, 3)
    to.op("mov", 0, 0)
    for name in OPERATIONS:
        to.op("b", "pair" if name == "end" else f"do_{name}")


def _bits(to: Listing) -> None:
    """The digit of a comb: a bit from each tooth, the first one lowest."""
    to.label("do_bits")
    to.load_sp(2, ARGUMENT)
    to.imm("lsr", 2, 2, 5)
    to.imm("lsr", 5, 4, 24)
    to.imm("lsl", 4, 4, 16)
    to.imm("lsr", 4, 4, 24)
    to.imm("mov", 6, 0)
    to.imm("mov", 7, 32)
    to.label("bit")
    to.imm("lsr", 3, 2, 3)
    to.op("add", 3, 3, 1)
    to.load(3, 3, 0, "ldrb")
    to.imm("mov", 0, 7)
    to.op("and_", 0, 2)
    to.op("lsr", 3, 0)
    to.imm("mov", 0, 1)
    to.op("and_", 3, 0)
    to.op("mul", 3, 7)
    to.op("add", 6, 6, 3)
    to.imm("lsl", 7, 7, 1)
    to.op("add", 2, 2, 4)
    to.imm("sub", 5, 1)
    to.op("bne", "bit")
    to.store_sp(6, ARGUMENT)
    to.op("b", "next")


def _arithmetic(to: Listing) -> None:
    to.label("do_sqr")
    to.op("mov", 2, 1)
    to.imm("mov", 3, product.WORD_BYTES)
    to.imm("mov", 4, product.WORD_BYTES)
    to.op("b", "rows")
    to.label("do_mul")
    to.imm("mov", 3, 0)
    to.imm("mov", 4, 0)
    product.rows(to)
    to.op("mov", 0, product.STEP)
    to.imm("cmp", 0, 0)
    to.op("beq", "reduce")
    product.double_and_add_squares(to)
    to.label("reduce")
    residue.reduce(to, TO)
    to.op("bl", "next")
    to.label("do_add")
    residue.add(to)
    to.op("bl", "next")
    to.label("do_sub")
    residue.subtract(to)
    to.op("bl", "next")


def _others(to: Listing) -> None:
    to.label("do_test")
    to.load_many(1, (2, 3, 4, 5, 6, 7))
    for register in (3, 4, 5, 6, 7):
        to.op("orr", 2, register)
    to.load_many(1, (3, 4))
    to.op("orr", 2, 3)
    to.op("orr", 2, 4)
    to.op("bne", "test_passed")
    to.load_sp(0, SCRIPT)
    to.load_sp(1, START)
    to.op("sub", 0, 0, 1)
    to.op("bl", "leave")
    to.label("test_passed")
    to.op("b", "next")
    _bits(to)
    _choose(to)
    to.label("do_invert")
    inversion.invert(to, TO)
    to.op("bl", "next")


def _choose(to: Listing) -> None:
    to.label("do_choose")
    to.label("do_take")
    to.imm("lsl", 1, 4, 8)
    to.imm("lsr", 1, 1, 24)
    to.imm("lsl", 1, 1, 2)
    to.op("add", 1, 1, 5)
    to.load(3, 1, 0)
    to.imm("lsr", 6, 4, 24)
    to.op("mov", 12, 6)
    to.load_sp(5, ARGUMENT)
    to.imm("lsr", 5, 5, 5)
    choice.digit_to_index(to)
    to.store_sp(2, SIGN)
    to.imm("lsr", 4, 4, 1)
    to.op("bcc", "choose_all")
    to.note("a public digit: its entry alone")
    to.imm("lsl", 1, 1, 6)
    to.op("add", 3, 3, 1)
    to.imm("mov", 1, 1)
    to.op("mov", 12, 1)
    to.imm("mov", 1, 0)
    to.label("choose_all")
    choice.read_all(to)
    to.load_sp(2, SIGN)
    to.imm("add", 0, 32)
    choice.negate_under_mask(to)
    to.op("bl", "next")


def body() -> list[str]:
    """All lines."""
    to = Listing()
    write(to)
    return to.lines
