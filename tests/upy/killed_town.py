# SPDX-License-Identifier: Apache-2.0
"""A card and a stand as processes of a real MicroPython that are killed in the midst of taps.

A kill is the end of the process at once: in the midst of a page (the flash keeps a torn one), at a
frame on the air, or when so many milliseconds of the tap have passed. All from one seed but the
times, which are real.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from duet.cable_town import issuer
from duotap_host.demo.office import Office
from duotap_host.demo.stage_unix import UnixStage
from duotap_host.ledger import codes
from duotap_host.ledger.codes import AccountCode
from duotap_host.virtual.board import CARD, STAND
from duotap_host.virtual.mishaps import Fate, Passage, Tear
from duotap_host.virtual.nor import PAGE, Mix, Prefix
from sim.audit import Audit, hold
from sweep.aftermath import AGAIN, RETOUCH, SETTLEMENT, VOID, WHOLE, Result
from sweep.points import AIR, FLASH, RADIO, Point

A, SHOP = "card", "stand"
KINDS = {A: CARD, SHOP: STAND}
RESTING = {A: "RECEIVE", SHOP: "Noodle Bar"}
HOLDER, MERCHANT = 1, 1
FUNDED, LOADED = 60_000, 30_000
AMOUNT = "1.00"
LOOK_S = 0.1
TOUCH_S = 12.0  # longer than a tap takes on a machine that is busy with other things
TOUCHES = 3  # until people give up and leave it to the settlement
OPERATIONS = 5  # of either flash in a tap
FRAMES = 60  # on the air in a tap
KILLS = ("page", "page", "frame", "tear")
ROUNDS_MAX = 3


class Killer:
    """A rule of the field: at frame `number` the process of `name` is killed, or the two part."""

    def __init__(self, town: KilledTown, name: str, number: int) -> None:
        self._town, self._name, self._left = town, name, number

    def __call__(self, passage: Passage) -> Fate | None:
        self._left -= 1
        if self._left:
            return None
        if self._name:
            self._town.stage.timeline.after(0, self._town.stage.devices[self._name].cut)
            return None
        return Tear(len(passage.frame) // 2)


class KilledTown:
    """One run; `told` is what happened, line by line."""

    def __init__(self, seed: int, folder: Path, told: list[str]) -> None:
        self.rng = random.Random(seed)
        self.told = told
        self.stage = UnixStage(b"killed %d" % seed)
        self.office = Office(folder, b"killed %d" % seed, issuer())
        self.audit = Audit()
        self.kills = 0
        self.results: list[Result] = []  # of all taps, as the sweep counts them
        self._seed = seed

    def say(self, text: str) -> None:
        self.told.append(f"{self.stage.timeline.now_us() / 1e6:9.3f} {text}")

    async def open(self) -> None:
        """Two devices out of their boxes become a loaded card and a stand."""
        self.office.open()
        self.office.account(AccountCode.MERCHANT, MERCHANT, "Noodle Bar")
        self.office.account(AccountCode.WALLET, HOLDER, A)
        self.office.fund(codes.wallet(HOLDER), FUNDED)
        for name, kind in KINDS.items():
            device = await self.stage.add(name, kind)
            names = ("面馆", "Noodle Bar") if kind == STAND else None
            await self.office.provision(name, device.console, HOLDER, names)
        await self.office.load(self.stage.devices[A].console, LOADED, codes.wallet(HOLDER))
        for name, text in RESTING.items():
            await self.stage.shows(name, text)
        self.look()

    def look(self) -> None:
        """Nothing was created or lost, and no firmware has crashed."""
        for name, device in self.stage.devices.items():
            hold(not device.crash_text, "crashed", f"{name}: {device.crash_text}")
            hold(not device.board.nor.violations, "flash", f"{name} programmed used pages")
        self.audit.look({name: d.journal_bytes() for name, d in self.stage.devices.items()})

    async def awake(self) -> None:
        """Put batteries in where they are out."""
        for name, device in self.stage.devices.items():
            if device.ended.is_set():
                self.say(f"{name} is switched on")
                await device.boot()
                await self.stage.shows(name, RESTING[name])
        self.look()

    async def killed_tap(self) -> None:
        """A tap in which something is killed; then people touch until the card says it is done."""
        paid, voided = len(self.audit.honoured), len(self.audit.voided)
        point, was_open = self._plan(), False
        for touch in range(TOUCHES):
            await self._ask()
            await self.stage.devices[A].press("pay")
            await self._touch()
            if not touch:
                self._count()
            self.look()
            was_open = was_open or (not touch and self.audit.unfinished() > 0)
            done = any("PAID" in line for line in self.stage.lines(A))
            await self.awake()
            if done or (len(self.audit.honoured) > paid and not self.audit.unfinished()):
                break
        hold(len(self.audit.honoured) <= paid + 1, "paid twice", "for one sale")
        end = RETOUCH if was_open else WHOLE
        if self.audit.unfinished():
            end = SETTLEMENT
        if len(self.audit.voided) > voided:
            end = VOID
        self.results.append(Result(str(point), AGAIN, "", end))

    async def _ask(self) -> None:
        """The merchant enters the amount, unless the stand says that it is paid."""
        stand = self.stage.devices[SHOP]
        await stand.press("cancel")
        await stand.type_amount(AMOUNT)
        await stand.press("ok")

    def _plan(self) -> Point:
        what, name = self.rng.choice(KILLS), self.rng.choice(list(KINDS))
        if what == "page":
            tear = self.rng.choice(
                (Prefix(self.rng.randrange(PAGE + 1)), Mix(self.rng.randrange(2**32)))
            )
            number = self.rng.randrange(OPERATIONS)
            self.stage.devices[name].board.nor.plan_cut(number, tear)
            point = self._point(FLASH, name, number)
            self.say(f"{point}: {name} is killed in operation {number}: {tear}")
        else:
            number = self.rng.randrange(1, FRAMES)
            self.stage.field.rules.append(Killer(self, name if what == "frame" else "", number))
            point = self._point(RADIO, name if what == "frame" else AIR, number)
            self.say(f"{point}: {what} {number}, {name}")
        return point

    def _point(self, kind: str, side: str, number: int) -> Point:
        return Point(f"tap {len(self.results) + 1}", kind, side, number, 0, self._seed)

    def _count(self) -> None:
        """What was planned has happened or not; from now on all is well."""
        self.stage.field.rules.clear()
        off = [name for name, d in self.stage.devices.items() if d.ended.is_set()]
        self.kills += bool(off)
        self.say(f"off: {', '.join(off) or 'nobody'}")
        for device in self.stage.devices.values():
            device.board.nor.power_on() if device.board.powered else None

    async def _touch(self) -> None:
        """Together until a screen says that it is over, or somebody is dead."""
        began_us = self.stage.touch(SHOP, A)
        while self.stage.timeline.now_us() < began_us + TOUCH_S * 1e6:
            await asyncio.sleep(LOOK_S)
            if any(device.ended.is_set() for device in self.stage.devices.values()):
                break
            lines = (*self.stage.lines(SHOP), *self.stage.lines(A))
            if any(word in line for line in lines for word in ("PAID", "AGAIN")):
                await asyncio.sleep(LOOK_S)
                if not any("TOUCH HERE" in line for line in self.stage.lines(SHOP)):
                    break
        self.stage.part()
        self.say(" / ".join(" | ".join(self.stage.lines(name)) for name in KINDS))

    async def settle(self) -> None:
        """Honest steps end the matter."""
        self.say("deposits")
        for _ in range(ROUNDS_MAX):
            for name in self.rng.sample(tuple(KINDS), len(KINDS)):
                done = await self.office.deposit(self.stage.devices[name].console)
                hold(not done.notes, "stuck", f"{name}: {done.notes}")
                self.look()
            found = self.office.reconcile()
            hold(not found.findings, "accused", str(found.findings))
            trial = self.office.check()
            hold(not trial.failures, "book", str(trial.failures))
            if not self.audit.unfinished() and not trial.under_way:
                break
        left = (self.audit.unfinished(), trial.under_way, trial.loads_under_way)
        hold(left == (0, 0, 0), "under way", f"in the end still {left}")
        hold(self.office.balance(codes.merchant(MERCHANT)) == self.audit.taken, "book", "merchant")
        held = self.office.balance(codes.purse(self.office.devices[A]))
        hold(held == self.audit.held[A], "book", f"{A} holds {self.audit.held[A]}, booked {held}")

    async def close(self) -> None:
        await self.stage.close()
        self.office.close()
