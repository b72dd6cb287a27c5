# SPDX-License-Identifier: Apache-2.0
"""Lines of MicroPython's inline assembler, with the ARMv6-M instructions that it has no name for.

Registers are numbers 0..15. Knows no arithmetic of curves.
"""

from __future__ import annotations

SP, LR, PC = 13, 14, 15
HALFWORD_BITS = 16


class Listing:
    """Instructions in order; a method is named as the assembler names it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        """A comment on a line of its own."""
        self.lines.append(f"# {text}")

    def op(self, name: str, *arguments: int | str) -> None:
        """An instruction whose operands are registers (int) or text as it stands."""
        shown = [f"r{a}" if isinstance(a, int) else a for a in arguments]
        self.lines.append(f"{name}({', '.join(shown)})")

    def imm(self, name: str, *arguments: int) -> None:
        """An instruction whose last operand is a number."""
        registers = [f"r{a}" for a in arguments[:-1]]
        self.lines.append(f"{name}({', '.join([*registers, str(arguments[-1])])})")

    def load(self, register: int, base: int, offset: int = 0, name: str = "ldr") -> None:
        self.lines.append(f"{name}(r{register}, [r{base}, {offset}])")

    def store(self, register: int, base: int, offset: int = 0) -> None:
        self.load(register, base, offset, "str")

    def label(self, name: str) -> None:
        self.lines.append(f"label({name})")

    def raw(self, code: int, text: str) -> None:
        """An instruction by its code."""
        self.lines.append(f"data(2, 0x{code:04X})  # {text}")

    def load_sp(self, register: int, offset: int) -> None:
        self.raw(0x9800 | register << 8 | offset >> 2, f"ldr(r{register}, [sp, {offset}])")

    def store_sp(self, register: int, offset: int) -> None:
        self.raw(0x9000 | register << 8 | offset >> 2, f"str(r{register}, [sp, {offset}])")

    def address_sp(self, register: int, offset: int) -> None:
        self.raw(0xA800 | register << 8 | offset >> 2, f"add(r{register}, sp, {offset})")

    def grow_stack(self, size: int) -> None:
        self.raw(0xB080 | size >> 2, f"sub(sp, {size})")

    def drop_stack(self, size: int) -> None:
        self.raw(0xB000 | size >> 2, f"add(sp, {size})")

    def low_half(self, register: int, source: int) -> None:
        self.raw(0xB280 | source << 3 | register, f"uxth(r{register}, r{source})")

    def low_byte(self, register: int, source: int) -> None:
        self.raw(0xB2C0 | source << 3 | register, f"uxtb(r{register}, r{source})")

    def reverse(self, register: int, source: int) -> None:
        self.raw(0xBA00 | source << 3 | register, f"rev(r{register}, r{source})")

    def load_many(self, base: int, registers: tuple[int, ...]) -> None:
        self._many(0xC800, "ldmia", base, registers)

    def store_many(self, base: int, registers: tuple[int, ...]) -> None:
        self._many(0xC000, "stmia", base, registers)

    def _many(self, code: int, name: str, base: int, registers: tuple[int, ...]) -> None:
        bits = sum(1 << r for r in registers)
        names = ", ".join(f"r{r}" for r in registers)
        self.raw(code | base << 8 | bits, f"{name}(r{base}!, {{{names}}})")

    def add_high(self, register: int, source: int) -> None:
        """register += source without flags; any of the sixteen."""
        code = 0x4400 | (register & 8) << 4 | source << 3 | register & 7
        self.raw(code, f"add(r{register}, r{source})")

    def compare_high(self, first: int, second: int) -> None:
        code = 0x4500 | (first & 8) << 4 | second << 3 | first & 7
        self.raw(code, f"cmp(r{first}, r{second})")
