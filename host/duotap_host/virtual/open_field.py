# SPDX-License-Identifier: Apache-2.0
"""A radio field in real time for programs outside of this process: chips and devices on PTYs.

A chip is a PN532 whose serial line any program may open; a device is a board with the shipped
firmware, whose USB console is open likewise. All share one field, in which each may be or not.
Runs on a `PacedLoop`; prints nothing.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.field import Field
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_hsu import HsuPort
from duotap_host.virtual.pty_line import Pty, PtyHsu
from duotap_host.virtual.timeline import Timeline

NAME = re.compile(r"[A-Za-z0-9-]{1,20}")  # what nfcpy takes for the name of a terminal
# From waking until a chip understands: 2 ms at most, and mostly far less. Programs rely on that:
# pn532pi leaves it three bytes (260 us), nfcpy five, libnfc fourteen.
STARTUP_US = 200


class FieldError(Exception):
    """This field cannot be made or changed so; the text says why."""


class OpenChip:
    """A PN532 on a PTY."""

    kind = "chip"

    def __init__(self, timeline: Timeline, field: Field, name: str, seed: int) -> None:
        self.pn532 = VirtualPn532(timeline, field, name, seed=seed, startup_us=STARTUP_US)
        self.pty = Pty(timeline.loop)
        self._line = PtyHsu(timeline, self.pty, HsuPort(self.pn532))

    async def power(self) -> None:
        """Off and on again."""
        self.pn532.reset()

    async def close(self) -> None:
        self.pty.close()


class OpenDevice:
    """A card or a stand with its console on a PTY."""

    def __init__(self, timeline: Timeline, field: Field, name: str, kind: str) -> None:
        self.kind = kind
        self.board = VirtualBoard(timeline, field, kind=kind, name=name)
        self.pn532 = self.board.chip
        self.device = LocalDevice(self.board)
        self._written: asyncio.Queue[bytes] = asyncio.Queue()
        self.pty = Pty(timeline.loop)
        self.pty.on_receive(self._written.put_nowait)
        self._tasks = [asyncio.create_task(run()) for run in (self._inward, self._outward)]

    async def _inward(self) -> None:
        while True:
            await self.device.console.write(await self._written.get())

    async def _outward(self) -> None:
        while True:
            await self.pty.write(await self.device.console.read())

    async def power(self) -> None:
        """Off, if it was on, and on again."""
        self.device.cut()
        await self.device.boot()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.device.close()
        self.pty.close()


Part = OpenChip | OpenDevice


class OpenField:
    """Parts by name, each with a link to its terminal in `links`, if that is given."""

    def __init__(self, loop: asyncio.AbstractEventLoop, links: Path | None = None) -> None:
        self.timeline = Timeline(loop)
        self.field = Field(self.timeline)
        self.parts: dict[str, Part] = {}
        self._links = links
        self._linked: list[Path] = []

    def part(self, name: str) -> Part:
        """The part of this name. FieldError if there is none."""
        if name not in self.parts:
            raise FieldError(f"there is no {name!r} here: {', '.join(self.parts) or 'nothing'}")
        return self.parts[name]

    def device(self, name: str) -> LocalDevice:
        """The device of this name. FieldError if there is none, or if it is a mere chip."""
        part = self.part(name)
        if isinstance(part, OpenChip):
            raise FieldError(f"{name!r} is a chip: it has no buttons and no screen")
        return part.device

    def add_chip(self, name: str) -> OpenChip:
        """A chip, in the field."""
        self._check(name)
        chip = OpenChip(self.timeline, self.field, name, len(self.parts))
        self._add(name, chip)
        return chip

    async def add_device(self, name: str, kind: str) -> OpenDevice:
        """A card or a stand, booted, in the field."""
        self._check(name)
        device = OpenDevice(self.timeline, self.field, name, kind)
        self._add(name, device)
        await device.device.boot()
        return device

    def path(self, name: str) -> str:
        """What a program opens: the link if there are links, else the terminal itself."""
        return str(self._links / name) if self._links else self.part(name).pty.path

    def move(self, name: str, inside: bool) -> None:
        """Bring it into the field, or take it away."""
        part = self.part(name)
        (self.field.enter if inside else self.field.leave)(part.pn532)

    def holds(self, name: str) -> bool:
        return self.field.holds(self.part(name).pn532)

    def doing(self, name: str) -> str:
        """What its radio is at: listening, activated, polling or idle."""
        chip = self.part(name).pn532
        polling = "polling" if self.field.has_carrier(chip) else "idle"
        return chip.target.doing() or polling

    async def close(self) -> None:
        for link in self._linked:
            link.unlink(missing_ok=True)
        for part in self.parts.values():
            await part.close()

    def _check(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise FieldError(f"a name has 1 to 20 letters, digits or dashes, unlike {name!r}")
        if name in self.parts:
            raise FieldError(f"two parts are called {name!r}")
        link = self._links / name if self._links else None
        if link and link.exists() and not link.is_symlink():
            raise FieldError(f"{link} exists and is no link")

    def _add(self, name: str, part: Part) -> None:
        self.parts[name] = part
        self.field.enter(part.pn532)
        if self._links:
            link = self._links / name
            try:
                link.unlink(missing_ok=True)  # of a field that was killed
                link.symlink_to(part.pty.path)
            except OSError as error:
                raise FieldError(f"cannot link {link}: {error.strerror}") from None
            self._linked.append(link)
