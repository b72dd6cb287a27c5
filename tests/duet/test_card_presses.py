# SPDX-License-Identifier: Apache-2.0
"""A card's buttons under attack: no press means more than the screen said, and what was agreed
ends on time, whoever keeps a field on (PROTOCOL.md §5, right A)."""

from __future__ import annotations

from typing import Any

import pytest
from card.app import ARMED, CHARGE_MIN, ENTRY, HOME, Card
from duotap import amount, certificate, status, tap
from duotap.consent import ARMED_MS
from duotap.errors import Refusal

from duet.desk import Unit
from duet.makers import Maker, Mint, touch

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND


class Hand:
    """A holder with a card; `turn` is one look of the card's loop."""

    def __init__(self, mint: Mint, **changes: Any) -> None:
        self.maker = Maker(mint, "card", PERSON, **changes)
        self.maker.load(50_000)
        self.unit = Unit(self.maker)
        self.card = Card(self.unit)  # type: ignore[arg-type] # what it asks of a unit
        self.consent = self.maker.device.consent
        self.turn()

    def turn(self, ms: int = 50) -> None:
        self.unit.now_ms += ms
        self.card._tell()
        self.card._expire()
        self.unit.display.clear()
        self.card.drawn = () if not self.unit.in_session else self.card.drawn
        self.card._draw()

    def press(self, button: str, held: bool = False) -> None:
        self.card.press(button, held)
        self.turn()

    def sees(self, value: int) -> bool:
        return amount.text(value) in self.unit.display.words


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def stands(mint: Mint) -> tuple[Maker, Maker]:
    return Maker(mint, "stand", STAND), Maker(mint, "thief", STAND, name_en="Thief")


def test_a_press_confirms_what_is_on_the_screen(mint: Mint) -> None:
    hand, (stand, _) = Hand(mint), stands(mint)
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000).kind == tap.CONFIRM
    hand.turn()
    assert hand.sees(20_000)
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000, again=True).kind == tap.PAID
    assert not hand.consent.armed


def test_a_press_confirms_nothing_where_no_screen_is(mint: Mint) -> None:
    hand, (stand, _) = Hand(mint), stands(mint)
    hand.unit.display.seen = False  # type: ignore[attr-defined] # as drivers.dark has it
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000).kind == tap.CONFIRM
    hand.turn()
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000, again=True).kind == tap.CONFIRM


def test_a_press_before_the_screen_changed_confirms_nothing(mint: Mint) -> None:
    """A thief's reader asks for much and keeps the field on: the holder still sees the ceiling."""
    hand, (_, thief) = Hand(mint), stands(mint)
    hand.press("pay")
    hand.unit.in_session = True
    assert touch(thief, hand.maker, 40_000).kind == tap.CONFIRM
    hand.press("pay")
    hand.press("pay")
    assert touch(thief, hand.maker, 40_000, again=True).kind == tap.CONFIRM
    assert hand.maker.purse.state.balance() == 50_000


def test_a_press_for_one_offer_does_not_confirm_another(mint: Mint) -> None:
    hand, (stand, thief) = Hand(mint), stands(mint)
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000).kind == tap.CONFIRM
    hand.turn()
    assert hand.sees(20_000)
    hand.unit.in_session = True  # the next reader stays, so the screen does too
    assert touch(thief, hand.maker, 40_000).kind == tap.CONFIRM
    hand.press("pay")
    assert touch(thief, hand.maker, 40_000, again=True).kind == tap.CONFIRM
    hand.unit.in_session = False
    assert touch(stand, hand.maker, 20_000, again=True).kind in (tap.PAID, tap.CONFIRM)
    assert hand.maker.purse.state.balance() >= 30_000


@pytest.mark.parametrize("button", ["ok", "up"])
@pytest.mark.parametrize("screen", ["armed", "confirm", "refused", "sync"])
def test_no_button_leaves_a_card_armed_for_ever(mint: Mint, button: str, screen: str) -> None:
    hand, (stand, _) = Hand(mint), stands(mint)
    hand.press("pay")
    if screen == "confirm":
        assert touch(stand, hand.maker, 20_000).kind == tap.CONFIRM
    elif screen == "refused":
        assert touch(stand, hand.maker, 60_000).kind == tap.REFUSED
    elif screen == "sync":
        hand.press("ok", held=True)
    hand.turn()
    hand.press(button)
    hand.press("pay" if button == "up" and hand.card.mode != HOME else "ok")
    hand.turn(ARMED_MS)
    hand.turn(ARMED_MS)
    assert hand.card.mode == HOME
    assert not hand.consent.armed
    assert touch(stand, hand.maker, 100).kind == tap.NOT_ARMED


def test_a_reader_that_stays_does_not_keep_a_card_armed(mint: Mint) -> None:
    hand, (_, thief) = Hand(mint), stands(mint)
    hand.press("pay")
    hand.unit.in_session = True
    hand.turn(ARMED_MS + 1)
    assert touch(thief, hand.maker, 100).kind == tap.NOT_ARMED
    assert hand.maker.purse.state.balance() == 50_000


def test_one_press_pays_once(mint: Mint) -> None:
    hand, (stand, thief) = Hand(mint), stands(mint)
    hand.press("pay")
    assert touch(stand, hand.maker, 100).kind == tap.PAID
    assert touch(stand, hand.maker, 100).kind == tap.NOT_ARMED
    assert touch(thief, hand.maker, 100).kind == tap.NOT_ARMED
    assert hand.maker.purse.state.balance() == 49_900


def test_a_confirmed_offer_is_not_paid_by_a_later_arming(mint: Mint) -> None:
    hand, (stand, _) = Hand(mint), stands(mint)
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000).kind == tap.CONFIRM
    hand.turn()
    hand.press("pay")
    hand.turn(ARMED_MS + 1)
    hand.turn(ARMED_MS + 1)
    hand.press("pay")
    assert touch(stand, hand.maker, 20_000, again=True)[:2] == (tap.CONFIRM, status.CONFIRM)
    assert hand.maker.purse.state.balance() == 50_000


def test_an_old_offer_is_not_paid_after_another(mint: Mint) -> None:
    hand, (stand, thief) = Hand(mint), stands(mint)
    payer = thief.device.peers.learn(hand.maker.device.certificate_raw)
    old = thief.payee.ask(payer, hand.maker.device.id, 1, 100)
    hand.press("pay")
    assert touch(stand, hand.maker, 100).kind == tap.PAID
    hand.press("pay")
    hand.maker.device.peers.learn(thief.device.certificate_raw)
    with pytest.raises(Refusal) as refused:
        hand.maker.payer.offer(old)
    assert refused.value.sw == status.NOT_NEXT


@pytest.mark.parametrize("button", ["pay", "up"])
def test_a_cell_that_is_nearly_empty_begins_nothing(mint: Mint, button: str) -> None:
    hand = Hand(mint)
    hand.unit.charge = CHARGE_MIN - 1
    hand.press(button)
    assert "charge the battery" in hand.unit.display.words
    assert hand.card.mode not in (ENTRY, ARMED)
    assert not hand.consent.armed
    hand.unit.charge = CHARGE_MIN
    hand.press(button)
    assert hand.card.mode in (ENTRY, ARMED)
