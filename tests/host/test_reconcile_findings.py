# SPDX-License-Identifier: Apache-2.0
"""Every fault has a finding of its own, on the device whose fault it is, and costs nobody else."""

from __future__ import annotations

import pytest
from duotap import messages, record, records
from duotap.certificate import CLASS_BOUND
from duotap_host.issuer.es256 import SigningKey
from duotap_host.ledger import codes
from duotap_host.ledger.interface import Finding, NotFound, Refused
from duotap_host.reconcile.findings import Code
from duotap_host.reconcile.texts import SENTENCES
from host.ledger_bench import Town, codes_of
from host.paper_device import LIMITS, PaperDevice, person, stand


@pytest.fixture
def town() -> Town:
    return Town()


def about(found: tuple[Finding, ...], code: str) -> list[bytes]:
    return [finding.device for finding in found if finding.code == code]


def test_a_load_that_the_ledger_did_not_sign_raises_an_alarm(town: Town) -> None:
    card = town.holder(7)
    card.take(town.issuer.sign_money(messages.Load(((0, 9_000),), card.id, 1, ())))
    town.pull(card)
    found = town.ledger.reconcile().findings
    assert about(found, Code.UNKNOWN_LOAD) == [card.id]
    assert about(found, Code.BALANCE_DIFFERS) == [card.id]
    assert town.purse(card) == 0
    with pytest.raises(Refused, match="no checkpoint"):
        town.ledger.issue_checkpoint(card.id)
    town.right()


def test_a_load_signed_by_the_device_itself_is_worth_nothing(town: Town) -> None:
    card = town.holder(7)
    card.take(card.sign(messages.Load(((0, 9_000),), card.id, 1, ())))
    town.pull(card)
    assert about(town.ledger.reconcile().findings, Code.UNKNOWN_KEY) == [card.id]
    assert town.purse(card) == 0
    town.right()


def test_another_devices_load_is_worth_nothing(town: Town) -> None:
    card, thief = town.holder(7), town.holder(8, 0)
    thief.take(town.ledger.issue_load(card.id, ((0, 9_000),), "wallet:7"))
    town.pull(thief)
    assert about(town.ledger.reconcile().findings, Code.UNKNOWN_LOAD) == [thief.id]
    assert town.balance(codes.LOADS_UNDER_WAY) == 9_000
    town.right()


def test_a_certificate_that_is_not_in_the_book_raises_an_alarm(town: Town) -> None:
    town.holder(7)
    unknown = person(town.issuer, 7)
    with pytest.raises(NotFound, match="not in this ledger's book"):
        town.ledger.deposit(unknown.id, unknown.statements)
    assert about(town.ledger.reconcile().findings, Code.UNKNOWN_CERTIFICATE) == [unknown.id]


def test_a_second_certificate_of_a_device_raises_an_alarm(town: Town) -> None:
    card = town.holder(7)
    other = PaperDevice(card.key, person(town.issuer, 7).certificate, card.role)
    other.write(records.IDENTITY, other.certificate, [], [])
    town.pull(other)
    assert about(town.ledger.reconcile().findings, Code.UNKNOWN_CERTIFICATE) == [card.id]


def test_a_payer_that_nobody_knows_credits_nobody(town: Town) -> None:
    shop, unknown = town.merchant(12), person(town.issuer, 7)
    shop.close(unknown.pay(shop.offer(unknown, 1_000)))
    town.pull(shop)
    assert about(town.ledger.reconcile().findings, Code.UNKNOWN_KEY) == [shop.id]
    assert town.balance("merchant:12") == 0
    town.right()


def test_a_forged_signature_books_nothing(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    thief = PaperDevice(SigningKey.generate(), b"", card.role, card.statements, card.state)
    offer = shop.offer(card, 1_000)
    message = messages.decode(thief.pay(offer), messages.Payment).message
    shop.close(messages.encode(message, card.id, thief.key.sign))
    town.pull(shop)
    assert about(town.ledger.reconcile().findings, Code.BAD_SIGNATURE) == [shop.id]
    assert town.balance("merchant:12") == 0
    town.right()


def test_a_payment_of_another_amount_is_told(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 1_000), ((0, 600),))))
    for device in (card, shop):
        town.pull(device)
    assert codes_of(town.ledger.reconcile().findings) == [Code.AMOUNT_MISMATCH]
    assert town.balance("merchant:12") == 600
    town.right()


def test_a_payment_above_the_limit_is_booked_and_told(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 90_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, LIMITS.payment + 1))))
    for device in (card, shop):
        town.pull(device)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == [Code.OVER_LIMIT, Code.OVER_RECEIVED_LIMIT]
    assert {finding.device for finding in found} == {card.id, shop.id}
    assert town.balance("merchant:12") == LIMITS.payment + 1
    town.right()


def test_a_bound_payer_has_no_limit_at_the_payee(town: Town) -> None:
    shop = town.merchant(12)
    town.holder(7)
    limits = LIMITS._replace(payment=90_000)
    card = person(town.issuer, 7, rollback_class=CLASS_BOUND, limits=limits)
    town.ledger.register_device(card.certificate)
    town.load(card, 90_000, 7)
    shop.close(card.pay(shop.offer(card, LIMITS.received + 1)))
    town.pull(shop)
    assert town.ledger.reconcile().findings == ()


def test_a_stand_that_credits_itself_is_told_and_gets_nothing(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    cheat = PaperDevice(shop.key, shop.certificate, card.role, shop.statements, shop.state)
    card.closed(cheat.close(card.pay(cheat.offer(card, 1_000))))
    for device in (card, cheat):
        town.pull(device)
    found = town.ledger.reconcile().findings
    assert about(found, Code.WRONG_CLOSING) == [shop.id]
    assert town.balance("merchant:12") == 0
    assert town.purse(shop) == 0
    assert town.balance(codes.UNDER_WAY) == 1_000
    town.right()


def test_a_gap_is_told_until_it_is_filled(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 1_000))))
    town.ledger.deposit(card.id, card.statements[2:])
    town.head(card)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == [Code.GAP]
    assert "records 1 to 2 are missing" in found[0].en
    assert town.ledger.next_missing(card.id) == 1
    town.ledger.deposit(card.id, card.statements[:2])
    assert town.ledger.reconcile().findings == ()
    assert town.ledger.findings() == ()
    assert town.purse(card) == 19_000


def test_records_that_somebody_made_up_change_nothing(town: Town) -> None:
    """A hostile courier hands in records of his own under the device's id."""
    card = town.holder(7)
    town.load(card, 20_000, 7)
    town.pull(card)
    forged = card.copy()
    forged.unload(20_000)
    town.ledger.deposit(card.id, forged.statements)
    assert town.ledger.reconcile().findings == ()
    assert town.purse(card) == 20_000
    # The device goes on where it is; the pull finds its way past what was made up.
    card.unload(300)
    card.unload(200)
    for _ in range(3):
        town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.purse(card) == 19_500
    town.right()


def test_a_record_that_cannot_be_read_is_damaged(town: Town) -> None:
    card = town.holder(7)
    card.statements.append(
        record.encode(record.Record(records.LOAD, 0, 0, 2, 1, card.tip, b"garbage"))
    )
    town.pull(card)
    assert codes_of(town.ledger.reconcile().findings) == [Code.DAMAGED]
    with pytest.raises(Refused, match="no checkpoint"):
        town.ledger.issue_checkpoint(card.id)


def test_a_head_that_says_another_balance_is_told(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    card.state.add(((0, 1),))
    town.pull(card)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == [Code.HEAD_DIFFERS]
    assert "holds 200.01" in found[0].en


def test_firmware_that_was_not_certified_is_told(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    card.firmware = b"DEV\0" + bytes(28)
    town.pull(card)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == [Code.FIRMWARE_DIFFERS]
    assert "firmware 44455600" in found[0].en
    with pytest.raises(Refused, match="no checkpoint"):
        town.ledger.issue_checkpoint(card.id)


@pytest.mark.parametrize("runs", ["doo", "odo", "ood", "oooodooo"])
@pytest.mark.parametrize("each", [True, False], ids=["each", "at once"])
def test_other_firmware_is_told_whichever_head_it_signed(
    town: Town, runs: str, each: bool
) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    own = card.firmware
    for turn in runs:
        card.firmware = own if turn == "o" else b"DEV\0" + bytes(28)
        town.pull(card)
        if each:
            town.ledger.reconcile()
    town.ledger.reconcile()
    assert codes_of(town.ledger.findings()) == [Code.FIRMWARE_DIFFERS]
    assert town.ledger.reconcile_anew()[1] == ()


def test_a_refund_of_somebody_elses_sale_is_told(town: Town) -> None:
    card, shop, other = town.holder(7), town.merchant(12), town.merchant(13)
    town.load(card, 20_000, 7)
    payment = card.pay(shop.offer(card, 1_000))
    shop.close(payment)
    other.refund(payment, 900)
    for device in (shop, other):
        town.pull(device)
    assert about(town.ledger.reconcile().findings, Code.WRONG_REFUND) == [other.id]
    town.right()


def test_more_than_the_certificate_allows_between_two_deposits(town: Town) -> None:
    limits = LIMITS._replace(count=2, total=700, received_total=699)
    card = person(town.issuer, 7, limits=limits)
    shop = stand(town.issuer, 12, limits=limits)
    town.holder(7)
    town.merchant(12)
    for device in (card, shop):
        town.ledger.register_device(device.certificate)
    town.load(card, 20_000, 7)
    for amount in (300, 399):
        card.closed(shop.close(card.pay(shop.offer(card, amount))))
    for device in (card, shop):
        town.pull(device)
    assert town.ledger.reconcile().findings == ()
    card.closed(shop.close(card.pay(shop.offer(card, 2))))
    for device in (card, shop):
        town.pull(device)
    found = town.ledger.reconcile().findings
    assert codes_of(found) == [Code.OVER_COUNT, Code.OVER_RECEIVED_TOTAL, Code.OVER_TOTAL]
    assert "took 7.01 between two deposits" in found[1].en


def test_a_checkpoint_begins_the_count_anew(town: Town) -> None:
    town.holder(7)
    shop = town.merchant(12)
    card = person(town.issuer, 7, limits=LIMITS._replace(count=1))
    town.ledger.register_device(card.certificate)
    town.load(card, 20_000, 7)
    for _ in range(2):
        card.closed(shop.close(card.pay(shop.offer(card, 300))))
        for device in (card, shop):
            town.pull(device)
        assert town.ledger.reconcile().findings == ()
        raw = town.ledger.issue_checkpoint(card.id)
        assert raw is not None
        card.take(raw)


def test_new_business_after_the_expiry(town: Town) -> None:
    town.holder(7)
    shop = town.merchant(12)
    card = person(town.issuer, 7, expiry=5)
    town.ledger.register_device(card.certificate)
    town.load(card, 20_000, 7)
    card.write(records.STATEMENT, town.issuer.sign_epoch(4))
    card.pay(shop.offer(card, 300))
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    card.write(records.STATEMENT, town.issuer.sign_epoch(5))
    card.pay(shop.offer(card, 300))
    town.pull(card)
    assert codes_of(town.ledger.reconcile().findings) == [Code.EXPIRED]


def test_every_code_has_its_sentences() -> None:
    assert {str(code) for code in Code} == set(SENTENCES)
