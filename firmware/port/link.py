# SPDX-License-Identifier: Apache-2.0
"""The cable while nobody talks: it waits for the HELLO of a host (PROTOCOL.md §4), has the code
of a session loaded, and lets it serve. What comes before a HELLO is noise or asked too late, and
gets no answer.

It knows of a HELLO only how its frame begins; the console is handed in and has `any`, `read` and
`write` as a UART has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import commands

if TYPE_CHECKING:
    from typing import Any, Protocol

    from port.clock import Clock
    from port.wiring import Uart

    class Owner(Protocol):
        """Who makes the session, is told when it is over, and has idle work."""

        async def open_cable(self) -> Any: ...
        def close_cable(self) -> None: ...
        def idle(self) -> bool: ...


LOOK_MS = 2  # a USB console holds 260 bytes, a UART 256: 22 ms at 115200 baud
READ_BYTES = 256
QUIET_MS = 50  # two frames of one command are never so far apart
TALK_MS = 300  # a host that has more to ask asks sooner, unless it waits for a person or a ledger
# END, sequence 0, and the header of the command.
HELLO_BEGINS = bytes((0xC0, 0, commands.CLA, commands.HELLO))


class Link:
    """Serves one console for ever."""

    def __init__(self, console: Uart, clock: Clock, owner: Owner) -> None:
        self.console = console
        self.clock = clock
        self.owner = owner
        self.dismissed = False  # somebody wants the radio
        self._talking = False
        self._heard = clock.ticks_ms()

    def is_quiet(self) -> bool:
        """Whether nothing came for a while: only then a sector may be erased."""
        return not self.console.any() and self.silence_ms() >= QUIET_MS

    def silence_ms(self) -> int:
        """How long nothing has come."""
        return self.clock.diff(self.clock.ticks_ms(), self._heard)

    def hear(self) -> None:
        """Something came, or went."""
        self._heard = self.clock.ticks_ms()

    def dismiss(self) -> None:
        """Somebody wants the radio: let the session end unless the host is talking."""
        self.dismissed = self._talking and self.silence_ms() >= TALK_MS

    def take(self) -> bytes:
        """What has come."""
        piece = self.console.read(READ_BYTES)
        self.hear()
        return piece or b""

    async def run(self) -> None:
        """Ends only by being cancelled."""
        while True:
            first = await self._hello()
            session = await self.owner.open_cable()
            self._talking = True
            await session.serve(first)
            session = None  # so that its code can go
            self._talking = self.dismissed = False
            self.owner.close_cable()

    async def _hello(self) -> bytes:
        """What came, from the beginning of a HELLO on."""
        came = b""
        while HELLO_BEGINS not in came:
            await self.clock.poll(self.console.any, None, LOOK_MS)
            came = came[1 - len(HELLO_BEGINS) :] + self.take()
        return came[came.find(HELLO_BEGINS) :]
