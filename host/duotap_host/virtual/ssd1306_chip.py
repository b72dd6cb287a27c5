# SPDX-License-Identifier: Apache-2.0
"""A virtual SSD1306: interprets what arrives over I2C and holds 128x64 pixels of display memory.

Solomon Systech SSD1306 rev 1.1: §8.1.5 (I2C), §8.7 (memory), §9 and §10 (commands). Scrolling is
parsed and not performed. What a chip would not understand is counted in `errors`, never raised.
Knows no firmware and draws no text.
"""

from __future__ import annotations

import random

WIDTH = 128
PAGES = 8
HEIGHT = PAGES * 8
ADDRESS = 0x3C

HORIZONTAL, VERTICAL, PAGE = 0, 1, 2

DATA_BIT = 0x40
CONTINUATION_BIT = 0x80

# Commands that take arguments: how many (§9, table 9-1).
ARGUMENTS = {
    0x20: 1,  # memory addressing mode
    0x21: 2,  # column address
    0x22: 2,  # page address
    0x26: 6,  # horizontal scroll
    0x27: 6,
    0x29: 5,  # vertical and horizontal scroll
    0x2A: 5,
    0x81: 1,  # contrast
    0x8D: 1,  # charge pump
    0xA3: 2,  # vertical scroll area
    0xA8: 1,  # multiplex ratio
    0xD3: 1,  # display offset
    0xD5: 1,  # clock
    0xD9: 1,  # pre-charge
    0xDA: 1,  # COM pins
    0xDB: 1,  # VCOMH
}


class Ssd1306Chip:
    """One panel; `write` and `read` are I2C transfers addressed to it."""

    def __init__(self, seed: int = 0) -> None:
        self._noise = random.Random(seed)
        self.errors = 0
        self.power_on()

    def power_on(self) -> None:
        """Registers as after reset (§8.5); the memory holds noise, as it does in a real chip."""
        self.memory = bytearray(self._noise.randbytes(WIDTH * PAGES))
        self.on = False
        self.pump = False
        self.inverted = False
        self.all_on = False
        self.contrast = 0x7F
        self.mode = PAGE
        self.start_line = 0
        self.offset = 0
        self.rows = HEIGHT
        self.flip_columns = False
        self.flip_rows = False
        self._columns = (0, WIDTH - 1)
        self._pages = (0, PAGES - 1)
        self._column = 0
        self._page = 0
        self._command: bytearray = bytearray()

    def write(self, transfer: bytes) -> None:
        """One write from start to stop: control bytes, commands, data (§8.1.5.2)."""
        at = 0
        while at < len(transfer):
            control = transfer[at]
            if control & 0x3F:
                self.errors += 1
                return
            end = at + 2 if control & CONTINUATION_BIT else len(transfer)
            body = transfer[at + 1 : end]
            if control & DATA_BIT:
                self._draw(body)
            else:
                for byte in body:
                    self._command_byte(byte)
            at = end

    def read(self, nbytes: int) -> bytes:
        """The status register (§8.1.5.3): bit 6 says that the panel is off."""
        return bytes((0x00 if self.on else 0x40,)) * nbytes

    def columns(self) -> tuple[int, ...]:
        """What the glass shows: a number a column from the left, bit 0 on top, lit bits set.

        The left upper corner is the one away from the cable, column SEG127 and row COM63.
        """
        glass = (1 << self.rows) - 1
        if not (self.on and self.pump):
            return (0,) * WIDTH
        if self.all_on:
            return (glass,) * WIDTH
        return tuple(self._column_of(WIDTH - 1 - x, glass) for x in range(WIDTH))

    def _column_of(self, segment: int, glass: int) -> int:
        bits = int.from_bytes(self.memory[segment::WIDTH], "little")
        first = (self.start_line + self.offset) % HEIGHT
        bits = (bits >> first | bits << HEIGHT - first) & glass
        if not self.flip_rows:
            bits = int(f"{bits:0{self.rows}b}"[::-1], 2)
        return bits ^ glass if self.inverted else bits

    def _draw(self, body: bytes) -> None:
        for byte in body:
            segment = WIDTH - 1 - self._column if self.flip_columns else self._column
            self.memory[self._page * WIDTH + segment] = byte
            self._advance()

    def _advance(self) -> None:
        """Move to the next place of the addressing mode (§10.1.3)."""
        if self.mode == PAGE:
            self._column = (self._column + 1) % WIDTH
        elif self.mode == HORIZONTAL:
            self._column, wrapped = _next(self._column, self._columns)
            if wrapped:
                self._page, _ = _next(self._page, self._pages)
        else:
            self._page, wrapped = _next(self._page, self._pages)
            if wrapped:
                self._column, _ = _next(self._column, self._columns)

    def _command_byte(self, byte: int) -> None:
        """Commands may be spread over transfers; they run when their arguments are complete."""
        self._command.append(byte)
        if len(self._command) <= ARGUMENTS.get(self._command[0], 0):
            return
        command, arguments = self._command[0], bytes(self._command[1:])
        self._command = bytearray()
        if not (self._simple(command) or self._with(command, arguments)):
            self.errors += 1

    def _simple(self, command: int) -> bool:
        """Run a command without arguments; False when it is none."""
        if command <= 0x1F:
            shift = command >> 4 & 1
            keep = 0x0F if shift else 0xF0
            self._column = (self._column & keep | (command & 0x0F) << 4 * shift) & 0x7F
        elif 0x40 <= command <= 0x7F:
            self.start_line = command & 0x3F
        elif 0xB0 <= command <= 0xB7:
            self._page = command & 7
        elif command in (0xA0, 0xA1):
            self.flip_columns = command == 0xA1
        elif command in (0xC0, 0xC8):
            self.flip_rows = command == 0xC8
        elif command in (0xA4, 0xA5):
            self.all_on = command == 0xA5
        elif command in (0xA6, 0xA7):
            self.inverted = command == 0xA7
        elif command in (0xAE, 0xAF):
            self.on = command == 0xAF
        else:
            return command in (0x2E, 0x2F, 0xE3)  # scrolling off and on, NOP
        return True

    def _with(self, command: int, arguments: bytes) -> bool:
        """Run a command that has arguments; False when they are out of range."""
        first, last = arguments[0] if arguments else 0, arguments[-1] if arguments else 0
        if command == 0x20 and first <= PAGE:
            self.mode = first
        elif command == 0x21 and first <= last < WIDTH:
            self._columns, self._column = (first, last), first
        elif command == 0x22 and first <= last < PAGES:
            self._pages, self._page = (first, last), first
        elif command == 0x81:
            self.contrast = first
        elif command == 0x8D and first in (0x10, 0x14):
            self.pump = first == 0x14
        elif command == 0xA8 and 15 <= first <= 63:
            self.rows = first + 1
        elif command == 0xD3 and first <= 63:
            self.offset = first
        else:
            return command in ARGUMENTS and command not in (0x20, 0x21, 0x22, 0x8D, 0xA8, 0xD3)
        return True


def _next(at: int, span: tuple[int, int]) -> tuple[int, bool]:
    """The place behind `at` within `span`, and whether that was a return to its begin."""
    return (span[0], True) if at >= span[1] else (at + 1, False)
