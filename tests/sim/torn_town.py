# SPDX-License-Identifier: Apache-2.0
"""People with two cards and a stand on a bad day: cards pulled away in the midst of a tap,
batteries pulled out in the midst of a page, and whatever people do then. All from one seed.

Devices run the shipped firmware in process; provisioned and loaded once, each run begins with a
copy of their flash, files and ledger.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from duet.cable_town import issuer
from duotap_host.demo.office import Office
from duotap_host.demo.stage_local import LocalStage
from duotap_host.device.errors import DeviceError
from duotap_host.ledger import codes
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.interface import Trial
from duotap_host.ledger.opening import open_ledger
from duotap_host.virtual.board import CARD, STAND, VirtualBoard
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.mishaps import Corrupt, Fate, Lose, Passage, Tear
from duotap_host.virtual.nor import PAGE, Mix, Prefix
from duotap_host.virtual.region import Region

from sim.audit import Audit

A, B, SHOP = "card A", "card B", "stand"
KINDS = {A: CARD, B: CARD, SHOP: STAND}
LOADED = {A: 20_000, B: 5_000}
TOTAL = sum(LOADED.values())
FUNDED = 30_000
MERCHANT = 1
HOLDERS = {A: 1, B: 2}
JOURNAL_BLOCKS = 24  # a small one is pruned and erased on the way
AMOUNTS = ("1.00", "2.10", "0.30", "10.00", "12.20", "111.00", "300.00")
STEPS = 6
ROUNDS_MAX = 4  # of deposits until nothing is under way
LOOK_S = 0.1
QUIET_S = 2.5  # longer than a device computes between two blocks
TAP_S = 15.0  # people do not hold devices together for ever
OPERATIONS = 6  # of the flash of either side in a tap: two records in three pages, two marks
NEVER = 1_000_000_000  # operations of a flash
PAIRS = ((SHOP, A), (SHOP, B), (A, B), (B, A))
RESTING = {A: "RECEIVE", B: "RECEIVE", SHOP: "Noodle Bar"}


class Begun(NamedTuple):
    """Everything that a run begins with."""

    flashes: dict[str, bytes]
    files: dict[str, dict[str, bytes]]
    ledger: Path
    devices: dict[str, bytes]


class SmallStage(LocalStage):
    """Boards with a small journal; `begun` is put on them before they are switched on."""

    def __init__(self, seed: bytes, begun: Begun | None = None) -> None:
        super().__init__(seed)
        self._begun = begun

    def make(self, board: VirtualBoard) -> LocalDevice:
        board.journal = Region(board.nor, board.journal.first, JOURNAL_BLOCKS)
        device = super().make(board)
        if self._begun is not None:
            board.nor.restore(self._begun.flashes[board.name])
            device.files.kept.update(self._begun.files[board.name])
        return device


@cache
def begun() -> Begun:
    """Provisioned and loaded over their cables, once for all runs."""
    folder = Path(mkdtemp())

    async def main() -> Begun:
        stage, office = SmallStage(b"torn town"), Office(folder, b"torn town", issuer())
        office.open()
        office.account(AccountCode.MERCHANT, MERCHANT, "Noodle Bar")
        files = {}
        for name, kind in KINDS.items():
            device = await stage.add(name, kind)
            assert isinstance(device, LocalDevice)
            files[name] = device.files.kept
            if name == SHOP:
                await office.provision(name, device.console, MERCHANT, ("面馆", "Noodle Bar"))
                continue
            office.account(AccountCode.WALLET, HOLDERS[name], name)
            office.fund(codes.wallet(HOLDERS[name]), FUNDED)
            await office.provision(name, device.console, HOLDERS[name])
            wallet = codes.wallet(HOLDERS[name])
            assert await office.load(device.console, LOADED[name], wallet) == LOADED[name]
        await stage.close()
        office.close()
        flashes = {name: device.board.nor.snapshot() for name, device in stage.devices.items()}
        return Begun(flashes, files, folder / "ledger.sqlite", office.devices)

    return LocalStage.run(main())


class BadAir:
    """Something befalls one block of the next sessions, at random."""

    def __init__(self, rng: random.Random) -> None:
        self._at = rng.randrange(1, 60)
        self._fate: Fate = rng.choice(
            (Tear(), Tear(rng.randrange(64)), Tear(rng.randrange(64)), Lose(), Corrupt())
        )
        self.happened = ""

    def __call__(self, passage: Passage) -> Fate | None:
        if passage.kind == "SELECT" or self.happened:
            return None
        self._at -= 1
        if self._at:
            return None
        way = "to the card" if passage.downlink else "from the card"
        self.happened = f"{self._fate} at {passage.kind} {passage.ins} {way}"
        return self._fate


class TornDay:
    """One run, made inside its loop; `told` is what happened, line by line."""

    def __init__(self, seed: int, begun: Begun, told: list[str], detailed: bool = False) -> None:
        self.rng = random.Random(seed)
        self.told = told
        self.detailed = detailed  # screens too; reading them takes a third of the time
        self.stage = SmallStage(b"torn %d" % seed, begun)
        folder = Path(mkdtemp())
        shutil.copy(begun.ledger, folder)
        self.office = Office(folder, b"torn %d" % seed, issuer())
        self.office.devices.update(begun.devices)
        url = f"sqlite:///{folder / begun.ledger.name}"
        self.office.ledger = open_ledger(url, issuer(), self.office.now_us)
        self.folder = folder
        self.audit = Audit()
        self.mishaps = 0

    async def live(self) -> None:
        """Some steps, then honest ones to the end. AssertionError."""
        try:
            for name, kind in KINDS.items():
                await self.stage.add(name, kind)
            for name, text in RESTING.items():
                await self.stage.shows(name, text)
            self.look()
            for _ in range(STEPS):
                await self.rng.choice(DEEDS)(self)
                self.look()
            await self.settle()
        finally:
            await self.stage.close()
            self.office.close()
            shutil.rmtree(self.folder)

    def say(self, text: str) -> None:
        self.told.append(f"{self.stage.timeline.now_us() / 1e6:9.3f} {text}")

    def look(self) -> None:
        """Conservation, and no firmware has crashed."""
        for name, device in self.stage.devices.items():
            assert not device.crash_text, f"{name}: {device.crash_text}"
        flashes = {name: each.journal_bytes() for name, each in self.stage.devices.items()}
        self.audit.look(flashes)
        assert sum(self.audit.loaded.values()) == TOTAL
        assert sum(each.board.nor.violations for each in self.stage.devices.values()) == 0

    # What people do

    async def awake(self, *names: str) -> None:
        """Put batteries in where they are out."""
        for name in names:
            if self.stage.devices[name].ended.is_set():
                self.say(f"{name} is switched on")
                await self.stage.devices[name].boot()
                await self.stage.shows(name, RESTING[name])

    async def type_in(self, payee: str, amount: str) -> None:
        """Somebody enters an amount to be paid."""
        device = self.stage.devices[payee]
        await device.press("cancel" if payee == SHOP else "ok")
        if payee != SHOP:
            await device.press("up")
        await device.type_amount(amount)
        await device.press("ok")

    async def touch(self, payee: str, payer: str) -> None:
        """Hold two devices together until nothing happens between them any more."""
        began_us = self.stage.touch(payee, payer)
        end_us = began_us + int(TAP_S * 1e6)
        while True:
            await asyncio.sleep(LOOK_S)
            now_us = self.stage.timeline.now_us()
            log = self.stage.field.log
            last_us = max(began_us, log[-1].t_us if log else 0)
            if now_us > last_us + QUIET_S * 1e6 or now_us > end_us:
                break
        self.stage.part()
        if self.detailed:
            for name in (payee, payer):
                self.say(f"{name} shows {' | '.join(self.stage.lines(name))}")

    def plan(self, payee: str, payer: str) -> None:
        """What will go wrong in the next tap, if anything."""
        self.stage.field.rules[:] = []
        dice = self.rng.random()
        if dice < 0.5:
            self.stage.field.rules.append(BadAir(self.rng))
        if 0.4 < dice < 0.85:
            name = self.rng.choice((payee, payer))
            nor = self.stage.devices[name].board.nor
            torn = self.rng.choice((self._prefix(), Mix(self.rng.randrange(2**32))))
            nor.plan_cut(self.rng.randrange(OPERATIONS), torn)
            self.say(f"{name} will lose power: {torn}")

    def _prefix(self) -> Prefix:
        return Prefix(self.rng.randrange(PAGE + 1), self.rng.randrange(256))

    async def tap(self) -> None:
        """Somebody pays somebody; then, if it went wrong, what people do."""
        payee, payer = self.rng.choice(PAIRS)
        amount = self.rng.choice(AMOUNTS)
        await self.awake(payee, payer)
        self.say(f"{payer} is to pay {payee} {amount}")
        await self.type_in(payee, amount)
        await self.stage.devices[payer].press("pay")
        self.plan(payee, payer)
        await self.touch(payee, payer)
        self.count(payee, payer)
        self.look()
        for _ in range(self.rng.randrange(3)):
            await self.rng.choice(FOLLOW_UPS)(self, payee, payer)
            self.look()

    def count(self, payee: str, payer: str) -> None:
        """What went wrong in the first touch; the air is good from now on."""
        for rule in self.stage.field.rules:
            if isinstance(rule, BadAir) and rule.happened:
                self.mishaps += 1
                self.say(rule.happened)
        for name in (payee, payer):
            if self.stage.devices[name].ended.is_set():
                self.mishaps += 1
                self.say(f"{name} has lost power")
        self.stage.field.rules.clear()

    async def again(self, payee: str, payer: str) -> None:
        """They touch again; a card that lost its consent is armed again."""
        await self.awake(payee, payer)
        if self.rng.random() < 0.7:
            await self.stage.devices[payer].press("pay")
        self.say("they touch again")
        await self.touch(payee, payer)

    async def give_up(self, payee: str, payer: str) -> None:
        self.say(f"{payee} gives up")
        await self.stage.devices[payee].press("cancel" if payee == SHOP else "ok")

    async def reboot(self, payee: str, payer: str) -> None:
        """Somebody takes a battery out and puts it in again."""
        name = self.rng.choice((payee, payer))
        self.say(f"{name} is switched off and on")
        self.stage.devices[name].cut()
        await asyncio.sleep(LOOK_S)
        await self.awake(name)

    async def sync(self) -> None:
        """Some journals are deposited, and what is there is reconciled."""
        names = self.rng.sample(tuple(KINDS), self.rng.randrange(1, len(KINDS) + 1))
        for name in names:
            await self.deposit(name)
        self.reconcile()

    async def deposit(self, name: str) -> None:
        await self.awake(name)
        try:
            done = await self.office.deposit(self.stage.devices[name].console)
        except DeviceError as error:
            self.say(f"{name} is not deposited: {error}")
            return
        self.say(f"{name}: {done}")
        assert not done.notes, done.notes

    def reconcile(self) -> Trial:
        done = self.office.reconcile()
        trial = self.office.check()
        assert not trial.failures, trial.failures
        assert not done.findings, done.findings
        assert trial.circulating == FUNDED * len(HOLDERS)
        return trial

    async def settle(self) -> None:
        """Nothing goes wrong any more: deposits alone bring everything to its end."""
        self.say("honest from here on")
        self.stage.field.rules.clear()
        for device in self.stage.devices.values():
            device.board.nor.plan_cut(NEVER, Prefix(0))
        for _ in range(ROUNDS_MAX):
            for name in self.rng.sample(tuple(KINDS), len(KINDS)):
                await self.deposit(name)
                self.look()
            trial = self.reconcile()
            if not trial.under_way and not self.audit.under_way():
                break
        assert (trial.under_way, trial.loads_under_way) == (0, 0)
        assert self.audit.under_way() == 0
        assert self.office.balance(codes.merchant(MERCHANT)) == self.audit.taken
        for name, held in self.audit.held.items():
            assert self.office.balance(codes.purse(self.office.devices[name])) == held


DEEDS = (*[TornDay.tap] * 4, TornDay.sync)
FOLLOW_UPS = (TornDay.again, TornDay.again, TornDay.give_up, TornDay.reboot)
