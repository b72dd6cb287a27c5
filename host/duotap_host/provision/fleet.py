# SPDX-License-Identifier: Apache-2.0
"""A line that makes a fleet: at each of several ports one device after the other, until every unit
of the manifest is confirmed.

What is written comes before what is done: a unit is an intent before its device is asked, its
certificate is in the manifest before the device gets it, and it is confirmed once the device was
read back. So a line that is killed goes on with the next run, whatever device is plugged in where.
A device at a port can end in four ways:
1. it is made: it got its certificate and was read back;
2. it is known: it was made before, by this line or another;
3. it fails, is tried again, and after TRIES failures is broken: the port waits for another one;
4. it stays, or nothing answers, for as long as people may take to change boards: the port is over.
It prints nothing and knows no key: `Maker` signs.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple

from duotap.certificate import key_id

from duotap_host.device.client import Client, Hello
from duotap_host.device.errors import DeviceError, NoAnswer, NoLine
from duotap_host.device.link import Line
from duotap_host.provision.manifest import Manifest, State, Unit
from duotap_host.provision.provisioning import Draw, Trusted, make

PATIENCE_S = 60.0  # for whoever changes the boards
TRIES = 3  # of a device that fails
LOOK_S = 0.1  # how often a port is looked at for another device
RETRY_S = 1.0  # a board that was reset boots meanwhile


class What(StrEnum):
    """What happened at a port."""

    WAITING = "waiting for a device"
    WORKING = "working"
    MADE = "made"
    KNOWN = "known"
    FAILED = "failed"
    BROKEN = "broken"
    OVER = "over"


class Event(NamedTuple):
    """`unit`: name of the unit it is about, "" for none; `told` says why, or what."""

    port: str
    what: What
    unit: str = ""
    device: bytes = b""
    told: str = ""


class Maker(NamedTuple):
    """Who certifies. `sign(unit, public key, firmware digest)` gives a certificate; `enter` puts
    one into another book too, again and again if need be, before a device gets it; `check` raises
    for a unit that cannot be made."""

    trusted: Trusted
    sign: Callable[[Unit, bytes, bytes], bytes]
    enter: Callable[[bytes], object] = lambda _certificate: None
    check: Callable[[Unit], object] = lambda _unit: None


Open = Callable[[str], AbstractContextManager[Line]]


class Fleet:
    """One run over a manifest that this process has claimed, to make the units of these names, or
    all. `tell` hears all that happens."""

    def __init__(
        self,
        manifest: Manifest,
        maker: Maker,
        opens: Open,
        tell: Callable[[Event], object],
        *,
        names: Collection[str] | None = None,
        patience_s: float = PATIENCE_S,
        draw: Draw = os.urandom,
    ) -> None:
        self._manifest = manifest
        self._maker = maker
        self._opens = opens
        self._tell = tell
        self._patience_s = patience_s
        self._draw = draw
        units = manifest.units(names)
        self._intents = deque(unit for unit in units if unit.state is State.INTENT)
        self._open_ends = {unit.number for unit in units if unit.state is State.UNCONFIRMED}
        self._at_work = 0

    async def run(self, ports: Sequence[str]) -> None:
        """Until there is nothing left to do, or every port is over or out."""
        async with asyncio.TaskGroup() as group:
            for port in ports:
                group.create_task(_Port(self, port).serve())

    def is_done(self) -> bool:
        """Nothing is left that a device could be plugged in for."""
        return not (self._intents or self._at_work or self._open_ends)

    async def make(self, port: str, client: Client) -> Event:
        """Make the device that answers there. DeviceError."""
        unit = self._intents.popleft() if self._intents else None
        self._at_work += 1
        book = _UnitBook(self._manifest, self._maker, unit)
        try:
            made = await make(client, book, self._maker.trusted, self._draw)
            self._manifest.confirm(made.device)
        finally:
            self._at_work -= 1
            if unit is not None and book.entered != unit.number:
                self._intents.appendleft(unit)
            elif unit is not None:
                self._open_ends.add(unit.number)
        of = book.found or self._manifest.find(made.device)
        assert of is not None  # it has a certificate of this manifest
        self._open_ends.discard(of.number)
        what = What.KNOWN if of.state is State.CONFIRMED and not made.is_new else What.MADE
        return Event(port, what, of.name, made.device)

    def tell(self, event: Event) -> None:
        self._tell(event)

    def open(self, port: str) -> AbstractContextManager[Line]:
        """NoLine."""
        return self._opens(port)

    @property
    def patience_s(self) -> float:
        return self._patience_s


class _UnitBook:
    """The manifest as the book of one device, for which `unit` is to be used if it is new.

    `found`: the unit that was the device's before; `entered`: number of the one that became so.
    """

    def __init__(self, manifest: Manifest, maker: Maker, unit: Unit | None) -> None:
        self._manifest = manifest
        self._maker = maker
        self._unit = unit
        self.found: Unit | None = None
        self.entered = 0

    def find(self, device: bytes) -> bytes:
        self.found = self._manifest.find(device)
        if self.found is None:
            return b""
        if self.found.state is State.RETIRED:
            raise DeviceError(f"the device is unit {self.found.name}, which is retired")
        self._maker.enter(self.found.certificate)
        return self.found.certificate

    def certify(self, public: bytes, firmware: bytes) -> bytes:
        if self._unit is None:
            raise DeviceError("the device is new, and no unit is left to make")
        certificate = self._maker.sign(self._unit, public, firmware)
        self._manifest.certify(self._unit.number, key_id(public), certificate)
        self.entered = self._unit.number
        self._maker.enter(certificate)
        return certificate


class _Port:
    """One port of the line."""

    def __init__(self, fleet: Fleet, path: str) -> None:
        self._fleet = fleet
        self._path = path
        self._to_go: bytes | Hello = b""  # the device that is to be taken away, by what it says
        self._failures = 0
        self._trouble = ""  # why this port is no use now
        self._since_s = 0.0  # when it was

    async def serve(self) -> None:
        """Devices as they come."""
        self._say(What.WAITING)
        self._useful()
        while self._goes_on():
            try:
                with self._fleet.open(self._path) as line:
                    await self._talk(line)
            except (NoLine, NoAnswer) as error:
                self._to_go, self._failures = b"", 0
                self._trouble = self._trouble or str(error)
                await asyncio.sleep(LOOK_S)
        is_short = not self._fleet.is_done()
        self._say(What.OVER, self._trouble if is_short else "")

    def _goes_on(self) -> bool:
        waited_s = asyncio.get_running_loop().time() - self._since_s
        return not self._fleet.is_done() and waited_s <= self._fleet.patience_s

    def _useful(self) -> None:
        self._since_s = asyncio.get_running_loop().time()
        self._trouble = ""

    async def _talk(self, line: Line) -> None:
        """With whatever is plugged in, until nothing answers. NoLine, NoAnswer."""
        while self._goes_on():
            client = Client(line)
            hello = await client.connect()
            if (hello.device or hello) == self._to_go:
                await asyncio.sleep(LOOK_S)
            else:
                await self._make(client, hello)

    async def _make(self, client: Client, hello: Hello) -> None:
        self._say(What.WORKING)
        try:
            event = await self._fleet.make(self._path, client)
        except NoLine as error:
            self._say(What.FAILED, f"{error}: plug it in again")
            raise
        except DeviceError as error:
            await self._failed(hello, str(error))
            return
        self._failures = 0
        self._to_go = event.device
        self._useful()
        self._fleet.tell(event)

    async def _failed(self, hello: Hello, why: str) -> None:
        self._failures += 1
        self._say(What.FAILED, why)
        if self._failures < TRIES:
            await asyncio.sleep(RETRY_S)
            return
        self._failures, self._to_go, self._trouble = 0, hello.device or hello, why
        self._say(What.BROKEN, why)

    def _say(self, what: What, told: str = "") -> None:
        self._fleet.tell(Event(self._path, what, told=told))
