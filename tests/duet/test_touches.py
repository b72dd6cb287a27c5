# SPDX-License-Identifier: Apache-2.0
"""Touches without payment leave a stand that still takes payments, and what is torn at such a
stand ends like everything else (PROTOCOL.md §8.4)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from duotap import payee, records, reserved, status
from duotap.errors import Refusal
from duotap_host.ledger import codes

from duet.cable_town import MERCHANT, Post, Town, card, kinds, run, stand
from duet.makers import touch
from duet.test_deposit_pairs import tear
from duet.touches import Storm

LOADED, SMALL = 20_000, 24
SAMPLE = 600


@pytest.mark.parametrize("seed", range(2))
def test_a_stand_that_many_touched_still_sells(seed: int) -> None:
    storm = Storm(seed, SMALL)
    storm.rain(SAMPLE)
    storm.sell()
    storm.check()
    found = [kind for _, kind, _ in storm.stand.purse.journal.walk(1)]
    assert found.count(records.UNPAID) == payee.UNPAID_WRITTEN
    assert 0 < found.count(records.RESERVED) < 4
    assert len(storm.outcomes) > 6


def test_without_reserved_numbers_the_journal_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payee, "UNPAID_WRITTEN", 1 << 30)
    storm = Storm(0, SMALL)
    storm.rain(SAMPLE)
    with pytest.raises(Refusal) as full:
        storm.stand.purse.check_room(payee.OFFER_PAGES)
    assert full.value.sw == status.JOURNAL_FULL


async def crowded() -> tuple[Town, Post, Post]:
    """A town with a stand at which many have touched and not paid."""
    town = Town()
    payer, shop = await card(town), await stand(town)
    await town.load(payer.console, LOADED)
    known = shop.unit.device.peers.learn(payer.unit.device.certificate_raw)
    for amount in range(1, payee.UNPAID_WRITTEN + 1):
        shop.payee.ask(known, payer.id, 1, amount)
        shop.payee.cancel()
    return town, payer, shop


def ends(town: Town, payer: Post, sold: int) -> None:
    """Nothing is under way, nobody is accused, and the sum is right."""
    assert town.settled()
    assert not payer.unit.purse.state.open_payments
    assert payer.unit.purse.state.balance() == LOADED - sold == town.in_purse(payer.id)
    assert town.balance(codes.merchant(MERCHANT)) == sold


def test_a_sale_is_written_when_it_is_paid() -> None:
    async def story() -> None:
        town, payer, shop = await crowded()
        before = len(kinds(shop))
        for amount in (500, 600):
            payer.arm()
            assert touch(shop, payer, amount).kind == "paid"
        sale = [records.OFFER, records.ACCOUNT]
        assert kinds(shop)[before:] == [records.RESERVED, *sale, *sale]
        for post in (shop, payer):
            await town.deposit(post.console)
        ends(town, payer, 1_100)

    run(story)


@pytest.mark.parametrize("reboots", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_torn_payment_ends(reboots: bool, order: tuple[int, ...]) -> None:
    """By touching again while the stand is on; else at settlement, and no number is used twice."""

    async def story() -> None:
        town, payer, shop = await crowded()
        tear(shop, payer, 500)
        assert kinds(shop)[-1] == records.RESERVED
        if reboots:
            first = shop.unit.purse.state.spare[0]
            await shop.reboot()
            assert shop.unit.purse.state.next_offer > first
        payer.arm()
        outcome = touch(shop, payer, 500, again=True)
        assert outcome.kind == "paid"
        assert len(payer.unit.purse.state.open_payments) == reboots
        for side in order + order:
            await town.deposit((shop, payer)[side].console)
        if reboots:
            await town.deposit(payer.console)
        ends(town, payer, 500)

    run(story)


def test_a_payment_that_was_given_up_gets_a_void() -> None:
    async def story() -> None:
        town, payer, shop = await crowded()
        tear(shop, payer, 500)
        payer.arm()
        assert touch(shop, payer, 600).kind == "paid"  # another amount: another sale
        assert records.LATE_VOID in kinds(shop)
        for post in (shop, payer):
            await town.deposit(post.console)
        ends(town, payer, 600)

    run(story)


def test_a_payment_whose_reservation_was_pruned_gets_a_void() -> None:
    async def story() -> None:
        town, payer, shop = await crowded()
        tear(shop, payer, 500)
        await shop.reboot()
        await town.deposit(shop.console)
        shop.tidy()
        assert records.RESERVED not in kinds(shop)
        for post in (payer, shop, payer):
            await town.deposit(post.console)
        ends(town, payer, 0)
        assert kinds(shop).count(records.LATE_VOID) == 1

    run(story)


def test_a_number_that_was_never_reserved_or_is_written_is_not_had() -> None:
    async def story() -> None:
        _, payer, shop = await crowded()
        payer.arm()
        assert touch(shop, payer, 500).kind == "paid"
        purse = shop.unit.purse
        sold = payee.UNPAID_WRITTEN + 1
        assert [has(purse, number) for number in (sold - 1, sold, sold + 1)] == [False] * 3
        shop.payee.ask(shop.unit.device.peers.by_id(payer.id), payer.id, 2, 7)
        assert not has(purse, sold + 1)  # open
        shop.payee.cancel()
        assert has(purse, sold + 1)
        assert not has(purse, sold + reserved.NUMBERS)

    run(story)


def has(purse: Any, number: int) -> bool:
    return reserved.has(purse, number)
