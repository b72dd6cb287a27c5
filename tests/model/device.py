# SPDX-License-Identifier: Apache-2.0
"""One device for the length of one step: the shipped modules over a flash, driven as its radio,
its buttons and its cable drive them.

Each step begins with a boot, so what is only in RAM is what the step is told to put there.
"""

from __future__ import annotations

from typing import Any

from duotap import apdu, cbor, commands, messages, record, status, uint
from duotap.applet import Applet
from duotap.deposit import Deposit, Gauges
from duotap.device import Device
from duotap.errors import Refusal
from duotap.journal import Journal
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.purse import Purse
from duotap.refunding import Refunding
from duotap.refunds import Refunds
from duotap.rights import Rights
from duotap.statements import Statements
from duotap.sync import SyncApplet
from duotap.tap import Tap
from duotap_host.virtual.nor import VirtualNor

from model.keys import Hedge
from model.town import BLOCKS, FIRMWARE, Flash, Town

READER = b"permitted reader"
CHALLENGE = b"ledger challenge"
NO_LIMIT = 1_000_000  # of what a press agrees to: consent is not what is modelled


class Open:
    """A seal that seals nothing: what a deposit says, for its ledger only."""

    def seal(self, kind: int, command: bytes, plain: bytes) -> bytes:
        return plain


class Roles:
    """What a session at the cable asks for."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._statements = Statements(live.device)
        gauges = Gauges(lambda: 100, lambda: 0)
        self._deposit = Deposit(live.device, Hedge("seal"), bytes, gauges)
        self._deposit._seal = Open()

    def begin(self) -> None:
        """A session at the cable does something to the purse: the radio begins anew."""

    def radio(self) -> Applet:
        return self._live.applet

    def payee(self) -> Payee:
        return self._live.payee

    def deposit(self) -> Deposit:
        return self._deposit

    def statements(self) -> Statements:
        return self._statements


class Live:
    """A device that is switched on."""

    def __init__(self, town: Town, who: int, flash: Flash, guard: Any = None) -> None:
        self.town, self.who = town, who
        self.signer = town.signer(who, guard)
        self.chip = VirtualNor(BLOCKS)
        self.chip.restore(b"".join(flash))
        self.boot()

    def boot(self) -> None:
        """What a device does when it is switched on."""
        self.purse = Purse(Journal(self.chip))
        self.purse.boot()
        self.device = Device(self.purse, self.signer, FIRMWARE)
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        self.applet = Applet(self.payer, [])
        self.tap = Tap(self.payee)

    @property
    def guard(self) -> Any:
        """What tells the newest image of the flash, None in class none."""
        return getattr(self.signer, "guard", None)

    @property
    def state(self) -> Any:
        return self.purse.state

    def meet(self, kid: bytes) -> None:
        """The certificate of the counterpart comes before what it signed."""
        if kid in self.town.who:
            self.device.peers.learn(self.town.certificates[self.town.who[kid]])

    def press(self) -> None:
        """The holder agrees to whatever is asked."""
        if not self.device.consent.armed:
            self.device.consent.arm(NO_LIMIT, 0)

    # What comes by radio

    def ask(self, payer: int, counter: int, amount: int) -> bytes:
        """Of a card whose SELECT said this counter, which may be a lie."""
        device = self.town.ids[payer]
        self.meet(device)
        return self.payee.ask(self.device.peers.by_id(device), device, counter, amount)

    def hear(self, offer: bytes) -> bytes:
        """Take an offer and be asked for its result at once: the payment, if it is known."""
        signed = messages.decode(offer)
        self.meet(signed.kid)
        self.press()
        self.payer.offer(offer)
        answer = self.payer.result(signed.hash)
        return answer[1:] if answer[:1] == b"\x01" else b""

    def work(self, offer: bytes, heard: bool = False) -> bytes:
        """Decide an offer that was taken; `heard`: by this very boot."""
        if not heard:
            self.hear(offer)
        self.payer.work()
        return self.payer.result(messages.decode(offer).hash)[1:]

    def take(self, payment: bytes) -> bytes:
        """A payment that somebody brought: a receipt or void."""
        self.meet(messages.decode(payment).kid)
        return self.payee.take(payment)

    def close(self, closing: bytes) -> None:
        """A receipt or void by tap, acknowledged."""
        self.meet(messages.decode(closing).kid)
        self.payer.close(closing)

    def settle(self, closing: bytes) -> None:
        """The record of a closing that was acknowledged."""
        self.close(closing)
        self.payer.settle()

    # What comes by cable

    def cable(self, permitted: bool) -> SyncApplet:
        """A session at the cable, of a permitted reader or of anybody."""
        rights = Rights(self.device, Hedge("nonce"), b"")
        rights.reader = READER if permitted else b""
        return SyncApplet(self.device, Roles(self), rights)

    def forward(self, message: bytes, permitted: bool) -> bytes:
        """A message of another device, brought with its certificate."""
        signer = self.town.who[messages.decode(message).kid]
        brought = cbor.encode([message, self.town.certificates[signer]])
        return command(self.cable(permitted), commands.FORWARD, brought)

    def statement(self, raw: bytes, parts: tuple[bytes, ...]) -> None:
        """A statement of the issuer, with the base of a checkpoint before it."""
        applet = self.cable(permitted=True)
        for index, part in enumerate(parts):
            command(applet, commands.PUT_BASE, part, index, len(parts))
        command(applet, commands.PUT_STATEMENT, raw)

    def unload(self, number: int, amount: int) -> bytes:
        """An order to send so much of own money home."""
        asked = cbor.encode([number, {0: amount}])
        return command(self.cable(permitted=True), commands.UNLOAD, asked)

    # Refunds

    def give(self, card: int, amount: int) -> bytes:
        """What a touch of a stand does that gives back, without the touch."""
        device = self.town.ids[card]
        self.meet(device)
        giving = Refunding(self.payee)
        return giving._give(self.device.peers.by_id(device), giving._sales(device), amount)

    def take_back(self, refund: bytes) -> None:
        """A refund that somebody brought."""
        signed = messages.decode(refund, messages.Refund)
        self.meet(signed.kid)
        Refunds(self.device).take(signed)

    def deposit(self, challenge: bytes = CHALLENGE) -> tuple[list[bytes], bytes]:
        """All statements of the journal that can be read, and a head; b"" if it gives none."""
        applet = self.cable(permitted=True)
        journal = self.purse.journal
        asked = cbor.encode([challenge, READER])
        try:
            head = command(applet, commands.GET_HEAD, asked)
        except Refusal:
            return [], b""  # a device that has lost its certificate is nobody's
        statements: list[bytes] = []
        sequence = journal.first_sequence
        while sequence < journal.next_sequence:
            chunk = command(applet, commands.READ_JOURNAL, uint.encode(sequence, 4))
            if not chunk:
                break
            statements += cut(chunk)
            sequence = record.decode(statements[-1]).sequence + 1
        return statements, head


def cut(chunk: bytes) -> list[bytes]:
    """The statements in an answer to READ JOURNAL, one after the other."""
    found = []
    while chunk:
        size = record.HEAD_SIZE + uint.decode(chunk[3:5])
        found.append(chunk[:size])
        chunk = chunk[size:]
    return found


def command(applet: SyncApplet, ins: int, message: bytes, p1: int = 0, p2: int = 0) -> bytes:
    """One command over the cable. Raises Refusal."""
    steps = apdu.exchange(commands.CLA, ins, p1, p2, message)
    try:
        answer = applet.answer(next(steps))
        while True:
            answer = applet.answer(steps.send(answer))
    except StopIteration as stop:
        return bytes(stop.value)


def reason(refusal: Refusal) -> str:
    """The name of a status word, for a story."""
    names = {value: name for name, value in vars(status).items() if name.isupper()}
    return str(names.get(refusal.sw, refusal.reason)).replace("_", " ").lower()
