# SPDX-License-Identifier: Apache-2.0
"""A stand gives back by tap: to the card that paid, once, torn anywhere, and settled in any order
of deposits (PROTOCOL.md §8.5)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from duotap import certificate, records, status, tap
from duotap.refunding import Refunding, own_first
from duotap_host.ledger import codes
from sim.audit import Audit

from duet.cable_town import MERCHANT, Post, Town, kinds, run
from duet.cable_town import card as a_card
from duet.cable_town import stand as a_stand
from duet.makers import Maker, Mint, Torn, touch

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND
LOADED, FLOAT, SOLD = 20_000, 9_000, 5_000


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def give(stand: Any, card: Any, amount: int, cut_after: int | None = None) -> Any:
    """One touch with which a stand gives back."""
    stand.tap = Refunding(stand.payee)
    card.arm()
    return touch(stand, card, amount, cut_after, again=True)


def sold(mint: Mint, amount: int = SOLD) -> tuple[Maker, Maker]:
    """A card that has paid a stand, which was loaded with a float."""
    card, stand = Maker(mint, "card", PERSON), Maker(mint, "stand", STAND)
    card.load(LOADED)
    stand.load(FLOAT)
    card.arm()
    assert touch(stand, card, amount).kind == tap.PAID
    return card, stand


def audit(*makers: Maker) -> Audit:
    """All that there is, out of the flashes."""
    found = Audit()
    found.look({maker.name: bytes(maker.flash.cells) for maker in makers})
    return found


def test_value_comes_back_to_the_card_that_paid(mint: Mint) -> None:
    card, stand = sold(mint)
    assert give(stand, card, 1_500) == (tap.REFUNDED, 0, 1_500, card.device.id)
    assert card.purse.state.balance() == LOADED - SOLD + 1_500
    assert stand.purse.state.balance() == FLOAT - 1_500
    assert not card.device.consent.armed
    assert card.applet.events[-1] == ("refunded", 0, 1_500, stand.device.id)
    assert give(stand, card, SOLD - 1_500).kind == tap.REFUNDED
    assert give(stand, card, 1)[:2] == (tap.REFUSED, status.ASK_LEDGER)
    assert audit(card, stand).under_way() == 0


def test_the_newest_sale_of_which_so_much_is_left(mint: Mint) -> None:
    card, stand = sold(mint, 300)
    for amount in (1_000, 200):
        card.arm()
        assert touch(stand, card, amount).kind == tap.PAID
    assert give(stand, card, 900).kind == tap.REFUNDED  # of the second
    assert give(stand, card, 300).kind == tap.REFUNDED  # of the first
    assert give(stand, card, 201)[:2] == (tap.REFUSED, status.ASK_LEDGER)
    assert give(stand, card, 200).kind == tap.REFUNDED
    assert give(stand, card, 100).kind == tap.REFUNDED
    assert give(stand, card, 1)[:2] == (tap.REFUSED, status.ASK_LEDGER)
    audit(card, stand)


def test_nothing_to_another_card_and_nothing_that_was_not_loaded(mint: Mint) -> None:
    _, stand = sold(mint)
    other = Maker(mint, "other", PERSON)
    assert give(stand, other, 100)[:2] == (tap.REFUSED, status.ASK_LEDGER)
    rich, poor = Maker(mint, "rich", PERSON), Maker(mint, "poor", STAND)
    rich.load(LOADED)
    rich.arm()
    assert touch(poor, rich, SOLD).kind == tap.PAID
    assert give(poor, rich, 1)[:2] == (tap.REFUSED, status.ABOVE_BALANCE)
    rich.device.consent.disarm()
    poor.tap = Refunding(poor.payee)
    assert touch(poor, rich, 1, again=True).kind == tap.NOT_ARMED
    assert records.REFUND_GIVEN not in kinds_of(stand) + kinds_of(poor)


def kinds_of(maker: Maker) -> list[int]:
    return [kind for _, kind, _ in maker.purse.journal.walk(1)]


@pytest.mark.parametrize("boots", [False, True])
def test_torn_anywhere_the_next_touch_ends_it_once(mint: Mint, boots: bool) -> None:
    cut = 1
    while True:
        card, stand = sold(mint)
        if boots:
            card.boot()
            stand.boot()
        try:
            give(stand, card, 1_000, cut)
        except Torn:
            pass
        else:
            break
        audit(card, stand)
        if boots:
            card.boot()
            stand.boot()
        assert give(stand, card, 1_000)[:3] == (tap.REFUNDED, 0, 1_000), cut
        assert kinds_of(stand).count(records.REFUND_GIVEN) == 1, cut
        assert card.purse.state.balance() == LOADED - SOLD + 1_000, cut
        assert audit(card, stand).under_way() == 0
        assert give(stand, card, 1_000).kind == tap.REFUNDED  # asked for again: another one
        assert kinds_of(stand).count(records.REFUND_GIVEN) == 2, cut
        cut += 1
    assert cut > (12 if boots else 6)


def test_own_money_first() -> None:
    left = {0: 300, 4: 200, 9: 100}
    assert own_first(left, 300) == ((0, 300),)
    assert own_first(left, 450) == ((0, 300), (4, 150))
    assert own_first(left, 600) == ((0, 300), (4, 200), (9, 100))
    assert own_first(left, 601) == own_first({0: 0}, 1) == ()


# With a ledger


async def shop_town() -> tuple[Town, Post, Post]:
    """A sale in a town; the merchant has brought a float to the stand."""
    town = Town()
    card, stand = await a_card(town), await a_stand(town)
    await town.load(card.console, LOADED)
    town.ledger.fund(codes.merchant(MERCHANT), FLOAT)
    await town.load(stand.console, FLOAT)
    card.arm()
    assert touch(stand, card, SOLD).kind == tap.PAID
    return town, card, stand


def torn(stand: Post, card: Post, amount: int) -> None:
    """Given, and the card has not got it."""
    for cut in range(1, 20):
        with pytest.raises(Torn):
            give(stand, card, amount, cut)
        if records.REFUND_GIVEN in kinds(stand):
            break
    assert records.REFUND_TAKEN not in kinds(card)


@pytest.mark.parametrize("order", [*permutations("cs"), tuple("ccs"), tuple("ssc")])
@pytest.mark.parametrize("is_torn", [False, True])
def test_it_is_settled_in_any_order(order: tuple[str, ...], is_torn: bool) -> None:
    """To the card; to its holder's account, where the card's journal has a checkpoint by then."""

    async def story() -> None:
        town, card, stand = await shop_town()
        if is_torn:
            torn(stand, card, 1_500)
        else:
            assert give(stand, card, 1_500).kind == tap.REFUNDED
        for side in (*order, *order):
            await town.deposit((card if side == "c" else stand).console)
            town.ledger.reconcile()
        assert town.settled()
        home = is_torn and order[0] == "c"
        back = 0 if home else 1_500
        assert town.in_purse(card.id) == LOADED - SOLD + back == card.unit.purse.state.balance()
        assert town.balance(codes.wallet(7)) == 100_000 - LOADED + 1_500 - back
        assert town.in_purse(stand.id) == FLOAT - 1_500
        assert town.balance(codes.merchant(MERCHANT)) == SOLD
        assert records.REFUND_TAKEN in kinds(card) or home

    run(story)


def test_a_card_that_was_deposited_takes_nothing_and_the_stand_says_so() -> None:
    async def story() -> None:
        town, card, stand = await shop_town()
        await town.deposit(card.console)
        kind, sw, amount, _ = give(stand, card, 1_500)
        assert (kind, sw, amount) == (tap.REFUNDED, status.ASK_LEDGER, 1_500)
        for post in (stand, card):
            await town.deposit(post.console)
        assert town.settled()
        assert town.in_purse(card.id) == LOADED - SOLD
        assert town.balance(codes.wallet(7)) == 100_000 - LOADED + 1_500

    run(story)
