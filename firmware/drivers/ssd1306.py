# SPDX-License-Identifier: Apache-2.0
"""SSD1306 display, 128x64 pixels over I2C (Solomon Systech SSD1306 rev 1.1, §8 and §9).

Draws into a buffer of its own; `show` sends the parts that differ from what the chip holds.
Refuses to know what is drawn and why. A chip that does not acknowledge is a Fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault

from drivers import font

if TYPE_CHECKING:
    from port.wiring import I2c

WIDTH = 128
HEIGHT = 64
PAGES = HEIGHT // 8
ADDRESS = 0x3C

# Control bytes (§8.1.5.2): what follows up to the stop condition is all commands, or all data.
COMMANDS = 0x00
DATA = 0x40

SET_COLUMN_ADDRESS = 0x21
SET_PAGE_ADDRESS = 0x22
SET_CONTRAST = 0x81
DISPLAY_OFF = 0xAE
DISPLAY_ON = 0xAF

# Horizontal addressing; glass mounted with the flat cable below; charge pump for 3.3 V boards.
INIT = (
    b"\xae"  # display off while its memory holds noise
    b"\x20\x00"  # horizontal addressing mode
    b"\x40"  # start line 0
    b"\xa1\xc8"  # column 127 is SEG0, scan from COM63
    b"\xa8\x3f\xd3\x00"  # 64 rows, no offset
    b"\xda\x12"  # alternative COM pins
    b"\xd5\x80\xd9\xf1\xdb\x30"  # clock, pre-charge, VCOMH as the data sheet gives for the pump
    b"\x81\x9f"  # contrast
    b"\xa4\xa6"  # show the memory, not inverted
    b"\x8d\x14"  # charge pump on
)

# Columns compared and sent as one: short enough to spare the bus, long enough to spare Python.
CHUNK = 16

SCALE_MAX = 3


class Ssd1306:
    """A screen: (0, 0) is the upper left pixel; what falls outside is cut off."""

    width = WIDTH
    height = HEIGHT

    seen = True  # somebody may see what is drawn

    def __init__(self, i2c: I2c, address: int = ADDRESS) -> None:
        self._i2c = i2c
        self._address = address
        self._buffer = bytearray(WIDTH * PAGES)
        self._sent = bytearray(WIDTH * PAGES)
        self._line = bytearray(1 + WIDTH)
        self._line[0] = DATA

    def start(self) -> None:
        """Set the chip up, clear its memory, then light it."""
        self._command(INIT)
        self._send_all()
        self._command(bytes((DISPLAY_ON,)))

    def stop(self) -> None:
        """Switch the panel off; its memory is kept."""
        self._command(bytes((DISPLAY_OFF,)))

    def contrast(self, level: int) -> None:
        """Brightness from 0 to 255."""
        self._command(bytes((SET_CONTRAST, level & 0xFF)))

    def clear(self) -> None:
        """Make every pixel dark."""
        for i in range(len(self._buffer)):
            self._buffer[i] = 0

    def fill(self, x: int, y: int, width: int, height: int, on: int = 1) -> None:
        """Paint a solid rectangle."""
        for page in range(PAGES):
            mask = _rows(page, y, height)
            if mask:
                for column in range(max(x, 0), min(x + width, WIDTH)):
                    self._paint(column, page, mask if on else 0, mask)

    def hline(self, x: int, y: int, width: int, on: int = 1) -> None:
        """Paint a line one pixel high."""
        self.fill(x, y, width, 1, on)

    def rect(self, x: int, y: int, width: int, height: int, on: int = 1) -> None:
        """Paint the outline of a rectangle."""
        self.fill(x, y, width, 1, on)
        self.fill(x, y + height - 1, width, 1, on)
        self.fill(x, y, 1, height, on)
        self.fill(x + width - 1, y, 1, height, on)

    def invert(self, x: int, y: int, width: int, height: int) -> None:
        """Swap light and dark in a rectangle."""
        for page in range(PAGES):
            mask = _rows(page, y, height)
            for at in range(page * WIDTH + max(x, 0), page * WIDTH + min(x + width, WIDTH)):
                self._buffer[at] ^= mask

    def text(self, text: str, x: int, y: int, scale: int = 1) -> int:
        """Write `text` with its upper left corner at (x, y); returns the x behind it."""
        for char in text:
            columns = font.glyph(char)
            x = self._columns(columns, font.HEIGHT, x, y, scale)
            x = self._columns(b"\x00", font.HEIGHT, x, y, scale)
        return x

    def centre(self, text: str, y: int, scale: int = 1) -> None:
        """Write `text` in the middle of the row that begins at `y`."""
        self.text(text, max(0, (WIDTH - text_width(text, scale)) // 2), y, scale)

    def right(self, text: str, y: int, scale: int = 1) -> None:
        """Write `text` against the right edge."""
        self.text(text, max(0, WIDTH - text_width(text, scale)), y, scale)

    def icon(self, icon: bytes, x: int, y: int, scale: int = 1) -> None:
        """Draw one of `drivers.icons`."""
        self._columns(icon, 8, x, y, scale)

    def glyphs(self, glyphs: bytes, y: int) -> None:
        """Draw what drivers.hanzi gave in the middle of the row that begins at `y`: 28 bytes each,
        14 columns of an upper half, then of a lower one."""
        x = (WIDTH - len(glyphs) // 2) // 2
        for at in range(0, len(glyphs), 28):
            self.icon(glyphs[at : at + 14], x, y)
            self.icon(glyphs[at + 14 : at + 28], x, y + 8)
            x += 14

    def bar(self, x: int, y: int, width: int, height: int, percent: int) -> None:
        """Draw an outline, filled from the left by `percent`."""
        self.fill(x, y, width, height, 0)
        self.rect(x, y, width, height)
        self.fill(x + 2, y + 2, (width - 4) * max(0, min(percent, 100)) // 100, height - 4)

    def show(self) -> None:
        """Send what changed since the last call; nothing when nothing did."""
        fresh = memoryview(self._buffer)
        sent = memoryview(self._sent)
        for page in range(PAGES):
            first = -1
            last = -1
            for at in range(page * WIDTH, (page + 1) * WIDTH, CHUNK):
                if fresh[at : at + CHUNK] != sent[at : at + CHUNK]:
                    first = at if first < 0 else first
                    last = at + CHUNK
            if first >= 0:
                self._send(page, first - page * WIDTH, last - page * WIDTH)

    def _columns(self, columns: bytes, height: int, x: int, y: int, scale: int) -> int:
        """Paint columns of `height` bits, `scale` times as wide and high; y >= 0."""
        if not 1 <= scale <= SCALE_MAX or y < 0:
            raise ValueError("scale or row")
        # At most 8 * 3 + 7 bits: seldom more than a small integer of a board has.
        mask = ((1 << height * scale) - 1) << (y & 7)
        for column in columns:
            bits = (column if scale == 1 else _stretch(column, height, scale)) << (y & 7)
            for _ in range(scale):
                if 0 <= x < WIDTH:
                    self._paint(x, y >> 3, bits, mask)
                x += 1
        return x

    def _paint(self, column: int, page: int, bits: int, mask: int) -> None:
        """Set the pixels of `mask` in one column, from `page` downwards, to `bits`."""
        at = page * WIDTH + column
        while mask and at < len(self._buffer):
            self._buffer[at] = (self._buffer[at] & ~mask & 0xFF) | (bits & mask & 0xFF)
            mask >>= 8
            bits >>= 8
            at += WIDTH

    def _send_all(self) -> None:
        for page in range(PAGES):
            self._send(page, 0, WIDTH)

    def _send(self, page: int, first: int, end: int) -> None:
        """Send columns `first` up to `end` of one page, and remember that they were sent."""
        self._command(bytes((SET_COLUMN_ADDRESS, first, end - 1, SET_PAGE_ADDRESS, page, page)))
        at = page * WIDTH + first
        size = end - first
        self._line[1 : 1 + size] = self._buffer[at : at + size]
        self._write(memoryview(self._line)[: 1 + size])
        self._sent[at : at + size] = self._buffer[at : at + size]

    def _command(self, commands: bytes) -> None:
        self._write(bytes((COMMANDS,)) + commands)

    def _write(self, buf: bytes | memoryview) -> None:
        try:
            self._i2c.writeto(self._address, buf)
        except OSError:
            raise Fault("the display does not answer") from None


def found(i2c: I2c, address: int = ADDRESS) -> Ssd1306:
    """The panel on this bus, or where none answers one that draws for nobody: a device whose
    screen is broken still has to give back what it holds."""
    panel = Ssd1306(i2c, address)
    try:
        panel.stop()
    except Fault:
        from drivers.dark import Dark

        return Dark(i2c, address)
    return panel


def text_width(text: str, scale: int = 1) -> int:
    """Pixels from the first lit column of `text` to the last."""
    return max(0, len(text) * (font.WIDTH + 1) - 1) * scale


def _rows(page: int, y: int, height: int) -> int:
    """The bits of `page` that lie in the rows from `y` up to `y + height`."""
    first = max(y - page * 8, 0)
    end = min(y + height - page * 8, 8)
    return ((1 << end) - 1) & ~((1 << first) - 1) if end > first else 0


def _stretch(column: int, height: int, scale: int) -> int:
    """Repeat each of the `height` bits `scale` times."""
    bits = 0
    dot = (1 << scale) - 1
    for row in range(height):
        if column >> row & 1:
            bits |= dot << (row * scale)
    return bits
