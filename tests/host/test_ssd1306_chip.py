# SPDX-License-Identifier: Apache-2.0
"""The virtual SSD1306 against its data sheet, and what is read from its glass."""

from __future__ import annotations

from pathlib import Path

import pytest
from drivers.ssd1306 import Ssd1306
from duotap_host.virtual import glass
from duotap_host.virtual.ssd1306_chip import ADDRESS, HEIGHT, WIDTH, Ssd1306Chip
from PIL import Image

LIT = b"\x00\xaf\x8d\x14"  # display on, charge pump on


class Bus:
    """What the driver needs of an I2C bus with one chip on it."""

    def __init__(self, chip: Ssd1306Chip) -> None:
        self.chip = chip

    def writeto(self, address: int, buf: bytes) -> int:
        assert address == ADDRESS
        self.chip.write(bytes(buf))
        return len(buf)


def drawn() -> tuple[Ssd1306Chip, Ssd1306]:
    chip = Ssd1306Chip()
    display = Ssd1306(Bus(chip))  # type: ignore[arg-type]  # the part of a bus that it uses
    display.start()
    return chip, display


def cleared(*commands: bytes) -> Ssd1306Chip:
    chip = Ssd1306Chip()
    chip.write(LIT)
    chip.memory[:] = bytes(len(chip.memory))
    for command in commands:
        chip.write(command)
    return chip


def lit(chip: Ssd1306Chip) -> set[tuple[int, int]]:
    columns = chip.columns()
    return {(x, y) for x in range(WIDTH) for y in range(HEIGHT) if columns[x] >> y & 1}


def test_memory_holds_noise_and_the_panel_is_dark() -> None:
    chip = Ssd1306Chip(7)
    assert any(chip.memory)
    assert not lit(chip)
    assert chip.read(1) == b"\x40"
    chip.write(b"\x00\xaf")
    assert not lit(chip), "without its charge pump a panel is dark"
    chip.write(b"\x00\x8d\x14")
    assert lit(chip)
    assert chip.read(1) == b"\x00"


@pytest.mark.parametrize(
    ("commands", "corner"),
    [
        (b"\x00\xa1\xc8", (0, 0)),
        (b"\x00\xa0\xc8", (127, 0)),
        (b"\x00\xa1\xc0", (0, 63)),
        (b"\x00\xa0\xc0", (127, 63)),
        (b"\x00\xa1\xc8\x41", (0, 63)),  # start line 1: row 0 of the memory comes last
        (b"\x00\xa1\xc8\xd3\x01", (0, 63)),
        (b"\x00\xa1\xc8\x81\x01", (0, 0)),
    ],
)
def test_where_the_first_bit_is_seen(commands: bytes, corner: tuple[int, int]) -> None:
    chip = cleared(commands, b"\x00\x20\x00\x21\x00\x7f\x22\x00\x07", b"\x40\x01")
    assert lit(chip) == {corner}
    assert chip.errors == 0


@pytest.mark.parametrize(
    ("mode", "places"),
    [
        (b"\x20\x00", [(1, 10), (1, 11), (2, 10), (2, 11), (1, 10)]),  # horizontal
        (b"\x20\x01", [(1, 10), (2, 10), (1, 11), (2, 11), (1, 10)]),  # vertical
    ],
)
def test_windows_are_filled_in_their_order(mode: bytes, places: list[tuple[int, int]]) -> None:
    chip = cleared(b"\x00" + mode + b"\x21\x0a\x0b\x22\x01\x02")
    for number, (page, column) in enumerate(places, 1):
        chip.write(bytes((0x40, number)))
        assert chip.memory[page * WIDTH + column] == number


def test_page_mode_stays_in_its_page() -> None:
    chip = cleared(b"\x00\x20\x02\xb3\x0e\x17", b"\x40" + bytes((1, 2, 3)))
    assert bytes(chip.memory[3 * WIDTH + 126 : 4 * WIDTH]) == b"\x01\x02"
    assert chip.memory[3 * WIDTH] == 3


def test_commands_may_come_byte_by_byte_and_mixed_with_drawing() -> None:
    chip = cleared(b"\x00\x21", b"\x00\x05", b"\x00\x06", b"\x80\x22\x80\x02\x80\x02")
    chip.write(b"\x80\x20\x80\x00\xc0\x11\x40\x22")
    assert bytes(chip.memory[2 * WIDTH + 5 : 2 * WIDTH + 7]) == b"\x11\x22"
    assert chip.errors == 0


@pytest.mark.parametrize(
    "transfer",
    [
        b"\x00\xbf",
        b"\x00\xff",
        b"\x00\x20\x03",
        b"\x00\x21\x09\x05",
        b"\x00\x22\x00\x08",
        b"\x00\xa8\x05",
        b"\x3f\x00",
    ],
)
def test_what_no_chip_understands_is_counted(transfer: bytes) -> None:
    chip = cleared(transfer)
    assert chip.errors == 1
    chip.write(b"\x00\xe3")
    assert chip.errors == 1


def test_inverse_all_on_and_fewer_rows() -> None:
    assert len(lit(cleared(b"\x00\xa7"))) == WIDTH * HEIGHT
    assert len(lit(cleared(b"\x00\xa5"))) == WIDTH * HEIGHT
    assert len(lit(cleared(b"\x00\xa5\xa8\x1f"))) == WIDTH * 32
    assert not lit(cleared(b"\x00\xa5\xa4"))


def test_lines_of_all_sizes_and_on_light_ground() -> None:
    chip, display = drawn()
    display.text("Tea House 42", 4, 1)
    display.invert(0, 0, 128, 10)
    display.centre("66.60", 14, 3)
    display.centre("Paid", 40, 2)
    display.text("me", 0, 56)
    display.right("too", 56)
    display.show()
    assert glass.lines(chip) == ("Tea House 42", "66.60", "Paid", "me too")
    assert chip.errors == 0


def test_every_letter_is_read_back() -> None:
    chip, display = drawn()
    texts = ["".join(chr(code + i) for i in range(16)) for code in range(32, 127, 16)]
    for row, text in enumerate(texts):
        display.text(text, 0, row * 10)
    display.show()
    seen = "".join(glass.lines(chip)).replace(" ", "")
    assert seen == "".join(texts).replace(" ", "").replace("\x7f", "¥")


def test_drawings_are_no_text() -> None:
    chip, display = drawn()
    display.hline(0, 10, 128)
    display.rect(3, 20, 30, 9)
    display.bar(40, 20, 60, 9, 40)
    display.show()
    assert glass.lines(chip) == ()


def test_picture_and_dump(tmp_path: Path) -> None:
    chip, display = drawn()
    display.fill(2, 0, 1, 2)
    display.fill(3, 1, 1, 1)
    display.show()
    glass.save_png(chip, tmp_path / "screen.png", scale=2)
    with Image.open(tmp_path / "screen.png") as image:
        assert image.size == (2 * (WIDTH + 2 * glass.BORDER), 2 * (HEIGHT + 2 * glass.BORDER))
        assert image.getpixel((2 * (glass.BORDER + 2), 2 * glass.BORDER)) == glass.LIT
        assert image.getpixel((2 * (glass.BORDER + 3), 2 * glass.BORDER)) == glass.DARK
    assert glass.dump(chip).splitlines()[0].rstrip() == "  █▄"
