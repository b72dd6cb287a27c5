# SPDX-License-Identifier: Apache-2.0
"""Entering an amount on a keypad, as on every till: digits and a point, as people say prices.

"." may come once, two digits may follow it; a key that cannot follow is ignored. It knows neither
screen nor purse.
"""

from __future__ import annotations

from duotap import amount
from duotap.errors import Malformed

WHOLE_MAX = 6  # 999999.99; the limit of the certificate is what counts


class AmountEntry:
    """What was typed so far."""

    def __init__(self) -> None:
        self.typed = ""

    def press(self, key: str) -> None:
        """Take a key: a digit, "." or "back"."""
        whole, point, fraction = self.typed.partition(".")
        if key == "back":
            self.typed = self.typed[:-1]
        elif key == ".":
            self.typed += "" if point else "."
        elif point:
            self.typed += key if len(fraction) < amount.DECIMALS else ""
        elif len(whole) < WHOLE_MAX:
            self.typed = key if whole == "0" else whole + key

    def text(self) -> str:
        """What the screen shows."""
        return self.typed or "0"

    def amount(self) -> int:
        """Minor units, 0 while it is none."""
        try:
            return amount.parse(self.typed)
        except Malformed:
            return 0
