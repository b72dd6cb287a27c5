# SPDX-License-Identifier: Apache-2.0
"""What each story of journals becomes in the book (records: PROTOCOL.md §8)."""

from __future__ import annotations

import pytest
from duotap_host.ledger import codes
from host.ledger_bench import Town, codes_of


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_sale_at_a_stand(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 6_660))))
    for device in (card, shop):
        town.pull(device)
    done = town.ledger.reconcile()
    assert (done.findings, done.corrections, done.refused) == ((), 0, 0)
    assert town.purse(card) == 13_340
    assert town.balance("merchant:12") == 6_660
    assert town.balance("wallet:7") == 80_000
    assert town.balance(codes.UNDER_WAY) == 0
    assert town.balance(codes.LOADS_UNDER_WAY) == 0
    town.right()


def test_a_second_run_books_nothing(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 6_660))))
    for device in (card, shop):
        town.pull(device)
    first = town.ledger.reconcile()
    before = town.balances()
    second = town.ledger.reconcile()
    assert (first.transfers, second.transfers) == (3, 0)
    assert town.balances() == before


def test_nothing_is_booked_that_no_head_covers(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    town.ledger.deposit(card.id, card.statements)
    assert town.ledger.reconcile().transfers == 0
    assert town.balance(codes.LOADS_UNDER_WAY) == 20_000
    town.head(card)
    assert town.ledger.reconcile().transfers == 1
    assert town.purse(card) == 20_000


def test_what_was_received_is_spent_again(town: Town) -> None:
    ann, ben, shop = town.holder(7), town.holder(8, 0), town.merchant(12)
    town.load(ann, 20_000, 7)
    ann.closed(ben.close(ann.pay(ben.offer(ann, 2_000))))
    ben.closed(shop.close(ben.pay(shop.offer(ben, 500))))
    town.pull(shop)
    town.ledger.reconcile()
    assert town.purse(ben) == -500  # its journal is still to come
    for device in (ben, ann):
        town.pull(device)
    assert town.ledger.reconcile().findings == ()
    assert (town.purse(ann), town.purse(ben)) == (18_000, 1_500)
    assert town.balance("merchant:12") == 500
    town.right()


def test_the_payees_journal_alone_debits_the_payer(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    shop.close(card.pay(shop.offer(card, 6_660)))
    town.pull(shop)
    town.ledger.reconcile()
    assert town.purse(card) == -6_660
    assert town.balance("merchant:12") == 6_660
    town.right()


def test_a_payers_journal_alone_leaves_it_under_way(town: Town) -> None:
    ann, ben = town.holder(7), town.holder(8)
    town.load(ann, 20_000, 7)
    receipt = ben.close(ann.pay(ben.offer(ann, 2_000)))
    ann.closed(receipt)
    town.pull(ann)
    assert town.ledger.reconcile().findings == ()
    assert town.balance(codes.UNDER_WAY) == 2_000
    assert town.purse(ben) == 0
    town.pull(ben)
    assert town.ledger.reconcile().findings == ()
    assert town.purse(ben) == 2_000
    town.right()


def test_a_stands_receipt_in_the_payers_journal_counts_as_its_sale(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 6_660))))
    town.pull(card)  # the stand is lost
    assert town.ledger.reconcile().findings == ()
    assert town.balance("merchant:12") == 6_660
    town.pull(shop)  # and found again
    assert town.ledger.reconcile().transfers == 0
    town.right()


def test_a_torn_payment_is_forwarded_voided_and_returned(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    payment = card.pay(shop.offer(card, 6_660))  # the answer is torn
    shop.unpaid()
    for device in (shop, card):
        town.pull(device)
    town.ledger.reconcile()
    assert town.balance(codes.UNDER_WAY) == 6_660
    assert town.forwarded(shop) == [payment]
    assert town.forwarded(card) == []
    void = shop.void(payment)
    town.pull(shop)
    assert town.forwarded(shop) == []
    assert town.forwarded(card) == [void]
    card.closed(void)
    town.pull(card)
    assert town.forwarded(card) == []
    assert town.ledger.reconcile().findings == ()
    assert town.balance(codes.UNDER_WAY) == 0
    assert town.purse(card) == 20_000
    town.right()


def test_a_payment_for_the_open_offer_is_completed_by_forwarding(town: Town) -> None:
    ann, ben = town.holder(7), town.holder(8)
    town.load(ann, 20_000, 7)
    payment = ann.pay(ben.offer(ann, 2_000))
    for device in (ann, ben):
        town.pull(device)
    assert town.forwarded(ben) == [payment]
    receipt = ben.close(payment)
    town.pull(ben)
    assert town.forwarded(ann) == [receipt]
    ann.closed(receipt)
    town.pull(ann)
    assert town.ledger.reconcile().findings == ()
    assert (town.purse(ann), town.purse(ben)) == (18_000, 2_000)
    town.right()


def test_a_refund_goes_back_to_the_purse_that_paid(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.ledger.fund("merchant:12", 10_000)
    shop.take(town.ledger.issue_load(shop.id, ((0, 10_000),), "merchant:12"))
    town.load(card, 20_000, 7)
    payment = card.pay(shop.offer(card, 6_660))
    card.closed(shop.close(payment))
    refund = shop.refund(payment, 660)
    town.pull(shop)
    town.ledger.reconcile()
    assert town.balance(codes.UNDER_WAY) == 660
    card.write(17, refund)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert (town.purse(card), town.purse(shop)) == (14_000, 9_340)
    town.right()


def test_an_unload_goes_home_when_the_journal_shows_it(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    card.unload(5_000)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.purse(card) == 15_000
    assert town.balance("wallet:7") == 85_000
    town.right()


def test_a_cancel_before_the_load_returns_it(town: Town) -> None:
    card = town.holder(7)
    town.ledger.issue_load(card.id, ((0, 20_000),), "wallet:7")
    cancel = town.ledger.issue_cancel(card.id, 1)
    assert [handed.raw for handed in town.ledger.next_statements(card.id)] == [cancel]
    town.ledger.reconcile()
    assert town.balance("wallet:7") == 80_000
    card.take(cancel)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.balance("wallet:7") == 100_000
    assert town.purse(card) == 0
    town.right()


def test_a_load_that_is_shown_is_not_cancelled(town: Town) -> None:
    card = town.holder(7)
    load = town.ledger.issue_load(card.id, ((0, 20_000),), "wallet:7")
    town.ledger.issue_cancel(card.id, 1)  # too late: the device has it
    card.take(load)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.purse(card) == 20_000
    assert town.balance("wallet:7") == 80_000
    town.right()


def test_scoped_value_keeps_its_scope_until_it_is_paid(town: Town) -> None:
    card, ben = town.holder(7), town.holder(8)
    load = town.ledger.issue_load(card.id, ((0, 5_000), (9, 3_000)), "wallet:7")
    card.take(load)
    card.closed(ben.close(card.pay(ben.offer(card, 4_000), ((0, 1_000), (9, 3_000)))))
    for device in (card, ben):
        town.pull(device)
    assert town.ledger.reconcile().findings == ()
    assert town.purse(card) == 4_000
    assert town.balance(codes.purse(card.id, 9)) == 0
    assert town.purse(ben) == 4_000
    town.right()


def test_findings_speak_two_languages(town: Town) -> None:
    card = town.holder(7)
    card.unload(5_000)
    town.pull(card)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == ["overspent"]
    assert "takes more than its purse holds" in found[0].en
    assert "支出超过其钱包余额" in found[0].zh
    assert town.ledger.findings() == found
