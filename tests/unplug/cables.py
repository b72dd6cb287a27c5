# SPDX-License-Identifier: Apache-2.0
"""Devices that are unplugged while they are visited: the shipped firmware in virtual time, the
shipped visit of the ledger. Then the same again, over a cable that holds.

With the cable goes nothing (a battery), the power, or the power in the midst of the flash
operation that comes next. What must hold is told by each work's `ends`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, NamedTuple

from duet.cable_town import FUNDS, HOLDER, Post, Town, run
from duotap_host.device.client import Client
from duotap_host.device.errors import DeviceError, NoLine
from duotap_host.device.link import Line
from duotap_host.device.retire import retire
from duotap_host.ledger import codes
from duotap_host.ledger.database import open_engine
from duotap_host.ledger.interface import DeviceState, LedgerError
from duotap_host.ledger.local import LocalLedger
from duotap_host.provision.profile import Profile
from duotap_host.virtual.nor import Mix

from unplug.point import Point, Result

LOADED, PENDING = 20_000, 5_000
CABLE, POWER, PAGE = "cable", "power", "page"
BOOT_S = 0.1


class Pulled:
    """A line that is pulled out when `after` bytes have passed, either way; -1: never. `passed`
    counts them."""

    def __init__(self, line: Line, after: int = -1, told: Callable[[], object] = int) -> None:
        self._line, self._told = line, told
        self._left = after
        self.passed = 0

    def _pass(self, chunk: bytes) -> bytes:
        """What of it passes."""
        if 0 <= self._left < len(chunk):
            chunk, self._left = chunk[: self._left], 0
        elif self._left > 0:
            self._left -= len(chunk)
        self.passed += len(chunk)
        return chunk

    async def write(self, chunk: bytes) -> None:
        part = self._pass(chunk)
        if part:
            await self._line.write(part)
        self._check()

    async def read(self, nbytes: int = 4096) -> bytes:
        chunk = self._pass(await self._line.read(nbytes))
        self._check()
        return chunk

    def _check(self) -> None:
        if not self._left:
            self._told()
            raise NoLine("the port is gone: the cable was pulled")


class Still(NamedTuple):
    """A town and its device at rest, to begin from as often as one likes."""

    book: bytes
    now_us: int
    flash: bytes
    files: dict[str, bytes]


async def _kept(town: Town, post: Post) -> Still:
    post.cut()
    with town.ledger.engine.connect() as connection:
        book = _driver(connection).serialize()
    return Still(book, town.now_us, post.board.nor.snapshot(), dict(post.files.kept))


def _driver(connection: Any) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


async def _again(still: Still) -> tuple[Town, Post]:
    """The town as it was."""
    town = Town()
    engine = open_engine("sqlite://")
    with engine.connect() as connection:
        _driver(connection).deserialize(still.book)
    town.ledger = LocalLedger(engine, town.issuer, town._tick)
    town.now_us = still.now_us
    post = Post()
    post.board.nor.restore(still.flash)
    post.files.kept.update(still.files)
    await post.boot()
    await asyncio.sleep(BOOT_S)
    return town, post


async def _new() -> tuple[Town, Post]:
    post = Post()
    await post.boot()
    return Town(), post


async def _provisioned() -> tuple[Town, Post]:
    town, post = await _new()
    await town.provision(post.console, Profile.person(HOLDER))
    return town, post


async def _waited_for() -> tuple[Town, Post]:
    """Loaded, and with another load and a checkpoint that wait at the ledger."""
    town, post = await _provisioned()
    await town.load(post.console, LOADED)
    town.ledger.issue_load(post.id, ((0, PENDING),), codes.wallet(HOLDER))
    return town, post


class Work(NamedTuple):
    """What is done over a cable: from where, how, and what is right in the end."""

    begins: Callable[[], Coroutine[Any, Any, tuple[Town, Post]]]
    do: Callable[[Town, Line], Coroutine[Any, Any, object]]
    ends: Callable[[Town, Post], None]


def _is_one_device(town: Town, post: Post) -> None:
    (device,) = town.ledger.devices()
    assert device.certificate == post.unit.device.certificate_raw
    assert post.unit.purse.state.epoch == town.epoch


def _holds(amount: int) -> Callable[[Town, Post], None]:
    def ends(town: Town, post: Post) -> None:
        _is_one_device(town, post)
        assert town.settled()
        assert (post.unit.purse.state.balance(), town.in_purse(post.id)) == (amount, amount)
        assert town.balance(codes.wallet(HOLDER)) == FUNDS - amount

    return ends


def _is_retired(town: Town, post: Post) -> None:
    (device,) = town.ledger.devices()
    assert device.state == DeviceState.RETIRED
    assert town.settled()
    assert (post.unit.purse.state.balance(), town.in_purse(post.id)) == (0, 0)
    assert town.balance(codes.wallet(HOLDER)) == FUNDS
    assert device.id in town.ledger.deny_book.denied()


WORKS = {
    "retire": Work(
        _waited_for,
        lambda town, line: retire(Client(line), town.ledger, town.issuer, town.epoch),
        _is_retired,
    ),
    "provision": Work(
        _new, lambda town, line: town.provision(line, Profile.person(HOLDER)), _is_one_device
    ),
    "load": Work(_provisioned, lambda town, line: town.load(line, LOADED), _holds(LOADED)),
    "deposit": Work(_waited_for, lambda town, line: town.deposit(line), _holds(LOADED + PENDING)),
}


@cache
def still(work: str) -> Still:
    """Where a work begins."""

    async def story() -> Still:
        return await _kept(*await WORKS[work].begins())

    return run(story)


@cache
def whole(work: str) -> int:
    """Bytes on the line of a whole run."""
    begins = still(work)  # no loop runs inside another

    async def story() -> int:
        town, post = await _again(begins)
        line = Pulled(post.console)
        await WORKS[work].do(town, line)
        WORKS[work].ends(town, post)
        await post.close()
        return line.passed

    return run(story)


def live(point: Point) -> Result:
    """Do it, unplugged; then do it."""
    dice = point.dice()
    byte = dice.randrange(whole(point.work))
    what = dice.choice((CABLE, POWER, PAGE))
    tear = Mix(dice.randrange(2**32))

    async def story() -> Result:
        town, post = await _again(still(point.work))

        def pulled() -> None:
            if what == POWER:
                post.cut()
            elif what == PAGE:
                post.board.nor.plan_cut(0, tear)

        told = await _told(point.work, town, Pulled(post.console, byte, pulled))
        if what == PAGE:
            await asyncio.sleep(BOOT_S)
        if what != CABLE:
            await post.reboot()
        fault = await _told(point.work, town, post.console)
        try:
            WORKS[point.work].ends(town, post)
        except AssertionError as error:
            fault = fault or f"{what}: not as it must be: {error}"
        await post.close()
        return Result(point, byte, whole(point.work), f"{what}: {told}" if told else "", fault)

    return run(story)


async def _told(work: str, town: Town, line: Line) -> str:
    """What one run fails with, "" where it does not."""
    try:
        await WORKS[work].do(town, line)
    except (DeviceError, LedgerError) as error:
        return str(error)
    return ""
