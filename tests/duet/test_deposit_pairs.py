# SPDX-License-Identifier: Apache-2.0
"""What a deposit brings from one device to another: receipts, voids, payments; and how a journal
that two of them filled is emptied."""

from __future__ import annotations

import pytest
from duotap import records, status
from duotap_host.device.errors import DeviceError
from duotap_host.ledger import codes

from duet.cable_town import (
    FUNDS,
    HOLDER,
    MERCHANT,
    OTHER_HOLDER,
    Post,
    Town,
    card,
    kinds,
    run,
    stand,
)
from duet.makers import Torn, touch

LOADED = 20_000
WALLET = codes.wallet(HOLDER)


def test_a_void_and_a_receipt_go_by_way_of_the_ledger() -> None:
    async def story() -> None:
        town = Town()
        payer, payee = await card(town), await stand(town)
        await town.load(payer.console, LOADED)
        payer.arm()
        assert touch(payee, payer, 6_660).kind == "paid"
        tear(payee, payer, 500)
        payee.payee.cancel()  # the merchant gave up: V
        for post in (payee, payer, payee, payer):
            await town.deposit(post.console)
        assert not payer.unit.purse.state.open_payments
        assert payer.unit.purse.state.balance() == LOADED - 6_660
        assert town.settled()
        assert town.in_purse(payer.id) == LOADED - 6_660
        assert town.balance(codes.merchant(MERCHANT)) == 6_660
        assert kinds(payee).count(records.LATE_VOID) == 1

    run(story)


def tear(payee: Post, payer: Post, amount: int) -> None:
    """Touch until the payer has paid and the payee has not got it.

    In the second round the two know each other's certificates, which takes legs away.
    """
    for leg in (*range(1, 12), *range(1, 12)):
        payer.arm()
        with pytest.raises(Torn):
            touch(payee, payer, amount, leg, leg > 1)
        if payer.unit.purse.state.open_payments:
            return
    pytest.fail("the payer never paid")


def test_a_payment_that_the_payee_never_saw_is_brought_by_the_ledger() -> None:
    async def story() -> None:
        town = Town()
        payer, payee = await card(town), await card(town, "other", OTHER_HOLDER)
        await town.load(payer.console, LOADED)
        tear(payee, payer, 500)
        for post in (payer, payee, payer):
            await town.deposit(post.console)
        assert payee.unit.purse.state.balance() == 500
        assert not payer.unit.purse.state.open_payments
        assert town.settled()
        assert town.in_purse(payee.id) == 500

    run(story)


# A full journal


async def _load_until_full(town: Town, post: Post) -> int:
    for count in range(20):
        try:
            await town.load(post.console, 7)
        except DeviceError as error:
            if "journal is full" in str(error) and "goes back to wallet:7" in str(error):
                return count * 7
            raise
    pytest.fail("the journal does not fill up")


def test_a_full_journal_warns_refuses_and_is_emptied() -> None:
    async def story() -> None:
        town = Town()
        payer, payee = await card(town, journal_blocks=19), await stand(town)
        await town.load(payer.console, LOADED)
        purse, paid, warned = payer.unit.purse, 0, False
        while True:
            payer.arm()
            outcome = touch(payee, payer, 100)
            if outcome.kind != "paid":
                break
            paid += 100
            warned = warned or purse.warns()
        assert warned
        assert outcome.sw == status.JOURNAL_FULL
        payee.payee.cancel()
        loaded = await _load_until_full(town, payer)
        await town.deposit(payee.console)
        done = await town.deposit(payer.console)
        assert done.covers
        payer.tidy()
        assert not purse.warns()
        payer.arm()
        assert touch(payee, payer, 100).kind == "paid"
        for post in (payer, payee, payer):
            await town.deposit(post.console)
        assert town.settled()
        assert town.in_purse(payer.id) == LOADED + loaded - paid - 100
        assert town.balance(WALLET) == FUNDS - LOADED - loaded

    run(story)
