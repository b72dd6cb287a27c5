# SPDX-License-Identifier: Apache-2.0
"""What a person sees on a panel: as a picture, and as the lines of text that stand on it.

Reads the lit pixels only; the text is recognised by the shapes of the firmware's own font, dark
on light too. Knows no program and no chip's registers beyond `columns`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from drivers import font
from PIL import Image

from duotap_host.virtual.ssd1306_chip import HEIGHT, WIDTH, Ssd1306Chip

LIT = (190, 226, 255)
DARK = (8, 10, 16)
BORDER = 4  # pixels of the panel around the picture

Rows = tuple[tuple[bool, ...], ...]

CODES = (*range(33, 127), ord("¥"))
SHAPES = {font.glyph(chr(code)): chr(code) for code in CODES}
TOP, BASE = 1, 1 << 6  # the rows between which a letter of full height stands
SCALES = (3, 2, 1)


def picture(chip: Ssd1306Chip, scale: int = 4) -> Image.Image:
    """The panel, `scale` times as large, in an OLED's colours."""
    image = Image.new("RGB", (WIDTH + 2 * BORDER, HEIGHT + 2 * BORDER), DARK)
    for y, row in enumerate(rows(chip)):
        for x, lit in enumerate(row):
            if lit:
                image.putpixel((x + BORDER, y + BORDER), LIT)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def save_png(chip: Ssd1306Chip, path: Path, scale: int = 4) -> None:
    """Write the panel as a PNG file."""
    picture(chip, scale).save(path, format="PNG", optimize=True)


def rows(chip: Ssd1306Chip) -> Rows:
    """The lit pixels, top row first."""
    columns = chip.columns()
    return tuple(tuple(bool(bits >> y & 1) for bits in columns) for y in range(HEIGHT))


def dump(chip: Ssd1306Chip) -> str:
    """The panel as characters, two rows of pixels a line."""
    lit = rows(chip)
    return "\n".join(
        "".join(" ▀▄█"[upper + 2 * lower] for upper, lower in zip(*pair, strict=True))
        for pair in zip(lit[::2], lit[1::2], strict=True)
    )


def lines(chip: Ssd1306Chip) -> tuple[str, ...]:
    """The lines of text on the panel from top to bottom; letters need free pixels beside them."""
    return _lines(chip.columns())


@lru_cache(maxsize=64)
def _lines(columns: tuple[int, ...]) -> tuple[str, ...]:
    """Whoever waits for a text asks again and again for a panel that did not change."""
    panel = _Panel(columns)
    found: list[tuple[int, str]] = []
    for scale in SCALES:
        for y in range(HEIGHT - font.HEIGHT * scale + 1):
            found += [(y, text) for dark in (False, True) if (text := panel.line(y, scale, dark))]
    return tuple(text for _, text in sorted(found))


class _Panel:
    """The lit pixels as one number a column, bit 0 on top; what is recognised is taken away."""

    def __init__(self, columns: tuple[int, ...]) -> None:
        self._columns = list(columns)

    def line(self, y: int, scale: int, dark: bool) -> str:
        """The text whose letters begin in row `y`; `dark` letters stand on light ground."""
        strips = self._strips(y, scale, dark)
        cells: dict[int, str] = {}
        x = 0
        while x + font.WIDTH * scale <= WIDTH:
            char = _letter(strips, x, scale) if strips[x] >= 0 else ""
            if char:
                cells[x] = char
            x += (font.WIDTH + 1) * scale if char else 1
        if not _is_text(cells.values()):
            return ""
        for x in cells:
            self._take(x, y, scale, dark)
        return _joined(cells, scale)

    def _strips(self, y: int, scale: int, dark: bool) -> list[int]:
        """Each column's bits of the line; -1 where they are no letter's at this scale."""
        mask = (1 << font.HEIGHT * scale) - 1
        flip = mask if dark else 0
        known = SHRUNK[scale]
        return [known.get(column >> y & mask ^ flip, -1) for column in self._columns]

    def _take(self, x: int, y: int, scale: int, dark: bool) -> None:
        mask = ((1 << font.HEIGHT * scale) - 1) << y
        for column in range(x, x + font.WIDTH * scale):
            self._columns[column] = self._columns[column] & ~mask | (mask if dark else 0)


def _stretched(bits: int, scale: int) -> int:
    """The bits of one column of a letter, `scale` times as high."""
    dot = (1 << scale) - 1
    return sum(dot << row * scale for row in range(font.HEIGHT) if bits >> row & 1)


SHRUNK = {
    scale: {_stretched(bits, scale): bits for bits in range(1 << font.HEIGHT)} for scale in SCALES
}


def _letter(strips: list[int], x: int, scale: int) -> str:
    """The letter whose first column is `x`, with a free column on each side; or nothing."""
    end = x + font.WIDTH * scale
    if (x and strips[x - 1]) or (end < WIDTH and strips[end]):
        return ""
    columns = strips[x:end:scale]
    if -1 in columns or strips[x:end] != [column for column in columns for _ in range(scale)]:
        return ""
    return SHAPES.get(bytes(columns), "")


def _is_text(letters: Collection[str]) -> bool:
    """One letter of full height or two that are small; a dot alone may be part of a drawing."""
    small = sum(char.isalnum() for char in letters)
    return small > 1 or any(_full_height(char) for char in letters)


def _full_height(char: str) -> bool:
    columns = font.glyph(char)
    return any(column & TOP for column in columns) and any(column & BASE for column in columns)


def _joined(cells: dict[int, str], scale: int) -> str:
    """Letters in a row; a gap of one cell or more is one space."""
    text = ""
    end = WIDTH
    for x in sorted(cells):
        if x >= end + (font.WIDTH + 1) * scale:
            text += " "
        text += cells[x]
        end = x + (font.WIDTH + 1) * scale
    return text
