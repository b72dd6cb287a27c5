# SPDX-License-Identifier: Apache-2.0
"""A 4x4 membrane keypad: rows are driven, columns are read against pull-ups.

While no key is down all rows are low and only the columns are looked at; a key that goes down is
found by one scan. Two keys at once are none, since a matrix without diodes can show a third.
Knows what the keys of a till are called and no amount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.buttons import DEBOUNCE_MS, STEP_MS

if TYPE_CHECKING:
    from port.clock import Clock
    from port.wiring import Pin

# By row and column; the legends of the usual membrane are 123A 456B 789C *0#D.
KEYS = (
    ("1", "2", "3", "back"),
    ("4", "5", "6", "cancel"),
    ("7", "8", "9", "sync"),
    (".", "0", "ok", "menu"),
)


class Keypad:
    """Four row pins (outputs) and four column pins (inputs with pull-up)."""

    def __init__(self, rows: tuple[Pin, ...], columns: tuple[Pin, ...], clock: Clock) -> None:
        self._rows = rows
        self._columns = columns
        self._clock = clock

    async def next(self) -> str:
        """Wait until a key goes down; returns its name at once."""
        self._drive(0)
        await self._clock.poll(lambda: not self._any(), None, STEP_MS)
        await self._clock.sleep_ms(DEBOUNCE_MS)
        while True:
            await self._clock.poll(self._any, None, STEP_MS)
            await self._clock.sleep_ms(DEBOUNCE_MS)
            key = self._scan()
            if key:
                return key

    def _scan(self) -> str:
        """The one key that is down, or nothing; leaves all rows low."""
        found = ""
        count = 0
        self._drive(1)
        for row, keys in zip(self._rows, KEYS):
            row.value(0)
            for column, key in zip(self._columns, keys):
                if not column.value():
                    found = key
                    count += 1
            row.value(1)
        self._drive(0)
        return found if count == 1 else ""

    def _any(self) -> bool:
        return any(not column.value() for column in self._columns)

    def _drive(self, level: int) -> None:
        for row in self._rows:
            row.value(level)
