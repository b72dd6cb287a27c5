# SPDX-License-Identifier: Apache-2.0
"""Buttons and keypad in front of a clock that is moved by hand."""

from __future__ import annotations

import asyncio

from drivers.buttons import Buttons
from drivers.keypad import KEYS, Keypad
from hand_clock import HandClock


class Line:
    """A pin with a pull-up."""

    def __init__(self):
        self.level = 1

    def value(self, x=None):
        if x is not None:
            self.level = x
        return self.level


def press(line, at, until):
    return [(at, lambda: line.value(0)), (until, lambda: line.value(1))]


def told(driver, presses):
    async def main():
        seen = []
        for _ in range(presses):
            seen.append(await driver.next())
        return seen

    return asyncio.run(main())


def buttons(*plan):
    lines = {"pay": Line(), "up": Line(), "ok": Line()}
    steps = []
    for name, at, until in plan:
        steps += press(lines[name], at, until)
    clock = HandClock(sorted(steps, key=lambda step: step[0]))
    pairs = tuple([(name, lines[name]) for name in ("pay", "up", "ok")])
    return Buttons(pairs, clock), clock


def test_short_presses_in_their_order():
    driver, _ = buttons(("pay", 100, 200), ("up", 400, 480), ("pay", 600, 700))
    assert told(driver, 3) == [("pay", False), ("up", False), ("pay", False)]


def test_held_is_told_while_it_is_down_and_once():
    driver, clock = buttons(("ok", 100, 3000), ("up", 3500, 3600))
    assert told(driver, 1) == [("ok", True)]
    assert 890 <= clock.now <= 920
    assert told(driver, 1) == [("up", False)]


def test_a_bounce_is_no_press():
    driver, _ = buttons(("pay", 100, 108), ("pay", 130, 135), ("up", 300, 400))
    assert told(driver, 1) == [("up", False)]


def test_a_second_button_waits_for_the_first():
    driver, _ = buttons(("up", 100, 300), ("ok", 150, 250), ("ok", 500, 600))
    assert told(driver, 2) == [("up", False), ("ok", False)]


class Matrix:
    """A keypad of four rows and columns: a column is low where a closed key meets a low row."""

    def __init__(self):
        self.rows = [Line() for _ in range(4)]
        self.closed = set()
        self.columns = [Column(self, index) for index in range(4)]


class Column:
    def __init__(self, matrix, index):
        self.matrix = matrix
        self.index = index

    def value(self):
        for row, column in self.matrix.closed:
            if column == self.index and not self.matrix.rows[row].level:
                return 0
        return 1


def keypad(*plan):
    matrix = Matrix()
    steps = []
    for at, until, row, column in plan:
        steps.append((at, lambda key=(row, column): matrix.closed.add(key)))
        steps.append((until, lambda key=(row, column): matrix.closed.discard(key)))
    clock = HandClock(sorted(steps, key=lambda step: step[0]))
    return Keypad(tuple(matrix.rows), tuple(matrix.columns), clock), clock


def test_each_key_has_its_name():
    for row in range(4):
        for column in range(4):
            driver, clock = keypad((100, 200, row, column))
            assert told(driver, 1) == [KEYS[row][column]]
            assert clock.now < 200


def test_one_press_is_one_key():
    driver, _ = keypad((100, 900, 1, 2), (1100, 1200, 1, 2), (1400, 1500, 3, 2))
    assert told(driver, 3) == ["6", "6", "ok"]


def test_two_keys_at_once_are_none():
    driver, clock = keypad((100, 200, 0, 0), (95, 190, 1, 1), (500, 600, 3, 0))
    assert told(driver, 1) == ["."]
    assert clock.now > 500
