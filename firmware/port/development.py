# SPDX-License-Identifier: Apache-2.0
"""A development build: the console can leave the link for MicroPython's prompt, no watchdog runs,
and the screen says so.

The digest that its certificate names begins with DEV (PROTOCOL.md §3); nothing else makes one.
Tools for MicroPython begin by a carriage return and Ctrl-C; no frame begins like that. Imported in
such a build only; it must never hold anybody's money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from port.console import Console

if TYPE_CHECKING:
    from typing import Any

    from port.clock import Clock

QUIET_MS = 50  # two bytes of a frame are never so far apart
RETURN, INTERRUPT = b"\r", b"\x03"
SIGN, SIGN_COLUMN, SIGN_ROW = "DEV", 58, 0  # between title and battery


class OpenConsole(Console):
    """A console that ends the program when a person or a tool asks for the prompt."""

    def __init__(self, reader: Any, writer: Any, poll: Any, clock: Clock) -> None:
        super().__init__(reader, writer, poll)
        self._clock = clock
        self._heard = clock.ticks_ms()
        self._asked = False

    def read(self, nbytes: int = 64) -> bytes | None:
        """As Console.read. Raises KeyboardInterrupt, and leaves what comes after to the prompt."""
        chunk = b""
        while len(chunk) < nbytes:
            byte = super().read(1)
            if not byte:
                break
            self._look(byte)
            chunk += byte
        return chunk or None

    def _look(self, byte: bytes) -> None:
        now = self._clock.ticks_ms()
        if self._asked and byte == INTERRUPT:
            raise KeyboardInterrupt
        self._asked = byte == RETURN and self._clock.diff(now, self._heard) >= QUIET_MS
        self._heard = now


class Unwatched:
    """In place of a watchdog: at the prompt nobody feeds one."""

    def feed(self) -> None:
        """Nobody is hungry."""


def open_up(parts: Any) -> None:
    """Make these parts a development board's."""
    import select
    import sys

    poll = select.poll()
    poll.register(sys.stdin.buffer, select.POLLIN)
    parts.console = OpenConsole(sys.stdin.buffer, sys.stdout.buffer, poll, parts.clock)
    parts.wdt = Unwatched()
    display = parts.display
    show = display.show

    def signed() -> None:
        display.text(SIGN, SIGN_COLUMN, SIGN_ROW)
        show()

    display.show = signed
