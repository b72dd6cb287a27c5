# SPDX-License-Identifier: Apache-2.0
"""Entering an amount with two buttons: "up" turns the digit under the cursor, "ok" goes on.

Six digits, the last two behind the point: up to 9999.99. "ok" on the last digit ends the entry.
It knows neither screen nor purse.
"""

from __future__ import annotations

DIGITS = 6  # 9999.99; more than any card may hold or take in one payment


class AmountEntry:
    """Digits and a cursor that starts at the hundreds, where most amounts begin."""

    def __init__(self) -> None:
        self.digits = [0] * DIGITS
        self.cursor = 1

    def press(self, button: str) -> bool:
        """Take a press of "up" or "ok"; True when the entry is complete."""
        if button == "up":
            self.digits[self.cursor] = (self.digits[self.cursor] + 1) % 10
            return False
        self.cursor += 1
        return self.cursor == DIGITS

    def amount(self) -> int:
        """Minor units as they stand now; 0 is possible and nobody's amount."""
        total = 0
        for digit in self.digits:
            total = total * 10 + digit
        return total

    def text(self) -> str:
        """ "0020.00": all digits, so that the cursor has a place."""
        whole = "".join([str(d) for d in self.digits])
        return whole[:4] + "." + whole[4:]

    def cursor_column(self) -> int:
        """Which character of `text` the cursor is under."""
        return self.cursor + (1 if self.cursor >= 4 else 0)
