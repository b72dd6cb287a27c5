# SPDX-License-Identifier: Apache-2.0
"""What the card shows, one function a screen; 128x64 pixels, the amount always largest.

It draws values that are handed in and knows no purse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers import font, icons

if TYPE_CHECKING:
    from typing import Any

WIDTH = 128
LINE = 21  # characters of a row at scale 1


def _frame(display: Any, title: str, foot: str) -> None:
    display.clear()
    display.text(title, 0, 0)
    display.hline(0, 10, WIDTH)
    display.centre(foot, 56)


def _large(display: Any, text: str, y: int = 20) -> None:
    """As large as the row allows: 7 characters at scale 3, 10 at scale 2."""
    display.centre(text, y, 3 if len(text) <= 7 else 2)


def home(display: Any, amount: str, unfinished: int, journal_percent: int, battery: int) -> None:
    """Balance, and what asks for attention."""
    _frame(display, "duotap", "PAY    RECEIVE   OK")
    display.right(f"{battery}%", 0)
    _large(display, amount)
    if unfinished:
        display.centre(f"{unfinished} unfinished", 46)
    elif journal_percent >= 80:
        display.centre(f"journal {journal_percent}%: deposit", 46)
    display.show()


def armed(display: Any, ceiling: str, seconds: int) -> None:
    """Armed up to a ceiling; the bar is the time that is left."""
    _frame(display, "PAY UP TO", "touch the stand")
    _large(display, ceiling)
    display.bar(4, 46, 120, 7, seconds * 100 // 30)
    display.show()


def confirm(display: Any, amount: str, name: str) -> None:
    """An offer above the ceiling, with the certified name of who asks."""
    _frame(display, "CONFIRM?", "PAY = yes, OK = no")
    _large(display, amount)
    display.centre(name[:LINE], 46)
    display.show()


def entry(display: Any, digits: str, column: int) -> None:
    """Amount to receive, with a cursor."""
    _frame(display, "RECEIVE", "UP turns, OK goes on")
    x = (WIDTH - len(digits) * 18) // 2
    display.text(digits, x, 20, 3)
    display.fill(x + column * 18, 43, 15, 2)
    display.show()


def waiting(display: Any, amount: str) -> None:
    """Waiting for the payer's card."""
    _frame(display, "RECEIVE", "touch the other card")
    _large(display, amount)
    display.icon(icons.WAVES, 60, 46)
    display.show()


def done(display: Any, title: str, amount: str, name: str) -> None:
    """A payment made or received."""
    _frame(display, title, name[:LINE])
    display.icon(icons.TICK, 118, 0)
    _large(display, amount)
    display.show()


def again(display: Any, amount: str) -> None:
    """Torn half-way: nothing is lost, touch again or deposit."""
    _frame(display, "TOUCH AGAIN", "or deposit: safe")
    display.icon(icons.WARN, 118, 0)
    _large(display, amount)
    display.show()


def refused(display: Any, reason: str, zh: bytes) -> None:
    """Why not: two rows of 21 characters, and one of Chinese glyphs (drivers.hanzi)."""
    _frame(display, "NOT PAID", "OK")
    display.icon(icons.CROSS, 118, 0)
    for row, line in enumerate(font.lines(reason, LINE)[:2]):
        display.centre(line, 14 + row * 10)
    display.glyphs(zh, 37)
    display.show()


def service(display: Any, text: str) -> None:
    """New, damaged, or syncing."""
    _frame(display, "duotap", "")
    for row, line in enumerate(font.lines(text, LINE)[:3]):
        display.centre(line, 20 + row * 12)
    display.show()
