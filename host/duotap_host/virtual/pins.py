# SPDX-License-Identifier: Apache-2.0
"""The lines of a virtual board: buttons against ground, and a keypad of four rows and columns.

Every line has a name, as `machine.Pin` takes it, and a pull-up: it is 1 unless something pulls it
down. Knows no firmware and no time.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.keypad import KEYS

BUTTONS = {"pay": "BUTTON_PAY", "up": "BUTTON_UP", "ok": "BUTTON_OK"}
ROWS = ("KEY_ROW0", "KEY_ROW1", "KEY_ROW2", "KEY_ROW3")
COLUMNS = ("KEY_COL0", "KEY_COL1", "KEY_COL2", "KEY_COL3")
# What is printed on the keys of a usual 4x4 membrane, and what a stand calls them.
LEGENDS = ("123A", "456B", "789C", "*0#D")
KEY_OF = {
    name: legend
    for legends, names in zip(LEGENDS, KEYS, strict=True)
    for legend, name in zip(legends, names, strict=True)
}
OTHERS = ("BUZZER", "LIGHT", "BATTERY")
# Of the PN532: NSS of its SPI, IRQ, RSTPDN.
RADIO_SELECT, RADIO_IRQ, RADIO_RESET = "RADIO_SELECT", "RADIO_IRQ", "RADIO_RESET"
RADIO = (RADIO_SELECT, RADIO_IRQ, RADIO_RESET)
NAMES = (*BUTTONS.values(), *ROWS, *COLUMNS, *OTHERS, *RADIO)


class Pins:
    """Levels by name; `on_change(name, level)` is told of every line that a key or a chip moves,
    `on_drive(name, level)` of what the board drives."""

    def __init__(self) -> None:
        self._levels = dict.fromkeys(NAMES, 1)
        self._closed: set[tuple[str, str]] = set()
        self.on_change: Callable[[str, int], object] = lambda _name, _level: None
        self.on_drive: Callable[[str, int], object] = lambda _name, _level: None

    def power_on(self) -> None:
        """No line is driven any more; keys that are held stay held."""
        for line in (*ROWS, RADIO_SELECT, RADIO_RESET):
            self._levels[line] = 1
        self._settle()

    def level(self, name: str) -> int:
        return self._levels[name]

    def drive(self, name: str, level: int) -> None:
        """The board's side: an output takes this level."""
        self._levels[name] = 1 if level else 0
        if name in ROWS:
            self._settle()
        self.on_drive(name, self._levels[name])

    def pull(self, name: str, level: int) -> None:
        """A chip's side: its output takes this level."""
        self._set(name, level)

    def hold(self, button: str) -> None:
        """A finger's side: press a button by its name, or a key by its legend."""
        self._finger(button, True)

    def release(self, button: str) -> None:
        self._finger(button, False)

    def closed(self) -> frozenset[tuple[str, str]]:
        """Rows and columns that a key ties together now."""
        return frozenset(self._closed)

    def _finger(self, button: str, down: bool) -> None:
        if button in BUTTONS:
            self._set(BUTTONS[button], 0 if down else 1)
            return
        contact = _contact(button)
        if down:
            self._closed.add(contact)
        else:
            self._closed.discard(contact)
        self._settle()

    def _settle(self) -> None:
        """A column is low while a closed key ties it to a low row."""
        for column in COLUMNS:
            rows = [row for row, tied in self._closed if tied == column]
            self._set(column, min((self._levels[row] for row in rows), default=1))

    def _set(self, name: str, level: int) -> None:
        if self._levels[name] != level:
            self._levels[name] = level
            self.on_change(name, level)


def _contact(legend: str) -> tuple[str, str]:
    for row, legends in zip(ROWS, LEGENDS, strict=True):
        if len(legend) == 1 and legend in legends:
            return row, COLUMNS[legends.index(legend)]
    raise ValueError(f"no button and no key is called {legend!r}")
