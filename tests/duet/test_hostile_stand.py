# SPDX-License-Identifier: Apache-2.0
"""A reader that lies to a card: offers and closings that must move no money, commands out of
order, and what a card tells to whom (PROTOCOL.md §5, §8.1)."""

from __future__ import annotations

from typing import Any

import pytest
from duotap import apdu, certificate, commands, messages, notices, records, status, tap
from duotap.errors import Refusal
from duotap.fields import NoButton

from duet.makers import Key, Maker, Mint, Torn, touch

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND
LOADED = 20_000
SELECT = bytes((0, commands.SELECT, 4, 0, 7)) + commands.AID + b"\0"


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def card_of(mint: Mint, **changes: Any) -> Maker:
    card = Maker(mint, "card", PERSON, **changes)
    card.load(LOADED)
    return card


def ask(card: Maker, ins: int, data: bytes, works: bool = True) -> tuple[bytes, int]:
    """One command; its answer and status word."""
    steps = apdu.exchange(commands.CLA, ins, 0, 0, data)
    answer = None
    try:
        while True:
            answer = card.applet.answer(steps.send(answer))
            if works:
                card.applet.work()
    except StopIteration as stop:
        return stop.value, status.OK
    except Refusal as refusal:
        return b"", refusal.sw


def kinds(maker: Maker) -> list[int]:
    return [kind for _, kind, _ in maker.purse.journal.walk(1)]


def met(card: Maker, stand: Maker) -> None:
    """The card is armed and selected, and has verified the stand's certificate."""
    card.arm()
    card.applet.begin()
    card.applet.answer(SELECT)
    assert ask(card, commands.PUT_CERTIFICATE, stand.device.certificate_raw)[1] == status.OK


OFFERS: list[tuple[dict[str, Any], int]] = [
    ({}, status.OK),
    ({"payer": bytes(16)}, status.NOT_THIS_DEVICE),
    ({"payment_counter": 2}, status.NOT_NEXT),
    ({"amount": LOADED + 1}, status.ABOVE_BALANCE),
    ({"amount": 50_001}, status.ABOVE_BALANCE),
    ({"amount": 10_001}, status.CONFIRM),
    ({"scopes": (7,)}, status.OK),
]


@pytest.mark.parametrize(("changes", "word"), OFFERS)
def test_offers(mint: Mint, changes: dict[str, Any], word: int) -> None:
    card, stand = card_of(mint), Maker(mint, "stand", STAND)
    met(card, stand)
    plain = messages.Offer(card.device.id, 1, 1, 500, (), 0)._replace(**changes)
    raw = stand.device.sign(plain)
    _, answered = ask(card, commands.OFFER, raw)
    result, found = ask(card, commands.GET_RESULT, messages.decode(raw).hash)
    assert word in (answered, found)
    assert (result[:1] == b"\x01") == (word == status.OK)
    assert (records.PAYMENT in kinds(card)) == (word == status.OK)
    assert card.purse.state.balance() == LOADED - (500 if word == status.OK else 0)


def test_offers_that_are_not_signed_by_the_payee(mint: Mint) -> None:
    card, stand = card_of(mint), Maker(mint, "stand", STAND)
    met(card, stand)
    plain = messages.Offer(card.device.id, 1, 1, 500, (), 0)
    thief = Key("thief")
    for raw in (
        messages.encode(plain, stand.device.id, thief.sign),
        stand.device.sign(plain)[:-1] + b"\0",
        messages.encode(plain, thief.id, thief.sign),
        messages.encode(plain, stand.device.id, stand.key.sign, currency=840),
        stand.device.sign(messages.Void(bytes(32))),
    ):
        ask(card, commands.OFFER, raw)
        assert ask(card, commands.GET_RESULT, bytes(32))[1] == status.UNKNOWN_REFERENCE
    assert records.PAYMENT not in kinds(card)


def test_offers_of_the_expired_and_the_denied(mint: Mint) -> None:
    card = card_of(mint)
    expired, denied = Maker(mint, "old", STAND, expiry=5), Maker(mint, "denied", STAND)
    card.purse.state.epoch = 5
    lists = mint.keys[certificate.USAGE_LISTS]
    listed = messages.DenyList(5, 0, 0, b"\0" + denied.device.id)
    notices.take(card.device, messages.encode(listed, lists.id, lists.sign))
    for stand, word in ((expired, status.EXPIRED), (denied, status.DENY_LISTED)):
        met(card, stand)
        raw = stand.device.sign(messages.Offer(card.device.id, 1, 1, 500, (), 0))
        assert ask(card, commands.OFFER, raw)[1] == word
    assert records.PAYMENT not in kinds(card)


def test_one_arming_pays_one_of_many_offers(mint: Mint) -> None:
    card, stand, other = card_of(mint), Maker(mint, "stand", STAND), Maker(mint, "other", STAND)
    met(card, stand)
    ask(card, commands.PUT_CERTIFICATE, other.device.certificate_raw)
    for payee, counter in ((stand, 1), (other, 2), (stand, 3)):
        raw = payee.device.sign(messages.Offer(card.device.id, counter, 1, 500, (), 0))
        ask(card, commands.OFFER, raw)
    assert kinds(card).count(records.PAYMENT) == 1
    assert card.purse.state.balance() == LOADED - 500


def test_no_button_is_bounded_whoever_asks(mint: Mint) -> None:
    card = card_of(mint, nobutton=NoButton(300, 700, 3))
    stands = [Maker(mint, f"stand {n}", STAND) for n in range(3)]
    for stand in stands * 2:
        touch(stand, card, 300)
        card.boot()
    assert card.purse.state.balance() == LOADED - 600
    assert touch(Maker(mint, "person", PERSON), card, 1).kind == tap.NOT_ARMED


def paying(mint: Mint, stand: Maker) -> Maker:
    """A card with a payment that has no closing yet."""
    card = card_of(mint)
    card.arm()
    touch(stand, card, 100)
    card.arm()
    with pytest.raises(Torn):
        touch(stand, card, 1000, cut_after=7)
    assert len(card.purse.state.open_payments) == 1
    return card


def test_closings(mint: Mint) -> None:
    stand, thief = Maker(mint, "stand", STAND), Maker(mint, "thief", STAND)
    card = paying(mint, stand)
    paid = card.purse.state.open_payments[0]
    card.applet.begin()
    card.applet.answer(SELECT)
    for peer in (stand, thief):
        ask(card, commands.PUT_CERTIFICATE, peer.device.certificate_raw)
    receipt, void = messages.Receipt(paid.payment_hash, 2), messages.Void(paid.payment_hash)
    forged = messages.encode(void, stand.device.id, thief.key.sign)
    table = (
        (thief.device.sign(receipt), status.NOT_THIS_DEVICE),
        (thief.device.sign(void), status.NOT_THIS_DEVICE),
        (stand.device.sign(void), status.ASK_LEDGER),  # its class is none
        (messages.encode(receipt, stand.device.id, thief.key.sign), status.OK),  # found out later
        (forged, status.ASK_LEDGER),
        (stand.device.sign(messages.Receipt(paid.offer_hash, 2)), status.UNKNOWN_REFERENCE),
        (bytes(paid.raw), status.MALFORMED),
    )
    for raw, word in table:
        assert ask(card, commands.PUT_CLOSING, raw)[1] == word
        assert card.purse.state.open_payments == [paid]
    honest = stand.device.sign(receipt)
    assert ask(card, commands.PUT_CLOSING, honest)[1] == status.OK
    assert not card.purse.state.open_payments
    assert ask(card, commands.PUT_CLOSING, honest)[1] == status.OK  # its answer was lost
    assert ask(card, commands.PUT_CLOSING, stand.device.sign(void))[1] == status.UNKNOWN_REFERENCE
    assert card.purse.state.balance() == LOADED - 1100


def test_an_unarmed_card_tells_only_who_knows(mint: Mint) -> None:
    stand = Maker(mint, "stand", STAND)
    card = paying(mint, stand)
    paid = card.purse.state.open_payments[0]
    card.device.consent.disarm()
    card.applet.begin()
    everything = b"".join(
        [card.applet.answer(SELECT)]
        + [ask(card, ins, bytes(size))[0] for ins in range(256) for size in (0, 16, 32)]
    )
    assert card.device.id not in everything
    assert card.device.certificate_hash not in everything
    assert ask(card, commands.GET_CERTIFICATE, b"")[1] == status.WRONG_STATE
    assert ask(card, commands.GET_OPEN, paid.offer_hash)[0] == paid.raw
    assert ask(card, commands.GET_CERTIFICATE, b"")[1] == status.OK
    card.applet.begin()
    card.applet.answer(SELECT)
    assert ask(card, commands.GET_CERTIFICATE, b"")[1] == status.WRONG_STATE


def test_select_in_the_middle_of_a_chain_ends_it(mint: Mint) -> None:
    card, stand = card_of(mint), Maker(mint, "stand", STAND)
    met(card, stand)
    raw = stand.device.sign(messages.Offer(card.device.id, 1, 1, 500, (), 0))
    first, second = raw[:100], raw[100:]
    chained = bytes((commands.CLA | commands.CLA_CHAINED, commands.OFFER, 0, 0, 100)) + first
    assert card.applet.answer(chained) == b"\x90\x00"
    assert card.applet.answer(SELECT)[-2:] == b"\x90\x00"
    assert ask(card, commands.OFFER, second)[1] == status.MALFORMED
    assert records.PAYMENT not in kinds(card)


def test_nothing_is_served_before_select(mint: Mint) -> None:
    card = card_of(mint)
    card.arm()
    card.applet.begin()
    for ins in range(256):
        assert ask(card, ins, b"")[1] in (status.UNKNOWN_INS, status.MALFORMED)
    wrong = bytes((0, commands.SELECT, 4, 0, 7)) + b"\xf0DUOTAQ" + b"\0"
    card.applet.answer(SELECT)
    assert card.applet.answer(wrong) == b"\x6a\x82"
    assert ask(card, commands.GET_CERTIFICATE, b"")[1] == status.UNKNOWN_INS


def test_a_strangers_receipt_costs_no_walk_through_the_journal(mint: Mint) -> None:
    """An answer takes 300 ms at most, however long the journal is."""
    reads = []
    for loads in (10, 60):
        card, stand = card_of(mint), Maker(mint, "stand", STAND)
        met(card, stand)
        for _ in range(loads):
            card.load(1)
        raw = stand.device.sign(messages.Receipt(bytes(32), 2))
        count, read = [0], card.flash.readblocks

        def counted(
            n: int, buf: Any, off: int, count: list[int] = count, read: Any = read
        ) -> None:
            count[0] += 1
            read(n, buf, off)

        card.flash.readblocks = counted  # type: ignore[method-assign] # counts
        assert ask(card, commands.PUT_CLOSING, raw)[1] == status.UNKNOWN_REFERENCE
        reads.append(count[0])
    assert reads[1] < reads[0] * 2
