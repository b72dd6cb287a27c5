# SPDX-License-Identifier: Apache-2.0
"""Writes firmware/drivers/hanzi.py: the characters of duotap.reasons, and no others, as a screen
draws them: `python -m duotap_host.glyphs FONT`, with DroidSansFallbackFull.ttf of Debian's package
fonts-droid-fallback (Apache-2.0)."""

from __future__ import annotations

import sys
from pathlib import Path

from duotap import reasons
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, SIZE = 14, 16, 14  # pixels of a cell; of the font
MODULE = Path(__file__).parents[2] / "firmware" / "drivers" / "hanzi.py"
HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""The Chinese characters that refusals are told with, from Droid Sans Fallback (Apache-2.0); made
by duotap_host.glyphs. Imported late, when something is refused. Knows no screen.

A glyph is 14 columns of 8 bits for its upper half, then as many for its lower one; bit 0 on top.
"""

from __future__ import annotations

WIDTH = 14
BYTES = 28
'''
TAIL = '''

def glyphs(words: str) -> bytes:
    """BYTES for each character; nothing for one that is not here."""
    found = b""
    for char in words:
        at = CHARS.find(char)
        if at >= 0:
            found += GLYPHS[at * BYTES : (at + 1) * BYTES]
    return found
'''


def drawn(font: ImageFont.FreeTypeFont, char: str) -> bytes:
    """One glyph."""
    image = Image.new("1", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text((0, 0), char, fill=1, font=font)
    columns = [sum(bool(image.getpixel((x, y))) << y for y in range(HEIGHT)) for x in range(WIDTH)]
    return bytes(column & 0xFF for column in columns) + bytes(column >> 8 for column in columns)


def main() -> None:
    """Write the module."""
    font = ImageFont.truetype(sys.argv[1], SIZE)
    chars = "".join(sorted({char for _, zh in reasons.REASONS.values() for char in zh}))
    lines = [HEAD, "# fmt: off", "CHARS = (", *_rows(chars), ")", "GLYPHS = ("]
    for char in chars:
        glyph = drawn(font, char)
        text = "".join(f"\\x{byte:02x}" for byte in glyph)
        half = len(text) // 2
        lines += [f'    b"{text[:half]}"', f'    b"{text[half:]}"  # {char}']
    MODULE.write_text("\n".join([*lines, ")", "# fmt: on", ""]) + TAIL, encoding="utf-8")


def _rows(chars: str) -> list[str]:
    return [f'    "{chars[at : at + 40]}"' for at in range(0, len(chars), 40)]


if __name__ == "__main__":
    main()
