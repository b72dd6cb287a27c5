# SPDX-License-Identifier: Apache-2.0
"""The display driver, as a transcript of its bus: what is sent, and how little of it."""

from __future__ import annotations

from drivers import icons
from drivers.ssd1306 import CHUNK, INIT, PAGES, WIDTH, Ssd1306, found, text_width
from duotap.errors import Fault
from raising import raises


class Bus:
    """An I2C bus that keeps a display memory by the commands which the driver uses."""

    def __init__(self):
        self.transfers = []
        self.memory = bytearray(WIDTH * PAGES)
        self.at = 0
        self.silent = False

    def writeto(self, address, buf):
        if self.silent:
            raise OSError(5)
        assert address == 0x3C
        buf = bytes(buf)
        self.transfers.append(buf)
        if buf[0] == 0x40:
            self.memory[self.at : self.at + len(buf) - 1] = buf[1:]
        elif buf[1] == 0x21:
            self.at = buf[5] * WIDTH + buf[2]
        return len(buf)

    def sent(self):
        """Bytes since the last question, addresses included."""
        count = sum([1 + len(transfer) for transfer in self.transfers])
        self.transfers = []
        return count


def started():
    bus = Bus()
    display = Ssd1306(bus)
    display.start()
    return bus, display


def rows(bus, x, y, width, height):
    """A rectangle of the memory as lines of # and dots."""
    return [
        "".join(
            [
                "#" if bus.memory[(row >> 3) * WIDTH + column] >> (row & 7) & 1 else "."
                for column in range(x, x + width)
            ]
        )
        for row in range(y, y + height)
    ]


def test_is_lit_only_after_its_memory_is_clear():
    bus, _ = started()
    assert bus.transfers[0] == b"\x00" + INIT
    assert bus.transfers[-1] == b"\x00\xaf"
    assert len(bus.transfers) == 2 + 2 * PAGES
    assert 0xAF not in INIT


def test_nothing_new_sends_nothing():
    bus, display = started()
    bus.sent()
    display.show()
    assert bus.sent() == 0
    display.clear()
    display.text("66.60", 0, 0)
    display.show()
    assert bus.sent() > 0
    display.clear()
    display.text("66.60", 0, 0)
    display.show()
    assert bus.sent() == 0


def test_one_pixel_sends_one_chunk():
    bus, display = started()
    bus.sent()
    display.fill(40, 20, 1, 1)
    display.show()
    assert bus.transfers[0] == bytes((0x00, 0x21, 32, 47, 0x22, 2, 2))
    assert len(bus.transfers[1]) == 1 + CHUNK
    assert rows(bus, 39, 19, 3, 3) == ["...", ".#.", "..."]


def test_text_across_two_pages():
    bus, display = started()
    assert display.text("p", 3, 5) == 3 + 6
    display.show()
    assert rows(bus, 2, 6, 7, 8) == [
        ".......",
        ".####..",
        ".#...#.",
        ".#...#.",
        ".####..",
        ".#.....",
        ".#.....",
        ".......",
    ]


def test_text_is_opaque():
    bus, display = started()
    display.fill(0, 0, 20, 10)
    display.text("-", 4, 1)
    display.show()
    assert rows(bus, 3, 0, 8, 10) == [
        "########",
        "#......#",
        "#......#",
        "#......#",
        "######.#",
        "#......#",
        "#......#",
        "#......#",
        "#......#",
        "########",
    ]


def test_scales():
    bus, display = started()
    for scale in (1, 2, 3):
        display.clear()
        display.text(".", 0, 0, scale)
        display.show()
        assert rows(bus, scale, 5 * scale, 3 * scale, 2 * scale) == (
            ["#" * 2 * scale + "." * scale] * 2 * scale
        )
        assert text_width("66.60", scale) == 29 * scale
    assert raises(ValueError, display.text, "x", 0, 0, 4)


def test_what_falls_outside_is_cut():
    bus, display = started()
    display.text("##", 125, 60, 3)
    display.fill(-5, -5, 8, 8)
    display.fill(120, 60, 30, 30)
    display.icon(icons.TICK, -4, 0)
    display.show()
    assert rows(bus, 0, 0, 4, 4) == ["....", "...#", "..##", ".##."]
    assert rows(bus, 120, 60, 8, 4) == ["########"] * 4


def test_lines_bar_and_inverse():
    bus, display = started()
    display.rect(2, 2, 6, 4)
    display.invert(0, 0, 10, 3)
    display.show()
    assert rows(bus, 0, 0, 10, 7) == [
        "##########",
        "##########",
        "##......##",
        "..#....#..",
        "..#....#..",
        "..######..",
        "..........",
    ]
    display.clear()
    display.bar(0, 0, 14, 5, 50)
    display.show()
    assert rows(bus, 0, 2, 14, 1) == ["#.#####......#"]


def test_centre_and_right():
    bus, display = started()
    display.centre("I", 0)
    display.right("I", 8)
    display.show()
    assert rows(bus, 61, 0, 5, 1) == [".###."]
    assert rows(bus, 123, 8, 5, 1) == [".###."]


def test_a_silent_display_is_a_fault():
    bus, display = started()
    bus.silent = True
    display.fill(0, 0, 4, 4)
    assert raises(Fault, display.show)


def test_a_bus_without_a_panel_draws_for_nobody():
    bus = Bus()
    assert found(bus).seen
    bus.silent = True
    display = found(bus)
    assert not display.seen
    bus.silent = False
    bus.sent()
    display.start()
    display.text("100.00", 0, 0)
    display.show()
    assert bus.sent() == 0
