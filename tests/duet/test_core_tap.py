# SPDX-License-Identifier: Apache-2.0
"""Two devices touch without a radio: every outcome, and every tear ended by touching again."""

from __future__ import annotations

from typing import Any

import pytest
from duotap import certificate, messages, records, status, tap
from duotap.fields import NoButton

from duet.makers import Maker, Mint, Torn, touch

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def devices(mint: Mint, role: int = STAND, **changes: Any) -> tuple[Maker, Maker]:
    card = Maker(mint, "card", PERSON, **changes)
    card.load(20_000)
    return card, Maker(mint, "payee", role)


def kinds(maker: Maker) -> list[int]:
    return [kind for _, kind, _ in maker.purse.journal.walk(1)]


def accounted(card: Maker, payee: Maker) -> int:
    """Both purses, what is under way, and what went to the account."""
    taken = 0
    closed = set()
    for _, kind, body in payee.purse.journal.walk(1):
        if kind in (records.CREDIT, records.ACCOUNT):
            raw = records.unpack(kind, body)[0]
            signed = tap_payment(raw)
            closed.add(signed.hash)
            if kind == records.ACCOUNT:
                taken += sum(amount for _, amount in signed.message.amounts)
    under_way = sum(
        sum(amount for _, amount in p.amounts)
        for p in card.purse.state.open_payments
        if p.payment_hash not in closed
    )
    return card.purse.state.balance() + payee.purse.state.balance() + under_way + taken


def tap_payment(raw: bytes) -> Any:
    return messages.decode(raw, messages.Payment)


def test_card_pays_stand(mint: Mint) -> None:
    card, stand = devices(mint)
    card.arm()
    assert touch(stand, card, 6660) == (tap.PAID, 0, 6660, card.device.id)
    assert card.purse.state.balance() == 20_000 - 6660
    assert stand.purse.state.balance() == 0
    assert kinds(card) == [records.IDENTITY, records.LOAD, records.PAYMENT, records.CLOSING]
    assert kinds(stand) == [records.IDENTITY, records.OFFER, records.ACCOUNT]
    assert accounted(card, stand) == 20_000
    assert not card.device.consent.armed


def test_card_pays_card(mint: Mint) -> None:
    card, other = devices(mint, PERSON)
    card.arm()
    assert touch(other, card, 2000).kind == tap.PAID
    assert (card.purse.state.balance(), other.purse.state.balance()) == (18_000, 2000)


def test_unarmed_card_tells_nothing(mint: Mint) -> None:
    card, stand = devices(mint)
    assert touch(stand, card, 100).kind == tap.NOT_ARMED
    assert kinds(stand) == [records.IDENTITY]
    answer = card.applet.answer(bytes.fromhex("00A4040007F044554F544150"))
    assert card.device.id not in answer
    assert card.applet.answer(bytes.fromhex("8010000000"))[-2:] == b"\x69\x85"


def test_small_payment_without_a_press(mint: Mint) -> None:
    card, stand = devices(mint, nobutton=NoButton(2000, 3000, 2))
    assert touch(stand, card, 1500).kind == tap.PAID
    assert touch(stand, card, 1600).sw == status.WRONG_STATE  # 31.00 in all
    assert touch(stand, card, 1500).kind == tap.PAID
    assert touch(stand, card, 100).sw == status.WRONG_STATE  # the third
    other = Maker(mint, "other", PERSON)
    assert touch(other, card, 100).kind == tap.NOT_ARMED


def test_above_the_ceiling_needs_a_press(mint: Mint) -> None:
    card, stand = devices(mint)
    card.arm(5000)
    assert touch(stand, card, 6660).kind == tap.CONFIRM
    assert card.purse.state.balance() == 20_000
    card.arm(5000)  # the press that confirms
    assert touch(stand, card, 6660, again=True).kind == tap.PAID
    assert kinds(stand) == [records.IDENTITY, records.OFFER, records.ACCOUNT]


@pytest.mark.parametrize(
    ("amount", "sw"), [(20_001, status.ABOVE_BALANCE), (50_001, status.ABOVE_PAYMENT_LIMIT)]
)
def test_refusals(mint: Mint, amount: int, sw: int) -> None:
    card, stand = devices(mint)
    card.arm(100_000)
    outcome = touch(stand, card, amount)
    assert outcome[:2] == (tap.REFUSED, sw)
    assert card.purse.state.balance() == 20_000


def test_every_leg_torn_ends_by_touching_again(mint: Mint) -> None:
    cut = 1
    while True:
        card, stand = devices(mint)
        card.arm()
        try:
            touch(stand, card, 6660, cut_after=cut)
        except Torn:
            pass
        else:
            break
        assert accounted(card, stand) == 20_000, cut
        outcome = touch(stand, card, 6660, again=True)
        assert accounted(card, stand) == 20_000, cut
        assert outcome[:3] == stand.tap.paid[:3] or outcome.kind == tap.FINISHED, (cut, outcome)
        assert stand.purse.state.open_offer is None
        assert card.purse.state.balance() == 20_000 - 6660, cut
        assert not card.purse.state.open_payments, cut
        cut += 1
    assert cut > 12  # SELECT, certificates, OFFER, GET RESULT, PUT CLOSING: two legs each


def test_every_leg_torn_and_both_rebooted(mint: Mint) -> None:
    cut = 1
    while True:
        card, stand = devices(mint)
        card.arm()
        try:
            touch(stand, card, 6660, cut_after=cut)
        except Torn:
            pass
        else:
            break
        card.boot()
        stand.boot()
        if not card.purse.state.open_payments:
            card.arm()  # unarmed it would tell nothing; an open payment needs no press
        closed = records.ACCOUNT in kinds(stand)
        known = closed and not card.purse.state.open_payments  # to both, the holder would say
        outcome = touch(stand, card, 0 if known else 6660)
        expected = tap.NOT_ARMED if known else tap.FINISHED if closed else tap.PAID
        assert outcome.kind == expected, (cut, outcome)
        assert known or outcome.amount == 6660
        assert accounted(card, stand) == 20_000, cut
        assert card.purse.state.balance() == 20_000 - 6660, cut
        assert not card.purse.state.open_payments, cut
        cut += 1
    assert cut > 12


def test_torn_payment_is_voided_for_the_ledger(mint: Mint) -> None:
    card, stand = devices(mint)
    card.arm()
    assert touch(stand, card, 500).kind == tap.PAID
    card.arm()
    with pytest.raises(Torn):
        touch(stand, card, 1000, cut_after=7)  # SELECT, GET OPEN, OFFER, then GET RESULT is lost
    payment = card.purse.state.open_payments[0]
    stand.payee.cancel()
    card.arm()
    assert touch(stand, card, 300).kind == tap.PAID  # what is void does not stand in the way
    assert records.LATE_VOID in kinds(stand)  # but class none gives no void over a tap
    assert card.purse.state.find_payment(payment.offer_hash)
    void = stand.payee.take(payment.raw)
    card.device.peers.learn(stand.device.certificate_raw)
    card.payer.close(void, by_tap=False)
    card.payer.settle()
    assert card.purse.state.balance() == 20_000 - 500 - 300
    assert accounted(card, stand) == 20_000


def test_another_amount_is_another_sale(mint: Mint) -> None:
    card, stand = devices(mint)
    assert warm(card, stand) == 500
    card.arm()
    with pytest.raises(Torn):
        touch(stand, card, 1000, cut_after=7)
    assert touch(stand, card, 1000).kind == tap.PAID  # typed again: the same sale
    card.arm()
    with pytest.raises(Torn):
        touch(stand, card, 2000, cut_after=7)
    card.arm()
    assert touch(stand, card, 100)[:3] == (tap.PAID, 0, 100)
    assert kinds(stand)[-4:] == [records.UNPAID, records.LATE_VOID, records.OFFER, records.ACCOUNT]
    assert accounted(card, stand) == 20_000


def warm(card: Maker, stand: Maker) -> int:
    """A first payment, so that both know each other's certificates."""
    card.arm()
    outcome = touch(stand, card, 500)
    assert outcome.kind == tap.PAID
    return int(outcome.amount)


def test_received_value_waits_for_a_sync_where_the_certificate_says_so(mint: Mint) -> None:
    card, stand = devices(mint)
    other = Maker(mint, "other", PERSON, respend=False)
    other.load(1000)
    card.arm()
    assert touch(other, card, 700).kind == tap.PAID
    other.arm()
    assert touch(stand, other, 1001)[:2] == (tap.REFUSED, status.ABOVE_BALANCE)
    other.boot()
    other.arm()
    assert touch(stand, other, 1000).kind == tap.PAID
    other.arm()
    assert touch(stand, other, 1)[:2] == (tap.REFUSED, status.ABOVE_BALANCE)
    assert other.purse.state.balance() == 700
