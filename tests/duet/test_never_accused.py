# SPDX-License-Identifier: Apache-2.0
"""Honest devices through power cuts, decay, torn taps, replays, forwarded messages of any age and
rekeying: whatever they sent or journalled, no two messages of one device are a proof against it
(PROTOCOL.md §12). A device that is set back is proven by the same search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from board_flash import PAGE, Flash
from duotap import commands, messages, proof, records, tap
from duotap.applet import Applet
from duotap.errors import Broken, DuotapError, Refusal
from duotap.fields import ROLE_PERSON, ROLE_STAND
from duotap.payee import Payee
from duotap.payer import Payer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from issuing import Bench, Issuer

ISSUER = Issuer()
STAND = 2  # place of the stand; before it two cards
LOADED = 50_000
SIGNED = (messages.Payment, messages.Offer, messages.Receipt, messages.Void)
EXCHANGED = (commands.OFFER, commands.GET_RESULT, commands.PUT_CLOSING, commands.GET_OPEN)


class PowerCut(Exception):
    """The board is off."""


class Torn(Exception):
    """The card left the field."""


class CutFlash(Flash):
    """Loses its power in the middle of an operation; the page that was written is torn."""

    left: int | None = None  # operations until the cut

    def writeblocks(self, n: int, buf: Any, off: int) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                half = bytes(buf[: PAGE // 3]) + b"\xff" * (PAGE - PAGE // 3)
                super().writeblocks(n, half, off)
                raise PowerCut
        super().writeblocks(n, buf, off)

    def decay(self, place: int) -> None:
        """One bit that was programmed loses its charge."""
        numbers = sorted(self.pages)
        number = numbers[place % len(numbers)]
        page = bytearray(self.pages[number])
        zeros = [at for at, byte in enumerate(page) if byte != 0xFF]
        if zeros:
            at = zeros[place % len(zeros)]
            page[at] |= page[at] + 1
            self.pages[number] = bytes(page)


class Unit:
    """A device over its flash, with both roles."""

    def __init__(self, name: bytes, role: int) -> None:
        self.flash = CutFlash(40)
        self.bench = Bench(self.flash, ISSUER, name, role)
        self.role = role
        self.id = self.bench.device.id  # whatever decays
        load = ISSUER.load(self.id, 1, LOADED)
        self.bench.purse.commit(records.LOAD, load)
        self.start()

    def start(self) -> None:
        device = self.bench.device
        self.payer, self.payee = Payer(device), Payee(device)
        self.applet = Applet(self.payer)
        self.tap = tap.Tap(self.payee)

    def boot(self) -> None:
        self.flash.left = None
        self.bench.boot()
        self.start()

    def meet(self, other: Unit) -> None:
        self.bench.device.peers.learn(other.bench.certified)

    def arm(self) -> None:
        consent = self.bench.device.consent
        consent.disarm()
        consent.arm(LOADED, LOADED)

    def journalled(self) -> Iterator[bytes]:
        journal = self.bench.purse.journal
        for _, kind, body in journal.walk(journal.first_sequence):
            for part in records.unpack(kind, bytes(body)):
                if isinstance(part, bytes):
                    yield part


class World:
    """Devices, and everything that any of them ever signed and let out."""

    def __init__(self) -> None:
        self.units = [Unit(b"ann", ROLE_PERSON), Unit(b"ben", ROLE_PERSON)]
        self.units.append(Unit(b"shop", ROLE_STAND))
        self.said: dict[tuple[bytes, str, object], dict[bytes, Any]] = {}
        self.raws: list[bytes] = []
        self.answers: list[bytes] = []
        self.paid = 0

    def hear(self, raw: bytes) -> None:
        try:
            signed = messages.decode(raw, *SIGNED)
        except Refusal:
            return
        said = self.said.setdefault((signed.kid, *proof.subject(signed)), {})
        if signed.hash not in said:
            said[signed.hash] = signed
            self.raws.append(raw)

    def look(self) -> None:
        for unit in self.units:
            for raw in unit.journalled():
                self.hear(raw)

    def proven(self) -> set[bytes]:
        """Whom two messages of all that was said would prove."""
        self.look()
        found = set()
        for (kid, _, _), said in self.said.items():
            every = list(said.values())
            if any(proof.contradiction(one, other)[0] for one in every for other in every):
                found.add(kid)
        return found

    def touch(self, payer: Unit, payee: Unit, amount: int, cut: int, replay: int) -> None:
        """One tap; after `cut` legs the card is gone. `replay`: an answer that was heard before
        comes in its place."""
        payer.arm()
        payer.applet.begin()
        steps = payee.tap.collect(amount)
        answer: bytes | None = None
        try:
            while cut:
                step = steps.send(answer)
                answer = None
                if isinstance(step, int):
                    continue
                cut -= 1
                self._pass(step)
                answer = payer.applet.answer(step)
                if replay and step[1] in EXCHANGED and replay % 3 == 0 and self.answers:
                    answer = self.answers[replay % len(self.answers)]
                replay //= 3
                self.answers.append(answer)
                self._pass(answer)
                payer.applet.work()
        except StopIteration as stop:
            self.paid += stop.value.kind == tap.PAID
        finally:
            steps.close()
            payer.applet.leave()

    def _pass(self, apdu: bytes) -> None:
        """Whatever stands in an APDU was let out."""
        for raw in (apdu[5:], apdu[5:-1], apdu[1:-2], apdu[:-2]):
            self.hear(raw)

    def forward(self, which: int) -> None:
        """The ledger, or an older backup of it, brings a message that it has seen."""
        self.look()
        if not self.raws:
            return
        raw = self.raws[which % len(self.raws)]
        signed = messages.decode(raw, *SIGNED)
        by_id = {unit.id: unit for unit in self.units}
        signer = by_id[signed.kid]
        if isinstance(signed.message, messages.Payment):
            payee = by_id[signed.message.payee]
            payee.meet(signer)
            self.hear(payee.payee.take(raw))
        elif not isinstance(signed.message, messages.Offer):
            for unit in self.units:
                unit.meet(signer)
                if unit.payer.find(signed.message.payment_hash):
                    unit.payer.close(raw, by_tap=False)
                    unit.payer.settle()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("tap",) * 6 + ("forward",) * 2 + ("boot", "cancel", "decay", "rekey")),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 40),
        st.integers(0, 1 << 20),
    ),
    min_size=4,
    max_size=14,
)


def play(world: World, step: str, one: int, other: int, cut: int, number: int) -> None:
    unit = world.units[one]
    if step == "tap" and one != other and one != STAND:
        payee = world.units[other]
        if number % 4 == 1:
            (unit, payee)[number % 8 > 3].flash.left = cut % 9
        legs = cut if number % 2 else 99
        if number % 16 != 15:  # else it is touched again
            payee.tap = tap.Tap(payee.payee)
        replay = number if number % 8 == 6 else 0
        world.touch(unit, payee, 1 + number % 500, legs, replay)
    elif step == "forward":
        world.forward(number)
    elif step == "boot":
        unit.boot()
    elif step == "cancel":
        unit.payee.cancel()
    elif step == "decay":
        unit.flash.decay(number)
        unit.boot()
    elif step == "rekey":
        world.look()
        world.units.append(unit)  # its journal is still asked at the end
        role = unit.role
        world.units[one] = Unit(b"new %d %d" % (one, len(world.units)), role)


def endure(world: World, step: str, one: int, other: int, cut: int, number: int) -> None:
    """A step, and what people do when it fails: whoever lost power is switched on again."""
    try:
        play(world, step, one, other, cut, number)
    except (PowerCut, Broken):
        for unit in world.units:
            unit.boot()
    except DuotapError:
        pass
    for unit in world.units:
        unit.flash.left = None


@pytest.mark.long
@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(STEPS)
def test_no_honest_device_is_ever_proven(steps: list[tuple[str, int, int, int, int]]) -> None:
    world = World()
    for step in steps:
        endure(world, *step)
    assert world.proven() == set()


def test_the_steps_come_to_something() -> None:
    """The same steps without a mishap are payments, and what is heard is what was signed."""
    world = World()
    for number in range(0, 80, 8):
        endure(world, "tap", number // 8 % 2, STAND, 40, number)
    assert world.paid == 10
    world.look()
    kinds = [kind for _, kind, _ in world.said]
    assert (kinds.count(proof.PAYMENTS), kinds.count(proof.OFFERS)) == (10, 10)
    assert kinds.count(proof.ANSWERS) == 10


def test_who_is_set_back_is_proven_by_the_same_search() -> None:
    for image_of, accused in ((0, 0), (STAND, STAND)):
        world = World()
        image = dict(world.units[image_of].flash.pages)
        endure(world, "tap", 0, STAND, 40, 8)
        assert world.proven() == set()
        world.units[image_of].flash.pages = image
        world.units[image_of].boot()
        payer = 1 if image_of == STAND else 0
        endure(world, "tap", payer, 1 if image_of == 0 else STAND, 40, 16)
        assert world.proven() == {world.units[accused].id}
