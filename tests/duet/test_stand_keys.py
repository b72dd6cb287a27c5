# SPDX-License-Identifier: Apache-2.0
"""A stand shows what was paid, whatever the merchant typed while the card was there."""

from __future__ import annotations

from typing import Any

import pytest
from duotap import amount, certificate, records, tap
from duotap.errors import Fault
from stand.app import ASK, ENTRY, RESULT, Stand

from duet.desk import Unit
from duet.makers import Maker, Mint

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND


class Counter:
    """A merchant at a stand, and the card that lies on it: `lead` goes on until it has so many
    answers."""

    def __init__(self) -> None:
        self.mint = mint = Mint()
        self.payer = Maker(mint, "card", PERSON)
        self.payer.load(20_000)
        self.payer.arm(20_000)
        self.unit = Unit(Maker(mint, "stand", STAND))
        self.stand = Stand(self.unit)  # type: ignore[arg-type] # what it asks of a unit
        self.steps: Any = None
        self.answer: bytes | None = None

    def type(self, keys: str) -> None:
        for key in keys:
            self.stand.press({"#": "ok", "B": "cancel", "D": "menu"}.get(key, key))

    def lead(self, answers: int) -> tap.Outcome | None:
        if self.steps is None:
            self.steps = self.stand._steps()
            self.payer.applet.begin()
        try:
            while answers:
                step = self.steps.send(self.answer)
                self.answer = None
                if not isinstance(step, int):
                    self.answer = self.payer.applet.answer(step)
                    self.payer.applet.work()
                    answers -= 1
        except StopIteration as stop:
            return stop.value
        return None

    def sees(self, value: int) -> bool:
        return self.reads(amount.text(value))

    def reads(self, words: str) -> bool:
        """They stand on the screen."""
        self.unit.display.clear()
        self.stand.drawn = ()
        self.stand._draw()
        return words in self.unit.display.words


LEGS_MAX = 100


def test_the_amount_that_was_paid() -> None:
    counter = Counter()
    counter.type("5#")
    outcome = counter.lead(LEGS_MAX)
    assert outcome is not None
    counter.stand.outcome(outcome)
    assert counter.sees(500)
    assert counter.stand.mode == RESULT


@pytest.mark.parametrize("answers", [1, 3, 5])
def test_another_amount_typed_meanwhile_is_not_shown_as_paid(answers: int) -> None:
    counter = Counter()
    counter.type("5#")
    assert counter.lead(answers) is None
    counter.type("B99#")
    outcome = counter.lead(LEGS_MAX)
    assert outcome is not None
    counter.stand.outcome(outcome)
    assert counter.sees(500)
    assert not counter.sees(9900)


def test_a_torn_sale_that_the_merchant_gave_up_is_shown_when_it_was_paid() -> None:
    counter = Counter()
    counter.type("5#")
    while counter.stand.led is None or counter.stand.led.paid is None:
        assert counter.lead(1) is None
    counter.type("B99#")
    counter.stand.torn(Fault("gone"))
    assert counter.sees(500)
    counter.type("B")
    counter.stand.torn(Fault("of somebody else"))
    assert counter.stand.mode == ENTRY


def test_what_was_given_up_asks_for_nothing_more() -> None:
    counter = Counter()
    counter.payer.device.consent.disarm()
    counter.type("5#")
    outcome = counter.lead(LEGS_MAX)
    assert outcome is not None
    assert counter.stand.mode == ASK
    counter.type("B")
    counter.stand.outcome(outcome)
    assert counter.stand.mode == ENTRY


def test_a_refund_is_asked_for_with_the_menu_key() -> None:
    counter = Counter()
    counter.unit.purse.commit(records.LOAD, float_for(counter))
    counter.type("5#")
    sold = counter.lead(LEGS_MAX)
    assert sold is not None
    counter.stand.outcome(sold)
    counter.steps = counter.answer = None
    counter.type("D")
    assert counter.reads("REFUND")
    counter.type("2#")
    assert counter.reads("REFUND: TOUCH HERE")
    assert counter.sees(200)
    counter.payer.arm(20_000)
    outcome = counter.lead(LEGS_MAX)
    assert outcome is not None
    counter.stand.outcome(outcome)
    assert counter.reads("REFUNDED")
    assert counter.reads("on the card")
    assert counter.payer.purse.state.balance() == 20_000 - 500 + 200
    counter.type("5")  # the next entry is a sale again
    assert not counter.stand.gives
    assert not counter.reads("REFUND")


def test_the_menu_key_once_more_is_a_sale_again() -> None:
    counter = Counter()
    counter.type("DD5#")
    outcome = counter.lead(LEGS_MAX)
    assert outcome is not None
    assert outcome.kind == tap.PAID


def test_a_refund_that_is_refused_says_why() -> None:
    counter = Counter()
    counter.type("D5#")
    outcome = counter.lead(LEGS_MAX)
    assert outcome is not None
    counter.stand.outcome(outcome)
    assert counter.reads("NOT REFUNDED")


def float_for(counter: Counter) -> bytes:
    """A load for the stand."""
    device = counter.unit.device
    return counter.mint.load(device.id, counter.unit.purse.state.next_issue, ((0, 9_000),))
