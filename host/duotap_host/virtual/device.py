# SPDX-License-Identifier: Apache-2.0
"""A virtual device: a virtual board with the shipped firmware running on it.

One interface for both forms: in process on virtual time (virtual/inprocess.py) and as a process
of a real MicroPython (virtual/process.py). What a person does to a device is here, so that one
story can be played in both. Knows no protocol.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

from port.parts import CARD

from duotap_host.virtual.board import GAP_MS, PRESS_MS, Event, VirtualBoard

HELD_MS = 1200  # longer than the firmware's `held`
SHOWS_S = 30.0  # longer than any screen of the firmware lets one wait, boot included
DIAL_WHOLE = 3  # the dial of a card begins at the hundreds


class Console(Protocol):
    """The host's end of a device's serial console."""

    async def read(self, nbytes: int = 4096) -> bytes:
        """Wait until there is at least one byte; returns at most `nbytes`."""

    async def write(self, chunk: bytes) -> None:
        """Send all of `chunk`."""


class NotShown(Exception):
    """A screen did not come to show what was waited for."""

    def __init__(self, device: VirtualDevice, text: str) -> None:
        shown = " | ".join(device.screen_lines()) or "nothing"
        complaints = device.complaints()
        super().__init__(f"{device.board.name} shows {shown}, not {text!r}\n{complaints}")


class VirtualDevice(ABC):
    """What both forms have in common; `console` is the serial line, `board` the hardware.

    `ended` is set while no firmware runs; `crash_text` is the traceback if an error ended it.
    """

    console: Console

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.ended = asyncio.Event()
        self.ended.set()
        self.crash_text = ""

    @abstractmethod
    async def boot(self) -> None:
        """Power on and start the firmware; its main loop runs when this returns or soon after."""

    def cut(self) -> None:
        """Pull the battery at once; flash and certificate stay, `boot` goes on from there."""
        self.board.cut()

    def complaints(self) -> str:
        """Tracebacks so far; a device may go on after one, as a board does."""
        return self.crash_text

    @abstractmethod
    async def close(self) -> None:
        """Power off for good and let go of whatever the form holds."""

    async def press(self, button: str, ms: int = PRESS_MS) -> None:
        """Press and let go: a card's pay, up or ok; a stand's key by its name or legend."""
        self.board.press(button, ms)
        await asyncio.sleep((ms + GAP_MS) / 1000)

    async def hold(self, button: str) -> None:
        """Press long enough to count as held."""
        await self.press(button, HELD_MS)

    async def type_amount(self, amount: str) -> None:
        """Enter `amount` ("66.60") on the keypad or with the dial of a card; confirms nothing."""
        if self.board.kind == CARD:
            await self._dial(amount)
            return
        for char in amount:
            await self.press(char)

    async def _dial(self, amount: str) -> None:
        """Up raises a digit, ok goes to the next; the ok on the last digit is the caller's."""
        whole, _, part = amount.partition(".")
        for index, digit in enumerate(whole.rjust(DIAL_WHOLE, "0") + part.ljust(2, "0")):
            if index:
                await self.press("ok")
            for _ in range(int(digit)):
                await self.press("up")

    async def shows(self, text: str, within_s: float = SHOWS_S) -> tuple[str, ...]:
        """Wait until a line of the screen contains `text`; returns the screen's lines.

        Raises NotShown when that long has passed or the firmware has ended.
        """
        try:
            async with asyncio.timeout(within_s):
                while not any(text in line for line in self.screen_lines()):
                    self.board.drawn.clear()
                    await self._drawn_or_ended()
        except TimeoutError:
            raise NotShown(self, text) from None
        return self.screen_lines()

    async def _drawn_or_ended(self) -> None:
        waits = {asyncio.ensure_future(e.wait()) for e in (self.board.drawn, self.ended)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.crash_text:
            raise TimeoutError

    def screen_png(self, path: Path, scale: int = 4) -> None:
        self.board.screen_png(path, scale)

    def screen_lines(self) -> tuple[str, ...]:
        return self.board.screen_lines()

    def journal_bytes(self) -> bytes:
        """The whole journal region as it lies in the flash."""
        return self.board.journal.content()

    @property
    def events(self) -> list[Event]:
        """Power, presses, tones, light: what a person beside the device could notice."""
        return self.board.events
