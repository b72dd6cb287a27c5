# SPDX-License-Identifier: Apache-2.0
"""A table with virtual boards and the ports that they are plugged into.

Each board runs the shipped firmware in this process, in real time; its console is a pseudo-
terminal. What a person does: plug a new board in when the command says "next board", and after a
kill mix up the boards that were in the ports. Keys are born on the boards; signatures are computed
by OpenSSL, the same bytes as the boards' own.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import NamedTuple

from duet.cable_town import FIRMWARE
from duotap import records
from duotap.certificate import decode_certificate, key_id
from duotap.journal import Journal
from duotap.purse import Purse
from duotap_host.virtual.board import CARD, VirtualBoard
from duotap_host.virtual.costs import FREE
from duotap_host.virtual.field import Field
from duotap_host.virtual.nor import SECTOR, VirtualNor
from duotap_host.virtual.pty_line import Pty
from duotap_host.virtual.region import Region
from duotap_host.virtual.timeline import Timeline
from sweep.town import QuickDevice

JOURNAL_BLOCKS = 24
FROM_TRAY = 0.3  # how often a person takes a board from there while there are new ones
NOISE = b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n"  # what an ESP32 says at boot


class Left(NamedTuple):
    """A board that left the line, and the certificates in its journal."""

    device: bytes
    certificates: tuple[bytes, ...]


class Port:
    """A pseudo-terminal with at most one board behind it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pty = Pty(loop)
        self.board: QuickDevice | None = None
        self._written: asyncio.Queue[bytes] = asyncio.Queue()
        self.pty.on_receive(self._written.put_nowait)
        self._tasks = [asyncio.create_task(self._inward())]

    async def plug(self, board: QuickDevice) -> None:
        """In, and switched on."""
        self.board = board
        await self.pty.write(NOISE)
        await board.boot()
        self._tasks[1:] = [asyncio.create_task(self._outward(board))]

    async def unplug(self) -> QuickDevice | None:
        """Out, and without power at once."""
        board, self.board = self.board, None
        for task in self._tasks[1:]:
            task.cancel()
        if board is not None:
            board.cut()
        return board

    async def _inward(self) -> None:
        while True:
            chunk = await self._written.get()
            if self.board is not None:
                await self.board.console.write(chunk)

    async def _outward(self, board: QuickDevice) -> None:
        while True:
            await self.pty.write(await board.console.read())

    async def close(self) -> None:
        board = await self.unplug()
        if board is not None:
            await board.close()
        self._tasks[0].cancel()
        self.pty.close()


class Table:
    """Ports, a box of new boards, and a tray with those that a kill has caught half-made."""

    def __init__(self, ports: int, boards: int, seed: int) -> None:
        loop = asyncio.get_running_loop()
        self.timeline = Timeline(loop)
        self.field = Field(self.timeline)
        self.chance = random.Random(seed)
        self.ports = [Port(loop) for _ in range(ports)]
        self.new = boards  # in the box
        self.tray: deque[QuickDevice] = deque()
        self.left: list[Left] = []
        self._seed = seed
        self._boards = boards

    def _next(self) -> QuickDevice | None:
        """From the tray or the box, as it happens."""
        if self.tray and (not self.new or self.chance.random() < FROM_TRAY):
            return self.tray.popleft()
        if not self.new:
            return None
        self.new -= 1
        name = f"board {self._seed} {self.new}"
        board = VirtualBoard(self.timeline, self.field, kind=CARD, name=name)
        board.journal = Region(board.nor, board.journal.first, JOURNAL_BLOCKS)
        return QuickDevice(board, costs=FREE, digest=FIRMWARE)

    async def fill(self) -> None:
        """A board into each port that has none."""
        for port in self.ports:
            if port.board is None and (board := self._next()) is not None:
                await port.plug(board)

    async def done(self, path: str) -> None:
        """The command has said that this port's board is made."""
        (port,) = [each for each in self.ports if each.pty.path == path]
        board = await port.unplug()
        assert board is not None, "the command made a board that is not there"
        self.left.append(_look(board))
        await board.close()
        await self.fill()

    async def mix(self) -> int:
        """All boards out of the ports and into the tray, in another order; returns how many."""
        found = [await port.unplug() for port in self.ports]
        boards = [board for board in found if board is not None]
        self.tray.extend(boards)
        self.chance.shuffle(self.tray)
        return len(boards)

    async def close(self) -> None:
        for port in self.ports:
            await port.close()


def _look(board: QuickDevice) -> Left:
    """What its flash says."""
    flash = board.journal_bytes()
    chip = VirtualNor(len(flash) // SECTOR)
    chip.restore(flash)
    purse = Purse(Journal(chip))
    purse.boot()
    journal = purse.journal
    assert not journal.damaged, journal.reason
    found = journal.walk(journal.first_sequence, types=(records.IDENTITY,))
    certificates = tuple(bytes(records.unpack(kind, body)[0]) for _, kind, body in found)
    return Left(key_id(decode_certificate(certificates[0]).message.public), certificates)
