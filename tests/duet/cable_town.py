# SPDX-License-Identifier: Apache-2.0
"""An issuer, its ledger, and devices at the end of their cables, all in virtual time.

The devices run the shipped firmware without its radio: what two of them would say to each other
in a tap is carried by `makers.touch`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from duotap import tap
from duotap.payee import Payee
from duotap_host.device.client import Client
from duotap_host.device.deposit import Deposit, deposit
from duotap_host.device.link import Line
from duotap_host.device.load import Load, load
from duotap_host.issuer import Issuer, pkcs8
from duotap_host.ledger import codes
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.opening import create_ledger
from duotap_host.provision.profile import Profile
from duotap_host.provision.provisioning import Provisioned, provision
from duotap_host.virtual import timeline
from duotap_host.virtual.board import CARD, STAND, VirtualBoard
from duotap_host.virtual.costs import FREE
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.region import Region
from duotap_host.virtual.timeline import Timeline
from port.unit import Unit

T = TypeVar("T")
DAY_US = 86_400_000_000
OPENED_US = 20_000 * DAY_US
HOLDER, OTHER_HOLDER, MERCHANT = 7, 8, 3
FUNDS = 100_000
FIRMWARE = hashlib.sha256(b"firmware").digest()


def entropy(seed: str) -> Callable[[int], bytes]:
    """Bytes that are the same in each run."""
    count = 0

    def draw(nbytes: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed} {count}".encode()).digest(nbytes)

    return draw


@cache
def issuer(name: str = "issuer") -> Issuer:
    """One for all tests, behind a passphrase that is quick to stretch."""
    before = pkcs8.SCRYPT_N, pkcs8.SCRYPT_P
    pkcs8.SCRYPT_N, pkcs8.SCRYPT_P = 2, 1
    try:
        keys = Path(mkdtemp()) / "keys"
        return Issuer.create(keys, b"correct horse", OPENED_US, draw=entropy(name))
    finally:
        pkcs8.SCRYPT_N, pkcs8.SCRYPT_P = before


class Town:
    """One issuer's ledger with two wallets and a merchant; `epoch` is its day."""

    def __init__(self, name: str = "issuer") -> None:
        self.issuer = issuer(name)
        self.epoch = 1
        self.now_us = OPENED_US
        self.ledger = create_ledger("sqlite://", self.issuer, self._tick)
        for holder in (HOLDER, OTHER_HOLDER):
            self.ledger.open_account(AccountCode.WALLET, holder)
            self.ledger.fund(codes.wallet(holder), FUNDS)
        self.ledger.open_account(AccountCode.MERCHANT, MERCHANT)

    def _tick(self) -> int:
        self.now_us += 1
        return self.now_us

    async def provision(self, line: Line, profile: Profile, seed: str = "host") -> Provisioned:
        client = Client(line)
        return await provision(
            client, self.ledger, self.issuer, self.epoch, profile, entropy(seed)
        )

    async def load(self, line: Line, amount: int, request: bytes = b"") -> Load:
        return await load(
            Client(line), self.ledger, self.issuer, self.epoch, amount, request=request
        )

    async def deposit(self, line: Line) -> Deposit:
        return await deposit(Client(line), self.ledger, self.issuer, self.epoch)

    def balance(self, name: str) -> int:
        return self.ledger.account(name).balance

    def in_purse(self, device: bytes) -> int:
        return self.balance(codes.purse(device))

    def settled(self) -> bool:
        """Everything is booked, nothing is under way, and the book is right."""
        done = self.ledger.reconcile()
        trial = self.ledger.check()
        assert not trial.failures, trial.failures
        assert not done.findings, done.findings
        return trial.under_way == 0 and trial.loads_under_way == 0


class Post(LocalDevice):
    """A device whose cable is all that is plugged in; `unit` is its firmware."""

    unit: Unit

    def __init__(self, name: str = "card", kind: str = CARD, journal_blocks: int = 0) -> None:
        board = VirtualBoard(Timeline(asyncio.get_running_loop()), kind=kind, seed=name.encode())
        if journal_blocks:
            board.journal = Region(board.nor, board.journal.first, journal_blocks)
        super().__init__(board, self._cable_only, costs=FREE, digest=FIRMWARE)

    async def _cable_only(self, parts: Any) -> None:
        self.unit = Unit(parts)
        self.unit.idle = lambda: False  # type: ignore[method-assign]  # done when a test says so
        self.payee = Payee(self.unit.device)
        self.tap = tap.Tap(self.payee)
        self._serving = asyncio.create_task(self.unit.link.run())
        while True:
            await self.unit.feed()
            await parts.clock.sleep_ms(1_000)

    async def reboot(self) -> None:
        """Off and on again."""
        self.cut()
        await asyncio.sleep(0.1)
        await self.boot()
        await asyncio.sleep(0.1)

    # What makers.touch asks of the two sides of a tap

    @property
    def applet(self) -> Any:
        return self.unit.applet()

    @property
    def id(self) -> bytes:
        return self.unit.device.id

    def arm(self) -> None:
        self.unit.device.consent.arm(50_000, 10_000)

    def tidy(self) -> None:
        """All idle work there is."""
        while self.unit.purse.tidy():
            pass


async def card(town: Town, name: str = "card", holder: int = HOLDER, **how: Any) -> Post:
    """A provisioned card."""
    post = Post(name, **how)
    await post.boot()
    await town.provision(post.console, Profile.person(holder), name)
    return post


async def stand(town: Town, name: str = "stand") -> Post:
    """A provisioned stand."""
    post = Post(name, STAND)
    await post.boot()
    await town.provision(post.console, Profile.stand(MERCHANT, "Noodle Bar"), name)
    return post


class Broken(Exception):
    """The cable was pulled out."""


class Bad:
    """A line on which something happens to each frame that the host sends: `fate(n)` of the n-th
    is "" (nothing), "drop", "twice", "cut", "flip", "noise", "late" or "break"."""

    def __init__(self, line: Line, fate: Callable[[int], str]) -> None:
        self._line = line
        self._fate = fate
        self.sent = 0

    async def read(self, nbytes: int = 4096) -> bytes:
        return await self._line.read(nbytes)

    async def write(self, chunk: bytes) -> None:
        fate = self._fate(self.sent)
        self.sent += 1
        if fate == "break":
            raise Broken
        if fate == "late":  # the answer comes after the host has asked again
            await asyncio.sleep(0.9995)
        for piece in _befallen(chunk, fate):
            await self._line.write(piece)


def _befallen(chunk: bytes, fate: str) -> tuple[bytes, ...]:
    middle = len(chunk) // 2
    return {
        "drop": (),
        "twice": (chunk, chunk),
        "cut": (chunk[:middle],),
        "flip": (chunk[:middle] + bytes([chunk[middle] ^ 0x10]) + chunk[middle + 1 :],),
        "noise": (b"rst:0x1 (POWERON)\r\n\xc0\xdb\x00\xc0", chunk),
    }.get(fate, (chunk,))


def kinds(post: Post) -> list[int]:
    """Types of the records in a device's journal, as far as they are kept."""
    journal = post.unit.purse.journal
    return [kind for _, kind, _ in journal.walk(journal.first_sequence)]


def run(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Play a story in virtual time."""
    return timeline.run(story())
