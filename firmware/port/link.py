# SPDX-License-Identifier: Apache-2.0
"""The serial link of a device: bytes of the console become frames, frames become requests to the
serial applet, answers go back (PROTOCOL.md §4).

The other side waits for its answer, so whatever the applet programs is programmed while the line
is quiet. What is no frame is dropped without a word. A session begins with HELLO and can end in
three ways: another HELLO; nothing came for LINGER_MS; somebody pressed a button and the line was
quiet. It knows no command; the console is handed in and has `any`, `read` and `write` as a UART.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import slip
from duotap.errors import Timeout
from duotap.sync import FRAME_MAX

if TYPE_CHECKING:
    from typing import Any, Protocol

    from port.clock import Clock
    from port.wiring import Uart

    class Serving(Protocol):
        """The serial applet, as the link sees it."""

        def begin(self) -> None: ...
        def answer(self, raw: bytes) -> bytes: ...
        def work(self) -> None: ...

    class Owner(Protocol):
        """Who makes the applet of a session, and is told when that is over."""

        async def open_cable(self) -> Serving: ...
        def close_cable(self) -> None: ...
        def idle(self) -> bool: ...


LOOK_MS = 2  # a USB console holds 260 bytes, a UART 256: 22 ms at 115200 baud
READ_BYTES = 256
WRITE_MS = 1  # how soon to try again when the console takes no more
WRITE_TRIES = 2000  # then nobody reads: the answer is dropped and asked for again
QUIET_MS = 50  # two frames of one command are never so far apart
TALK_MS = 300  # a host that has more to ask asks sooner, unless it waits for a person or a ledger
LINGER_MS = 30_000  # the host has given a request up before that
# To what is asked of a session that is over: 6985 (ISO 7816-4), say HELLO first.
SESSION_OVER = b"\x69\x85"


class Link:
    """Serves one console for ever."""

    def __init__(self, console: Uart, clock: Clock, owner: Owner) -> None:
        self._console = console
        self._clock = clock
        self._owner = owner
        self._applet: Any = None  # of the session, while there is one
        self._decoder = slip.Decoder(FRAME_MAX)
        self._server = slip.LinkServer(self._answer, self._begin)
        self._heard = clock.ticks_ms()
        self._dismissed = False

    def is_quiet(self) -> bool:
        """Whether nothing came for a while: only then a sector may be erased."""
        return not self._console.any() and self._silence_ms() >= QUIET_MS

    def dismiss(self) -> None:
        """Somebody wants the radio: let the session end unless the host is talking."""
        self._dismissed = self._applet is not None and self._silence_ms() >= TALK_MS

    async def run(self) -> None:
        """Ends only by being cancelled."""
        while True:
            patience_ms = None if self._applet is None else QUIET_MS
            try:
                await self._clock.poll(self._console.any, patience_ms, LOOK_MS)
            except Timeout:
                self._linger()
                continue
            piece = self._console.read(READ_BYTES)
            self._heard = self._clock.ticks_ms()
            for sequence, request in self._decoder.feed(piece or b""):
                await self._serve(sequence, request)

    def _silence_ms(self) -> int:
        return self._clock.diff(self._clock.ticks_ms(), self._heard)

    def _linger(self) -> None:
        """The line is quiet and the radio too: time for idle work, until the session is over."""
        if self._dismissed or self._silence_ms() >= LINGER_MS:
            self._dismissed = False
            self._applet = None
            self._owner.close_cable()
        else:
            self._owner.idle()

    async def _serve(self, sequence: int, request: bytes) -> None:
        """The radio is quiet from the first frame of a session until its end."""
        if self._applet is None and self._server.begins(sequence, request):
            self._applet = await self._owner.open_cable()
        await self._write(self._server.answer(sequence, request))
        if self._applet is not None:
            self._applet.work()
        self._heard = self._clock.ticks_ms()

    def _answer(self, raw: bytes) -> bytes:
        answer: bytes = SESSION_OVER if self._applet is None else self._applet.answer(raw)
        return answer

    def _begin(self) -> None:
        self._applet.begin()

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
