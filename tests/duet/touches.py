# SPDX-License-Identifier: Apache-2.0
"""Touches without payment, as many as anybody likes: `python -m duet.touches` (PROTOCOL.md §8.4).

Shipped modules over flash in memory, keys of paper. A merchant asks, cards come and none pays:
they leave after SELECT, after their certificate, after the offer, never come to a result, answer
with noise, or lie about their payment counter so that each offer is another one. Whenever the
stand says that the amount is to be entered again, it is. Afterwards an honest card pays.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

from board_flash import Flash
from duotap import apdu, certificate, commands, records, tap
from duotap.applet import Applet
from duotap.errors import DuotapError
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.statements import Statements
from issuing import Bench, Issuer

TOUCHES = 100_000
SECTORS = 272  # of a stock board's journal
CARDS = 12  # more than a stand keeps certificates of
REBOOT_EVERY = 20_000
LEGS_MAX = 40
AMOUNT = 660
LOADED = 50_000
KINDS = ("select", "unarmed", "certificate", "torn", "silent", "noise", "liar", "known liar")


class WornFlash(Flash):
    """Counts what each sector is worn by."""

    def __init__(self, blocks: int) -> None:
        super().__init__(blocks)
        self.erased: Counter[int] = Counter()
        self.programmed = 0

    def writeblocks(self, n: int, buf: Any, off: int) -> None:
        self.programmed += 1
        super().writeblocks(n, buf, off)

    def ioctl(self, op: int, arg: int) -> Any:
        self.erased[arg] += op == 6
        return super().ioctl(op, arg)


class Party(Bench):
    """A device with both roles."""

    def boot(self) -> None:
        super().boot()
        self.applet = Applet(Payer(self.device))
        self.payee = Payee(self.device)


class Storm:
    """One stand and those who touch it."""

    def __init__(self, seed: int, sectors: int = SECTORS) -> None:
        self.rng = random.Random(seed)
        issuer = Issuer()
        self.flash = WornFlash(sectors)
        self.stand = Party(self.flash, issuer, b"stand", certificate.ROLE_STAND)
        self.cards = [Party(Flash(24), issuer, b"card %d" % n) for n in range(CARDS)]
        for card in self.cards:
            Statements(card.device).take(issuer.load(card.device.id, 1, LOADED))
        self.lie = 1_000  # the payment number that a liar names next
        self.presses = 0
        self.outcomes: Counter[str] = Counter()
        self.press()

    def press(self) -> None:
        """The merchant enters an amount."""
        self.presses += 1
        self.amount = AMOUNT + self.presses % 7
        self.tap = tap.Tap(self.stand.payee)

    def rain(self, touches: int) -> None:
        """So many touches, none of which pays."""
        for number in range(1, touches + 1):
            kind = self.rng.choice(KINDS)
            outcome = self.touch(self.rng.choice(self.cards), kind)
            assert outcome is None or outcome.kind != tap.PAID, kind
            name = "gone" if outcome is None else outcome.kind
            if outcome is not None and kind != "noise":
                name += f" {outcome.sw:04X}"
            self.outcomes[f"{kind}: {name}"] += 1
            if outcome is None or outcome.kind == tap.REFUSED:
                self.press()
            self.tidy()
            if not number % REBOOT_EVERY:
                self.stand.boot()
                self.press()

    def tidy(self) -> None:
        """Idle work between two touches."""
        while self.stand.purse.tidy():
            pass

    def touch(self, card: Party, kind: str = "") -> Any:
        """One touch; the Outcome, None where the card was gone before there was one."""
        applet = card.applet
        applet.begin()
        card.device.consent.disarm()
        if kind != "unarmed":
            card.device.consent.arm(LOADED, 0)
        steps = self.tap.collect(self.amount)
        answer: bytes | None = None
        try:
            for _ in range(LEGS_MAX):
                step = steps.send(answer)
                answer = None
                if isinstance(step, bytes):
                    answer = self.answer(applet, step, kind)
                    if answer is None:
                        break
            steps.close()
        except StopIteration as stop:
            return stop.value
        except DuotapError:
            pass
        finally:
            applet.payer.pending = None
            applet.leave()
        return None

    def answer(self, applet: Any, step: bytes, kind: str) -> bytes | None:
        """What a card of this kind says; None: it is gone."""
        ins = apdu.parse(step).ins
        if kind == "noise" and not self.rng.randrange(3):
            return self.rng.randbytes(self.rng.randrange(1, 60))
        answer: bytes = applet.answer(step)
        if kind:
            applet.payer.pending = None  # it means to pay nothing
        applet.work()
        if kind == "select" or (kind == "certificate" and ins == commands.GET_CERTIFICATE):
            return None
        if kind in ("liar", "known liar") and ins == commands.SELECT and len(answer) > 40:
            self.lie += kind == "liar"
            return answer[:-6] + self.lie.to_bytes(4, "big") + answer[-2:]
        if kind == "torn" and ins == commands.OFFER and answer[-2:] == b"\x90\x00":
            return None
        if kind == "silent" and ins == commands.GET_RESULT:
            return b"\x00\x00\x01\x90\x00"  # wait, for ever
        return answer

    def sell(self) -> None:
        """An honest card pays, and once more after a boot of the stand."""
        before = sum(card.purse.state.balance() for card in self.cards)
        for _ in range(2):
            self.press()
            outcome = self.touch(self.cards[0])
            assert outcome[:3] == (tap.PAID, 0, self.amount), outcome
            before -= self.amount
            assert sum(card.purse.state.balance() for card in self.cards) == before
            assert self.stand.purse.state.unsafe
            self.stand.boot()
            self.tidy()

    def check(self) -> None:
        """There is room, and nobody has paid but the one who was asked to."""
        purse = self.stand.purse
        for card in self.cards[1:]:
            assert card.purse.state.balance() == LOADED
            assert not card.purse.state.open_payments
        assert purse.state.open_offer is None
        purse.check_room(4)

    def table(self) -> str:
        """What it came to."""
        purse = self.stand.purse
        kinds = Counter(kind for _, kind, _ in purse.journal.walk(purse.journal.first_sequence))
        found = [f"{count:>9,} {name}" for name, count in sorted(self.outcomes.items())]
        worn = max(self.flash.erased.values(), default=0)
        return "\n".join(
            [
                *found,
                f"amounts entered {self.presses:,}",
                f"journal: {purse.full_percent()} % full,"
                f" {purse.journal.pages_free():,} of {purse.journal.pages_total():,} pages free",
                f"records: {kinds[records.OFFER]} offers, {kinds[records.UNPAID]} unpaid,"
                f" {kinds[records.RESERVED]} reservations, {kinds[records.ACCOUNT]} sales",
                f"flash: {self.flash.programmed:,} programs, sectors erased"
                f" {sum(self.flash.erased.values()):,} times in all, one at most {worn}",
            ]
        )


def main() -> None:
    """Print the table; an argument is another number of touches."""
    touches = int(sys.argv[1]) if len(sys.argv) > 1 else TOUCHES
    storm = Storm(seed=1)
    storm.rain(touches)
    storm.sell()
    storm.check()
    assert not storm.stand.purse.warns()
    print(f"{touches:,} touches without payment, seed 1; then two sales\n{storm.table()}")


if __name__ == "__main__":
    main()
