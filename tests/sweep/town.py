# SPDX-License-Identifier: Apache-2.0
"""Who takes part in a story: two devices with the shipped firmware on virtual boards, and an
office with a ledger in memory. What people do with them is here; what may go wrong is not.

Two devices and a ledger in one process, so that a fork of the process is a fork of the world.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duet.cable_town import issuer
from duotap.certificate import CLASS_BOUND, Certificate
from duotap_host.demo.office import Office
from duotap_host.demo.stage_local import LocalStage
from duotap_host.device.client import Client
from duotap_host.device.errors import DeviceError
from duotap_host.device.link import Line
from duotap_host.device.load import load
from duotap_host.ledger import codes
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.opening import create_ledger
from duotap_host.provision.profile import Profile
from duotap_host.provision.provisioning import provision
from duotap_host.virtual.board import CARD, STAND, VirtualBoard
from duotap_host.virtual.costs import RP2040_THUMB
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.region import Region
from port import late
from port.keyfile import NAME as KEY_FILE
from port.keyfile import SECRET_BYTES
from sim.audit import Audit, Violation, hold

from sweep.quick_signer import QuickSigner

PAYER, PAYEE = "payer", "payee"
AMOUNT, OTHER, THIRD = "1.00", "2.10", "3.20"
HOLDERS = {PAYER: 1, PAYEE: 2}
MERCHANT = 1
FUNDED = 60_000
LOADED = 20_000
JOURNAL_BLOCKS = 24
LOOK_S = 0.1
QUIET_US = 500_000  # longer than a device computes between two blocks
HASTE_US = 700_000  # a stand that was just asked begins to poll before that
TAP_US = 8_000_000  # people do not hold devices together for ever
# What a screen says to have somebody press something: they part.
ASKING = ("CONFIRM", "PRESS PAY")
HOME = {CARD: "RECEIVE", STAND: "Noodle Bar"}
DONE = ("PAID", "RECEIVED")  # what a screen says of a sale


class QuickDevice(LocalDevice):
    """With OpenSSL under the signer; `plainly` leaves the shipped integers. Modules that were
    imported late stay: importing them again and again changes nothing here and takes long."""

    plainly = False
    words: tuple[str, ...] = ()  # that stand on the screen

    async def boot(self) -> None:
        late.drop = _keep
        await super().boot()

    async def _main(self, parts: Any) -> None:
        self._read_along(parts.display)
        await super()._main(parts)

    def _read_along(self, display: Any) -> None:
        """Keep the texts as they are drawn: reading them from the pixels takes long."""
        drawn: list[str] = []
        text, clear, show = display.text, display.clear, display.show

        def text_too(string: str, *place: int) -> Any:
            drawn.append(string)
            return text(string, *place)

        def clear_too() -> None:
            drawn.clear()
            clear()

        def show_too() -> None:
            self.words = tuple(drawn)
            show()

        display.text, display.clear, display.show = text_too, clear_too, show_too

    def _charged(self, signer: Any) -> Any:
        if not self.plainly:
            key = self.files.kept.get(KEY_FILE, bytes(SECRET_BYTES))
            secret = int.from_bytes(key[:SECRET_BYTES], "big")
            signer = QuickSigner(signer, secret, self.parts.entropy)
        return super()._charged(signer)


def _keep(*_modules: str) -> None:
    """In the place of `late.drop`."""


class SmallStage(LocalStage):
    """Boards with a small journal."""

    costs = RP2040_THUMB

    def make(self, board: VirtualBoard) -> QuickDevice:
        board.journal = Region(board.nor, board.journal.first, JOURNAL_BLOCKS)
        return QuickDevice(board, costs=self.costs)


class MemoryOffice(Office):
    """Its ledger lives and forks with the process."""

    def open(self) -> None:
        self.ledger = create_ledger("sqlite://", self.issuer, self.now_us)

    async def enrol(self, side: str, line: Line, profile: Profile) -> None:
        """Certify the device at the line."""
        done = await provision(
            Client(line), self.ledger, self.issuer, self._epoch(), profile, self._draw
        )
        self.devices[side] = done.device.id

    async def bring(self, line: Line, amount: int, account: str, request: bytes) -> None:
        """Money to the device at the line; the same request brings it once."""
        client, epoch = Client(line), self._epoch()
        await load(client, self.ledger, self.issuer, epoch, amount, account, request)


@dataclass(frozen=True)
class Bound(Profile):
    """Certified as of rollback class bound: its voids are taken over a tap."""

    def certificate(self, *of: Any) -> Certificate:
        return super().certificate(*of)._replace(rollback_class=CLASS_BOUND)


class Town:
    """Made inside the running loop; `told` is what happened, line by line."""

    def __init__(self, kinds: dict[str, str], seed: int) -> None:
        self.kinds = kinds
        self.told: list[str] = []
        text = b"sweep %d" % seed
        self.stage = SmallStage(text)
        self.office = MemoryOffice(Path(), text, issuer())
        self.audit = Audit()
        self.funded = 0
        self._sold_before = self._voided_before = 0

    def device(self, side: str) -> QuickDevice:
        found = self.stage.devices[side]
        assert isinstance(found, QuickDevice)
        return found

    def say(self, text: str) -> None:
        self.told.append(f"{self.stage.timeline.now_us() / 1e6:9.3f} {text}")

    async def open(self, profiles: dict[str, Profile]) -> None:
        """Provision and load."""
        self.office.open()
        self.office.account(AccountCode.MERCHANT, MERCHANT, "Noodle Bar")
        for side, kind in self.kinds.items():
            device = await self.stage.add(side, kind)
            if kind == CARD:
                self.office.account(AccountCode.WALLET, HOLDERS[side], side)
                self.office.fund(codes.wallet(HOLDERS[side]), FUNDED)
                self.funded += FUNDED
            await self.office.enrol(side, device.console, profiles[side])
            if kind == CARD:
                await self.load(side, LOADED)
        for side in self.kinds:
            await self.home(side)
        self.look()

    async def load(self, side: str, amount: int, request: bytes = b"") -> None:
        wallet = codes.wallet(HOLDERS[side])
        line = self.device(side).console
        await self.office.bring(line, amount, wallet, request)

    # What people see

    def look(self) -> None:
        """Nothing was created or lost, and no firmware has crashed."""
        for side, device in self.stage.devices.items():
            hold(not device.crash_text, "crashed", f"{side}: {device.crash_text}")
            hold(not device.board.nor.violations, "flash", f"{side} programmed what was not blank")
        self.audit.look({side: d.journal_bytes() for side, d in self.stage.devices.items()})

    def begin(self) -> None:
        """What was sold until now is over."""
        self._sold_before = len(self.audit.honoured)
        self._voided_before = len(self.audit.voided)

    def sold(self) -> list[int]:
        """Amounts that were honoured since `begin`."""
        honoured = list(self.audit.honoured)[self._sold_before :]
        return [self.audit.paid[each] for each in honoured]

    def voided(self) -> bool:
        """A payment was given back since `begin`."""
        return len(self.audit.voided) > self._voided_before

    def lines(self, side: str) -> tuple[str, ...]:
        """What stands on a screen."""
        device = self.device(side)
        return device.words if device.board.powered else ()

    def shows(self, side: str, *words: str) -> bool:
        return any(word in line for word in words for line in self.lines(side))

    def is_done(self, side: str) -> bool:
        """Its screen says that the sale is paid."""
        return self.shows(side, *DONE) and not self.shows(side, "NOT PAID")

    async def home(self, side: str) -> None:
        """Wait for the screen on which a device rests, and until it has done what a boot takes: in
        process a screen is drawn before the time has passed that led to it."""
        await self.stage.until(lambda: self.shows(side, HOME[self.kinds[side]]), side)
        left_us = self.device(side).board.clock.now_us() - self.stage.timeline.now_us()
        await asyncio.sleep(left_us / 1e6 + LOOK_S)

    async def awake(self) -> None:
        """Put batteries in where they are out."""
        for side, device in self.stage.devices.items():
            if device.ended.is_set():
                self.say(f"{side} is switched on")
                await device.boot()
                await self.home(side)
                self.look()

    # What people do

    async def enter(self, amount: str) -> None:
        """The payee is to be paid `amount`."""
        self.say(f"payee asks for {amount}")
        device = self.device(PAYEE)
        card = self.kinds[PAYEE] == CARD
        await device.press("ok" if card else "cancel")
        if card:
            await device.press("up")
        await device.type_amount(amount)
        await device.press("ok")

    async def sale(self, amount: str = AMOUNT) -> None:
        """A tap from beginning to end."""
        await self.enter(amount)
        await self.arm()
        await self.touch()

    async def arm(self) -> None:
        await self.device(PAYER).press("pay")

    async def touch(self) -> None:
        """Hold the two together until nothing happens between them any more."""
        self.say("they touch")
        began_us = self.stage.touch(PAYEE, PAYER)
        while not self._over(began_us):
            await asyncio.sleep(LOOK_S)
        self.stage.part()
        for side in self.kinds:
            self.say(f"{side} shows {' | '.join(self.lines(side))}")

    def _over(self, began_us: int) -> bool:
        """Nothing happens any more, or a screen asks for a press."""
        now_us, log = self.stage.timeline.now_us(), self.stage.field.log
        last_us = max(began_us + HASTE_US, log[-1].t_us if log else 0)
        if now_us > min(last_us + QUIET_US, began_us + TAP_US):
            return True
        return now_us > began_us + HASTE_US and any(self.shows(s, *ASKING) for s in self.kinds)

    # At the office

    async def greet(self) -> None:
        """Each device answers at its cable, whatever it has been through."""
        for side in self.kinds:
            try:
                await Client(self.device(side).console).connect()
            except DeviceError as error:
                raise Violation("stuck", f"{side} does not answer: {error}") from None

    def state(self) -> bytes:
        """What all flashes hold: devices that are switched off and on know no more than that."""
        flashes = [self.device(side).journal_bytes() for side in self.kinds]
        return hashlib.sha256(b"".join(flashes)).digest()

    async def deposit(self, side: str) -> None:
        """One visit; what is refused or not answered there is a fault of ours."""
        try:
            done = await self.office.deposit(self.device(side).console)
        except DeviceError as error:
            raise Violation("stuck", f"{side} cannot be deposited: {error}") from None
        self.say(f"{side} is deposited: {done.records} records, {done.handed} handed over")
        hold(not done.notes, "stuck", f"{side}: {done.notes}")
        hold(done.covers, "stuck", f"{side}'s journal is not whole at the ledger")

    def reconcile(self) -> Any:
        """Book, and look at the book. Returns the trial balance."""
        done = self.office.reconcile()
        trial = self.office.check()
        hold(not done.findings, "accused", "; ".join(each.en for each in done.findings))
        hold(not trial.failures, "book", "; ".join(trial.failures))
        hold(not done.refused, "book", f"{done.refused} transfers were refused")
        hold(trial.circulating == self.funded, "book", f"{trial.circulating} circulate")
        return trial

    def compare(self) -> None:
        """All is deposited: the book says of each purse what the purse says."""
        for side, held in self.audit.held.items():
            booked = self.office.balance(codes.purse(self.office.devices[side]))
            hold(booked == held, "book", f"{side} holds {held}, booked are {booked}")
        merchant = self.office.balance(codes.merchant(MERCHANT))
        hold(merchant == self.audit.taken, "book", f"the merchant has {merchant}")
