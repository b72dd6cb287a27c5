# SPDX-License-Identifier: Apache-2.0
"""The host's end of the serial link: one request, one answer, however often a frame gets lost
(PROTOCOL.md §4).

A request is sent again under the same sequence number, and a device executes it once. It knows no
command; `Line` is whatever carries the bytes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from duotap import slip

from duotap_host.device.errors import NoAnswer

# Seconds until a frame is sent again. A board of no great speed verifies seven signatures of an
# identity in 6 s; it is asked meanwhile, and answers each question once.
PATIENCE_S = (1.0, 2.0, 4.0, 8.0, 16.0)
HELLO_PATIENCE_S = (0.5, 1.0, 2.0, 4.0)  # an ESP32 that opening the port has reset boots in 3 s


class Line(Protocol):
    """Bytes to and from a device."""

    async def read(self, nbytes: int = 4096) -> bytes:
        """Wait until there is at least one byte; returns at most `nbytes`."""

    async def write(self, chunk: bytes) -> None:
        """Send all of `chunk`."""


class Link:
    """Requests over one line; `repeats` counts frames that had to be sent again."""

    def __init__(self, line: Line) -> None:
        self.repeats = 0
        self._line = line
        self.begin()

    def begin(self) -> None:
        """The next request has sequence 0; what is half received is forgotten."""
        self._sequence = 0
        self._decoder = slip.Decoder()
        self._frames: deque[tuple[int, bytes]] = deque()

    async def request(self, message: bytes, patience_s: tuple[float, ...] = PATIENCE_S) -> bytes:
        """The R-APDU to a C-APDU. NoAnswer when all patience is at its end."""
        frame = slip.encode(self._sequence, message)
        for attempt, timeout_s in enumerate(patience_s):
            self.repeats += attempt > 0
            try:
                async with asyncio.timeout(timeout_s):
                    await self._line.write(frame)
                    answer = await self._answer()
            except TimeoutError:
                continue
            self._sequence = (self._sequence + 1) % slip.SEQUENCES
            return answer
        raise NoAnswer("no device answers there")

    async def _answer(self) -> bytes:
        """The next frame of this sequence; older ones were answered twice."""
        while True:
            while self._frames:
                sequence, message = self._frames.popleft()
                if sequence == self._sequence:
                    return message
            self._frames.extend(self._decoder.feed(await self._line.read()))
