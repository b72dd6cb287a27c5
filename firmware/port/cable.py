# SPDX-License-Identifier: Apache-2.0
"""A session at the cable with all that it is made of, imported late (port.late): frames go to the
serial applet, answers go back (PROTOCOL.md §4).

The other side waits for its answer, so whatever the applet programs is programmed while the line
is quiet. What is no frame is dropped without a word. A session can end in three ways:
1. no frame came for LINGER_MS, or, if it did not even begin, for TALK_MS, whatever else came;
2. somebody pressed a button while the line was quiet;
3. another HELLO, which begins the next one at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import slip
from duotap.errors import Timeout
from duotap.rights import Rights
from duotap.sync import FRAME_MAX, SyncApplet

from port import late
from port.link import LOOK_MS, QUIET_MS, TALK_MS

if TYPE_CHECKING:
    from typing import Any

    from port.link import Link
    from port.unit import Unit

PIN_FILE = "shift.pin"
WRITE_MS = 1  # how soon to try again when the console takes no more
WRITE_TRIES = 2000  # then nobody reads: the answer is dropped and asked for again
LINGER_MS = 30_000  # the host has given a request up before that


class Session:
    """From one HELLO to the end; `serve` once."""

    def __init__(self, link: Link, applet: SyncApplet) -> None:
        self._link = link
        self._applet = applet
        self._decoder = slip.Decoder(FRAME_MAX)
        self._server = slip.LinkServer(applet.answer, self._begin)
        self._linger_ms = TALK_MS

    async def serve(self, came: bytes) -> None:
        """Answer until it is over; `came` is what was read already."""
        link = self._link
        served = link.clock.ticks_ms()
        while True:
            for sequence, request in self._decoder.feed(came):
                await self._write(self._server.answer(sequence, request))
                self._applet.work()
                link.hear()
                served = link.clock.ticks_ms()
            if link.clock.diff(link.clock.ticks_ms(), served) >= self._linger_ms:
                return
            came = b""
            try:
                await link.clock.poll(link.console.any, QUIET_MS, LOOK_MS)
            except Timeout:
                if link.dismissed:
                    return
                link.owner.idle()  # the line is quiet and the radio too
            else:
                came = link.take()

    def _begin(self) -> None:
        self._linger_ms = LINGER_MS
        self._applet.begin()

    async def _write(self, frame: bytes) -> None:
        left = memoryview(frame)
        tries = 0
        while len(left) and tries < WRITE_TRIES:
            count = self._link.console.write(left)
            if count:
                left = left[count:]
                tries = 0
            else:
                tries += 1
                await self._link.clock.sleep_ms(WRITE_MS)


def session(unit: Unit) -> Session:
    """What answers the cable of a device."""
    parts, device = unit.parts, unit.device
    pin = parts.files.read(PIN_FILE) if parts.files.has(PIN_FILE) else b""
    rights = Rights(device, parts.entropy, pin, unit.standing)
    found = 0 if unit.radio is None else unit.radio.found
    return Session(unit.link, SyncApplet(device, Roles(unit), rights, FRAME_MAX, found))


class Roles:
    """What a session asks for, one at a time: who asks for another gives up the one before."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._has = ""
        self._role: Any = None

    def begin(self) -> None:
        """Nobody has asked for anything."""
        self._has, self._role = "", None
        self._unit.forget()

    def work(self) -> None:
        """What a deposit does better while nobody waits."""
        if self._has == "deposit":
            self._role.work()
            late.drop("duotap.p256_making")

    def radio(self) -> Any:
        """The radio's applet, to which nobody has shown anything yet; it has the payer."""
        if self._turn("radio"):
            self._role = self._unit.applet()
            self._role.begin()
        return self._role

    def payee(self) -> Any:
        """What takes payments."""
        if self._turn("payee"):
            from port.receiving import payee

            self._role = payee(self._unit.device)
        return self._role

    def factory(self) -> Any:
        """What makes a device somebody's."""
        if self._turn("factory"):
            from duotap.factory import Factory

            parts = self._unit.parts
            from port.keyfile import KeyFile

            keyfile = KeyFile(parts.files)
            self._role = Factory(self._unit.device, parts.entropy, keyfile, parts.signer)
        return self._role

    def deposit(self) -> Any:
        """What gives the journal away."""
        if self._turn("deposit"):
            from port.sending import deposit

            self._role = deposit(self._unit)
        return self._role

    def statements(self) -> Any:
        """What takes the issuer's statements."""
        if self._turn("statements"):
            from duotap.statements import Statements

            self._role = Statements(self._unit.device)
        return self._role

    def _turn(self, name: str) -> bool:
        """Whether a role must be made."""
        if self._has == name:
            return False
        self.begin()
        self._has = name
        return True
