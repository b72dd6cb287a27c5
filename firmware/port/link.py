# SPDX-License-Identifier: Apache-2.0
"""The serial link of a device: bytes of the console become frames, frames become requests to the
serial applet, answers go back (PROTOCOL.md §4).

The other side waits for its answer, so whatever the applet programs is programmed while the line
is quiet. What is no frame is dropped without a word. It knows no command; the console is handed
in and has `any`, `read` and `write` as a UART has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import slip
from duotap.errors import Timeout

if TYPE_CHECKING:
    from typing import Awaitable, Callable, Protocol

    from port.clock import Clock
    from port.wiring import Uart

    class Serving(Protocol):
        """The serial applet, as the link sees it."""

        frame_max: int

        def begin(self) -> None: ...
        def answer(self, raw: bytes) -> bytes: ...
        def work(self) -> None: ...


LOOK_MS = 2  # a USB console holds 260 bytes, a UART 256: 22 ms at 115200 baud
READ_BYTES = 256
WRITE_MS = 1  # how soon to try again when the console takes no more
WRITE_TRIES = 2000  # then nobody reads: the answer is dropped and asked for again
TALK_MS = 300  # a host that has more to ask asks sooner; then the radio may go on
QUIET_MS = 50  # two frames of one command are never so far apart


class Link:
    """Serves one console for ever."""

    def __init__(self, console: Uart, clock: Clock, applet: Serving) -> None:
        self._console = console
        self._clock = clock
        self._applet = applet
        self._decoder = slip.Decoder(applet.frame_max)
        self._server = slip.LinkServer(applet.answer, applet.begin)
        self._heard = clock.ticks_ms()
        self._talking = False
        self.hush: Callable[[], Awaitable[None]] = _nothing
        self.resume: Callable[[], None] = _nobody

    def is_quiet(self) -> bool:
        """Whether nothing came for a while: only then a sector may be erased."""
        if self._console.any():
            return False
        return self._clock.diff(self._clock.ticks_ms(), self._heard) >= QUIET_MS

    async def run(self) -> None:
        """Ends only by being cancelled."""
        while True:
            try:
                await self._clock.poll(
                    self._console.any, TALK_MS if self._talking else None, LOOK_MS
                )
            except Timeout:
                self._talking = False
                self.resume()
                continue
            piece = self._console.read(READ_BYTES)
            self._heard = self._clock.ticks_ms()
            for sequence, request in self._decoder.feed(piece or b""):
                await self._serve(sequence, request)

    async def _serve(self, sequence: int, request: bytes) -> None:
        """The radio is quiet from the first frame on until the line has been for TALK_MS."""
        if not self._talking:
            await self.hush()
            self._talking = True
        await self._write(self._server.answer(sequence, request))
        self._applet.work()
        self._heard = self._clock.ticks_ms()

    async def _write(self, frame: bytes) -> None:
        left = memoryview(frame)
        tries = 0
        while len(left) and tries < WRITE_TRIES:
            count = self._console.write(left)
            if count:
                left = left[count:]
                tries = 0
            else:
                tries += 1
                await self._clock.sleep_ms(WRITE_MS)


async def _nothing() -> None:
    """A device whose radio is not there yet."""


def _nobody() -> None:
    """The counterpart of _nothing."""
