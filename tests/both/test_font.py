# SPDX-License-Identifier: Apache-2.0
"""The font: no glyph is missing, none is drawn twice, and it looks like what it says."""

from __future__ import annotations

from drivers import font

PICTURE_OF_P = (
    ".....",
    ".....",
    "####.",
    "#...#",
    "#...#",
    "####.",
    "#....",
    "#....",
)


def drawn(char):
    columns = font.glyph(char)
    return tuple(
        "".join(["#" if column >> row & 1 else "." for column in columns])
        for row in range(font.HEIGHT)
    )


def test_table_has_a_glyph_for_each_code():
    assert len(font.GLYPHS) == (font.LAST - font.FIRST + 1) * font.WIDTH


def test_no_two_glyphs_are_alike():
    glyphs = [font.glyph(chr(code)) for code in range(font.FIRST, font.LAST + 1)]
    assert len(set(glyphs)) == len(glyphs)


def test_only_space_is_blank():
    blank = [chr(c) for c in range(font.FIRST, font.LAST + 1) if not any(font.glyph(chr(c)))]
    assert blank == [" "]


def test_p_hangs_below_the_line():
    assert drawn("p") == PICTURE_OF_P


def test_yen_and_what_is_not_there():
    assert font.glyph("\u00a5") == font.glyph("\x7f")
    assert font.glyph("\u4e2d") == font.glyph("?")
    assert font.glyph("\n") == font.glyph("?")
