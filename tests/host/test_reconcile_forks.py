# SPDX-License-Identifier: Apache-2.0
"""Two histories of one device, and two answers to one payment: found, proven, and settled so that
no order of deposits matters and no honest device pays for it."""

from __future__ import annotations

import pytest
from duotap import records
from duotap_host.ledger import codes
from duotap_host.ledger.codes import TransferCode
from duotap_host.ledger.interface import DeviceState, Finding, Refused, Transfer
from duotap_host.reconcile.findings import Code
from host.ledger_bench import Town, codes_of
from host.paper_device import PaperDevice


@pytest.fixture
def town() -> Town:
    return Town()


def about(found: tuple[Finding, ...], code: str) -> list[bytes]:
    return [finding.device for finding in found if finding.code == code]


def spend_twice(town: Town) -> tuple[PaperDevice, PaperDevice, PaperDevice, PaperDevice]:
    """A card that pays Ben, is set back, and pays a shop from the same value."""
    card, ben, shop = town.holder(7), town.holder(8, 0), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    card.closed(ben.close(card.pay(ben.offer(card, 15_000))))
    image.closed(shop.close(image.pay(shop.offer(image, 12_000))))
    return card, image, ben, shop


def test_a_double_spender_is_proven_by_its_payees(town: Town) -> None:
    card, _, ben, shop = spend_twice(town)
    town.pull(ben)
    town.pull(shop)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == [Code.DUPLICATE_PAYMENT]
    assert found[0].device == card.id
    assert len(found[0].evidence) == 2
    # Both who were paid have their money; the holder's shadow shows what is missing.
    assert (town.purse(ben), town.balance("merchant:12")) == (15_000, 12_000)
    assert town.purse(card) == -27_000
    assert town.ledger.device(card.id).state == DeviceState.FROZEN
    assert town.ledger.device(ben.id).state == DeviceState.ACTIVE
    town.right()


def test_two_heads_not_on_one_chain_are_a_fork(town: Town) -> None:
    card, image, _, _ = spend_twice(town)
    town.pull(card)
    town.head(image)
    assert town.ledger.next_missing(card.id) == len(image.statements)
    town.ledger.deposit(card.id, image.statements)
    assert about(town.ledger.reconcile().findings, Code.FORK) == [card.id]
    with pytest.raises(Refused, match="frozen"):
        town.ledger.issue_load(card.id, ((0, 1),), "wallet:7")
    assert town.ledger.next_statements(card.id) == ()
    town.right()


def test_after_a_fork_nothing_leaves_for_the_ledger(town: Town) -> None:
    """The same value would go home twice."""
    card = town.holder(7)
    town.load(card, 20_000, 7)
    image = card.copy()
    card.unload(15_000)
    image.unload(14_000)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.balance("wallet:7") == 95_000
    town.ledger.deposit(card.id, image.statements)
    town.head(image)
    assert codes_of(town.ledger.reconcile().findings) == [Code.FORK]
    assert town.balance("wallet:7") == 80_000
    assert town.purse(card) == 20_000
    town.right()


def test_a_forked_stands_receipt_is_no_sale(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    image = shop.copy()
    card.closed(shop.close(card.pay(shop.offer(card, 3_000))))
    town.pull(card)
    town.ledger.reconcile()
    assert town.balance("merchant:12") == 3_000
    image.offer(card, 1_000)
    for history in (shop, image):
        town.ledger.deposit(shop.id, history.statements)
        town.head(history)
    done = town.ledger.reconcile()
    assert (done.corrections, town.balance("merchant:12")) == (1, 0)
    town.right()


def test_what_was_paid_out_cannot_be_taken_back(town: Town) -> None:
    """The correction waits, is told, and is booked when there is money again."""
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    image = shop.copy()
    shop.close(card.pay(shop.offer(card, 3_000)))
    town.pull(shop)
    town.ledger.reconcile()
    keys = [town.ledger.account(name).id for name in ("merchant:12", "wallet:7")]
    town.ledger.post([Transfer(bytes([1]) * 16, *keys, 3_000, TransferCode.MOVE)])
    image.offer(card, 1_000)
    town.ledger.deposit(shop.id, image.statements)
    town.head(image)
    done = town.ledger.reconcile()
    assert done.refused == 1
    assert Code.CORRECTION_REFUSED in codes_of(done.findings)
    town.right()
    town.ledger.fund("merchant:12", 3_000)
    done = town.ledger.reconcile()
    assert (done.refused, done.corrections, town.balance("merchant:12")) == (0, 1, 0)
    assert Code.CORRECTION_REFUSED not in codes_of(done.findings)
    town.right()


def test_two_payments_of_one_offer_are_debited_once(town: Town) -> None:
    """The payee took one and keeps the other as the proof; it is not forwarded again."""
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    image.unload(1)
    offer = shop.offer(card, 3_000)
    card.closed(shop.close(card.pay(offer)))
    other = image.pay(offer)
    town.pull(image)
    assert town.forwarded(shop) == [other]
    shop.write(records.CONFLICT, other)
    town.pull(shop)
    assert town.forwarded(shop) == []
    found = town.ledger.reconcile().findings
    assert about(found, Code.DUPLICATE_PAYMENT) == [card.id]
    assert town.balance("merchant:12") == 3_000
    assert town.purse(card) == 20_000 - 3_000 - 1
    assert town.balance(codes.UNDER_WAY) == 0
    town.right()


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_load_and_its_cancel_in_two_histories_the_load_counts(town: Town, first: int) -> None:
    """One of them has the value in its purse, so the wallet does not have it again."""
    card = town.holder(7)
    load = town.ledger.issue_load(card.id, ((0, 20_000),), "wallet:7")
    cancel = town.ledger.issue_cancel(card.id, 1)
    histories = (card.copy(), card)
    histories[0].take(load)
    histories[1].take(cancel)
    for history in (histories[first], histories[1 - first]):
        town.ledger.deposit(card.id, history.statements)
        town.head(history)
        town.ledger.reconcile()
    assert about(tuple(town.ledger.findings()), Code.FORK) == [card.id]
    assert (town.balance("wallet:7"), town.purse(card)) == (80_000, 20_000)
    town.right()


@pytest.mark.parametrize("first", [0, 1])
def test_a_fork_takes_back_what_its_later_closings_booked(town: Town, first: int) -> None:
    """In whichever order the two histories come, the book ends the same."""
    ann, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(ann, 20_000, 7)
    town.load(ben, 20_000, 8)
    histories = (shop, shop.copy())
    histories[0].close(ann.pay(histories[0].offer(ann, 3_000)))
    histories[1].close(ben.pay(histories[1].offer(ben, 4_000)))
    for device in (ann, ben):
        town.pull(device)
    town.pull(histories[first])
    assert codes_of(town.ledger.reconcile().findings) == [Code.DUPLICATE_OFFER]
    assert town.balance("merchant:12") == (3_000, 4_000)[first]
    town.ledger.deposit(shop.id, histories[1 - first].statements)
    town.head(histories[1 - first])
    done = town.ledger.reconcile()
    assert codes_of(done.findings) == [Code.DUPLICATE_OFFER, Code.FORK]
    assert (done.corrections, town.balance("merchant:12")) == (1, 0)
    assert town.balance(codes.UNDER_WAY) == 7_000
    town.right()


def test_a_void_and_a_receipt_of_one_payment_prove_the_payee(town: Town) -> None:
    """The payer has its value back in its purse, so the book says the same, in any order."""
    for payee_first in (True, False):
        town = Town()
        card, ben = town.holder(7), town.holder(8, 0)
        town.load(card, 20_000, 7)
        payment = card.pay(ben.offer(card, 5_000))
        image = ben.copy()
        ben.close(payment)
        image.unpaid()
        card.closed(image.void(payment))
        for device in (ben, card) if payee_first else (card, ben):
            town.pull(device)
            town.ledger.reconcile()
        found = town.ledger.findings()
        assert about(found, Code.VOID_AND_HONOURED) == [ben.id]
        assert town.purse(card) == 20_000
        assert town.purse(ben) == 0
        assert town.balance(codes.UNDER_WAY) == 0
        town.right()
