# SPDX-License-Identifier: Apache-2.0
"""Machine code out of a compiled .mpy file, run as a Cortex-M0 by unicorn, counted.

Counts are exact: instructions of each block that ran, and cycles by the table of the Cortex-M0+
technical reference manual (section 3.3; single-cycle MULS as in the RP2040, no wait states).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_R0,
    UC_ARM_REG_R4,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
)

NATIVE_ASM = 5  # MP_CODE_NATIVE_ASM, py/emitglue.h
CODE, MEMORY, STACK, RETURN = 0x1000_0000, 0x2000_0000, 0x2100_0000, 0x1FFF_0000
PAGE = 0x1_0000
MEMORY_BYTES = 0x10_0000
# Registers that a called function gives back (AAPCS), and what they hold before a call.
KEPT = {UC_ARM_REG_R4 + i: 0x4444_4444 + i * 0x1111_1111 for i in range(8)}


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def bytes(self, size: int) -> bytes:
        found = self.content[self.place : self.place + size]
        self.place += size
        return found

    def number(self) -> int:
        value = 0
        while True:
            byte = self.bytes(1)[0]
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value


def functions(mpy: Path) -> list[bytes]:
    """The asm_thumb functions of a .mpy (version 6, py/persistentcode.c), in order."""
    reader = _Reader(mpy.read_bytes())
    magic, version, _, _ = reader.bytes(4)
    assert (magic, version) == (ord("M"), 6)
    strings, objects = reader.number(), reader.number()
    for _ in range(strings):
        length = reader.number()
        if not length & 1:
            reader.bytes((length >> 1) + 1)
    assert objects == 0, "a constant object; this reader knows none"
    return list(_native(reader))


def _native(reader: _Reader) -> Iterator[bytes]:
    length = reader.number()
    kind = (length & 3) + 2
    code = reader.bytes(length >> 3)
    if kind == NATIVE_ASM:
        for _ in range(3):  # scope flags, arguments, their types
            reader.number()
        yield code
    if length & 4:
        for _ in range(reader.number()):
            yield from _native(reader)


class Count(NamedTuple):
    instructions: int
    cycles: int

    def plus(self, other: Count) -> Count:
        return Count(self.instructions + other.instructions, self.cycles + other.cycles)


class Cortex:
    """One function in an otherwise empty Cortex-M0. Counting takes half of the time."""

    def __init__(self, code: bytes, counting: bool) -> None:
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        self._uc.mem_map(CODE, PAGE)
        self._uc.mem_map(MEMORY, MEMORY_BYTES)
        self._uc.mem_map(STACK - PAGE, PAGE)
        self._uc.mem_map(RETURN, PAGE)
        self._uc.mem_write(CODE, code)
        if counting:
            self._uc.hook_add(UC_HOOK_BLOCK, self._block)
        self._code = code
        self._costs: dict[tuple[int, int], Count] = {}
        self._seen: dict[tuple[int, int], int] = {}
        self._passed = 0
        self._end = 0
        self.count = Count(0, 0)

    def write(self, address: int, content: bytes) -> None:
        self._uc.mem_write(address, bytes(content))

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._uc.mem_read(address, size))

    def call(self, *arguments: int) -> int:
        """r0 after the call; the registers that a function must keep are looked at."""
        self._seen.clear()
        self._passed = 0
        self._end = 0
        for i, value in enumerate(arguments):
            self._uc.reg_write(UC_ARM_REG_R0 + i, value)
        for register, value in KEPT.items():
            self._uc.reg_write(register, value & 0xFFFF_FFFF)
        self._uc.reg_write(UC_ARM_REG_SP, STACK)
        self._uc.reg_write(UC_ARM_REG_LR, RETURN | 1)
        self._uc.emu_start(CODE | 1, RETURN)
        assert self._uc.reg_read(UC_ARM_REG_SP) == STACK
        for register, value in KEPT.items():
            assert self._uc.reg_read(register) == value & 0xFFFF_FFFF, register
        self._sum()
        return int(self._uc.reg_read(UC_ARM_REG_R0))

    def _block(self, uc: Uc, address: int, size: int, user: object) -> None:
        key = (address, size)
        self._seen[key] = self._seen.get(key, 0) + 1
        # The block before ended here without a jump: a conditional branch there was not taken.
        self._passed += address == self._end
        self._end = address + size if self._conditional(address + size - 2) else 0

    def _conditional(self, address: int) -> bool:
        return self._code[address - CODE + 1] >> 4 == 0xD

    def _sum(self) -> None:
        total = Count(0, -self._passed)
        for key, times in self._seen.items():
            if key not in self._costs:
                start = key[0] - CODE
                self._costs[key] = cost(self._code[start : start + key[1]])
            one = self._costs[key]
            total = total.plus(Count(one.instructions * times, one.cycles * times))
        self.count = self.count.plus(total)


def cost(code: bytes) -> Count:
    """Of a block that runs through; a conditional branch at its end is counted as taken."""
    instructions = cycles = place = 0
    while place < len(code):
        (half,) = struct.unpack_from("<H", code, place)
        instructions += 1
        long = half >> 11 == 0b11110  # BL
        cycles += 3 if long else _cycles(half)
        place += 4 if long else 2
    return Count(instructions, cycles)


def _cycles(half: int) -> int:
    registers = bin(half & 0xFF).count("1")
    top = half >> 12
    if half & 0xFF00 == 0xBD00:
        return 3 + registers  # POP with PC
    if half & 0xFE00 == 0xB400 or half & 0xFE00 == 0xBC00 or top == 0xC:
        return 1 + registers + (half & 0xFF00 == 0xB500)
    if half & 0xFF87 == 0x4487 or half & 0xFF00 == 0x4700 or top in (0xD, 0xE):
        return 2  # ADD PC, BX, B
    if top in (0x5, 0x6, 0x7, 0x8, 0x9) or half >> 11 == 0b01001:
        return 2  # loads and stores
    return 1
