# SPDX-License-Identifier: Apache-2.0
"""What the stand shows, one function a screen; 128x64 pixels, turned to the customer.

It draws values that are handed in and knows no purse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers import icons

if TYPE_CHECKING:
    from typing import Any

WIDTH = 128
LINE = 21  # characters of a row at scale 1


def _frame(display: Any, title: str, foot: str) -> None:
    display.clear()
    display.text(title[:LINE], 0, 0)
    display.hline(0, 10, WIDTH)
    display.centre(foot[:LINE], 56)


def _large(display: Any, text: str) -> None:
    display.centre(text, 22, 3 if len(text) <= 7 else 2)


def entry(
    display: Any, name: str, typed: str, unsafe: str, journal_percent: int, list_age: int
) -> None:
    """The amount as it is typed; below it what is not deposited yet. `list_age`: of the deny list,
    in epochs; below 0: there is none."""
    foot = f"not yet safe: {unsafe}" if unsafe else "type amount, then OK"
    if journal_percent >= 80:
        foot = f"journal {journal_percent}%: deposit"
    _frame(display, name, foot)
    display.right(typed, 22, 3 if len(typed) <= 7 else 2)
    if list_age >= 0:
        display.text(f"deny list: {list_age}d old", 0, 12)
    display.show()


def touch(display: Any, amount: str, torn: bool, gives: bool = False) -> None:
    """Waiting for the card; `gives`: the amount goes back to it."""
    title = "TOUCH AGAIN" if torn else "TOUCH HERE"
    _frame(display, "REFUND: " + title if gives else title, "hold until it sounds")
    display.icon(icons.WARN if torn else icons.WAVES, 118, 0)
    _large(display, amount)
    display.show()


def confirm(display: Any, amount: str) -> None:
    """The card wants a press first."""
    _frame(display, "CONFIRM ON THE CARD", "then touch again")
    _large(display, amount)
    display.show()


def arm(display: Any, amount: str) -> None:
    """The card is there, but its holder has not pressed."""
    _frame(display, "PRESS PAY ON CARD", "then touch again")
    _large(display, amount)
    display.show()


def paid(display: Any, amount: str, unsure: bool) -> None:
    """Paid; `unsure`: the card may not know it yet."""
    _frame(display, "PAID", "card unsure? touch" if unsure else "thank you")
    display.icon(icons.TICK, 118, 0)
    _large(display, amount)
    display.show()


def message(display: Any, title: str, lines: list[str], zh: bytes = b"") -> None:
    """Refused, new, damaged, syncing; `zh`: glyphs of Chinese (drivers.hanzi)."""
    _frame(display, title, "")
    for row, line in enumerate(lines[:3]):
        display.centre(line[:LINE], 16 + row * 11 if zh else 18 + row * 13)
    display.glyphs(zh, 42)
    display.show()
