# SPDX-License-Identifier: Apache-2.0
"""A card that lies to a stand: whatever it answers, the stand stays up and says "paid" only of the
payment that it asked for (PROTOCOL.md §5, §8.1)."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from duotap import apdu, certificate, commands, messages, records, status, tap
from duotap.errors import Refusal

from duet.makers import Maker, Mint

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND
SELECT, GET_CERTIFICATE, OFFER = commands.SELECT, commands.GET_CERTIFICATE, commands.OFFER
GET_RESULT, GET_OPEN, PUT_CLOSING = commands.GET_RESULT, commands.GET_OPEN, commands.PUT_CLOSING
OK = b"\x90\x00"
LEGS_MAX = 2_000  # of one touch; a card that is never done is given up before
WAIT_MAX_MS = 30_000  # of one touch, all told: the merchant stands there

Lie = Callable[[bytes, bytes], bytes]  # command, honest answer: the answer given


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def devices(mint: Mint) -> tuple[Maker, Maker]:
    card = Maker(mint, "card", PERSON)
    card.load(20_000)
    return card, Maker(mint, "stand", STAND)


def lead(stand: Maker, card: Maker, amount: int, lies: dict[int, Lie], again: bool = False) -> Any:
    """One touch with a card that lies about these instructions."""
    if not again:
        stand.tap = tap.Tap(stand.payee)
    steps = stand.tap.collect(amount)
    card.applet.begin()
    answer: bytes | None = None
    waited = legs = 0
    waiting = b""
    try:
        while True:
            step = steps.send(answer)
            answer = None
            if isinstance(step, int):
                waited += step
                assert waited <= WAIT_MAX_MS
                continue
            legs += 1
            assert legs < LEGS_MAX
            if step[1] == commands.GET_RESPONSE and waiting:
                answer, waiting = served(waiting)
                continue
            answer = card.applet.answer(step)
            lie = lies.get(step[1])
            if lie is not None:
                answer, waiting = served(lie(step, answer))
            card.applet.work()
    except StopIteration as stop:
        return stop.value
    finally:
        card.applet.leave()


def served(answer: bytes) -> tuple[bytes, bytes]:
    """What fits one R-APDU, and what is left for GET RESPONSE."""
    if len(answer) <= apdu.ANSWER_PART_MAX + 2:
        return answer, b""
    part = apdu.ANSWER_PART_MAX
    return answer[:part] + b"\x61\x00", answer[part:]


def always(answer: bytes) -> Lie:
    return lambda command, honest: answer


def kinds(maker: Maker) -> list[int]:
    return [kind for _, kind, _ in maker.purse.journal.walk(1)]


def pay(stand: Maker, card: Maker, amount: int) -> bytes:
    """An honest payment; its bytes as the stand keeps them."""
    card.arm()
    assert lead(stand, card, amount, {}).kind == tap.PAID
    body = stand.purse.journal.read(stand.purse.journal.next_sequence - 1)[1]
    return bytes(records.unpack(records.ACCOUNT, body)[0])


def fci(own: bytes) -> bytes:
    inner = bytes([0x84, len(commands.AID)]) + commands.AID + bytes([0xA5, len(own)]) + own
    return bytes([0x6F, len(inner)]) + inner


def shape(card: Maker, counter: bytes) -> bytes:
    return fci(b"\x01\x03" + card.device.id + card.device.certificate_hash + counter)


def garbage_fcis(card: Maker) -> list[bytes]:
    honest = shape(card, b"\0\0\0\1")
    cuts = [honest[:end] for end in range(len(honest))]
    relengthened = [bytes([0x6F, max(0, len(cut) - 2)]) + cut[2:] for cut in cuts]
    giant = b"\x6f\xff" + honest[2:] + bytes(4000)
    counters = [shape(card, counter.to_bytes(4, "big")) for counter in (0, 1 << 30, (1 << 32) - 1)]
    return [*cuts, *relengthened, giant, honest + b"\0", *counters]


def test_no_fci_stops_a_stand(mint: Mint) -> None:
    card, stand = devices(mint)
    pay(stand, card, 100)
    before = kinds(stand)
    for raw in garbage_fcis(card):
        card.arm()
        outcome = lead(stand, card, 500, {SELECT: always(raw + OK)})
        assert outcome.kind == tap.REFUSED, raw.hex()
    assert kinds(stand) == before


def test_a_counter_that_cannot_be_signed_costs_no_open_offer(mint: Mint) -> None:
    card, stand = devices(mint)
    payer = stand.device.peers.learn(card.device.certificate_raw)
    offer = stand.payee.ask(payer, card.device.id, 1, 500)
    card.arm()
    outcome = lead(stand, card, 500, {SELECT: always(shape(card, bytes(4)) + OK)})
    assert outcome.kind == tap.REFUSED
    assert stand.purse.state.open_offer.raw == offer


@pytest.mark.parametrize(
    "ins",
    [SELECT, GET_CERTIFICATE, OFFER, GET_RESULT, PUT_CLOSING, commands.GET_RESPONSE],
)
@pytest.mark.parametrize(
    "answer",
    [b"", b"\x90", OK, b"\x01" + OK, b"\x00\xff\xff" + OK, b"\x00" + OK, b"\x61\x00", b"\x61\x10",
     b"\xff" * 256 + OK, b"\x6a\x88", b"\x69\x85", b"\x9a\x05", b"\x9a\x0a", b"\x00\x00"],
)  # fmt: skip
def test_no_single_answer_stops_a_stand(mint: Mint, ins: int, answer: bytes) -> None:
    card, stand = devices(mint)
    card.arm()
    outcome = lead(stand, card, 500, {ins: always(answer)})
    paid = records.ACCOUNT in kinds(stand)
    assert (outcome.kind == tap.PAID) == paid
    assert lead(stand, card, 500, {}, again=True).kind in (tap.PAID, tap.NOT_ARMED)


def test_an_old_payment_is_not_the_payment_of_a_new_offer(mint: Mint) -> None:
    card, stand = devices(mint)
    old = pay(stand, card, 500)
    card.arm()
    outcome = lead(stand, card, 500, {GET_RESULT: always(b"\x01" + old + OK)})
    assert outcome.kind == tap.REFUSED
    assert stand.tap.paid is None
    assert kinds(stand).count(records.ACCOUNT) == 1
    assert stand.purse.state.open_offer is not None


def test_an_old_payment_does_not_finish_an_open_offer(mint: Mint) -> None:
    card, stand = devices(mint)
    old = pay(stand, card, 500)
    payer = stand.device.peers.learn(card.device.certificate_raw)
    stand.payee.ask(payer, card.device.id, 2, 500)

    outcome = lead(stand, card, 500, {GET_OPEN: always(old + OK)})
    assert outcome.kind != tap.PAID
    assert stand.tap.paid is None


def test_a_card_that_pays_and_refuses_its_receipt_has_paid(mint: Mint) -> None:
    card, stand = devices(mint)
    card.arm()
    outcome = lead(stand, card, 500, {PUT_CLOSING: always(b"\x6a\x80")})
    assert outcome[:3] == (tap.PAID, 0, 500)
    assert kinds(stand).count(records.ACCOUNT) == 1
    assert lead(stand, card, 500, {}, again=True)[:3] == (tap.PAID, 0, 500)  # takes its receipt
    assert not card.purse.state.open_payments
    assert kinds(stand).count(records.ACCOUNT) == 1


def signed(card: Maker, **changes: Any) -> Callable[[Maker], bytes]:
    """Make a payment of the stand's open offer with these fields changed."""

    def make(stand: Maker) -> bytes:
        offer = stand.purse.state.open_offer
        assert offer is not None
        plain = messages.Payment(
            offer.payment_counter, stand.device.id, offer.counter, ((0, offer.amount),),
            offer.hash, bytes(32),
        )  # fmt: skip
        return card.device.sign(plain._replace(**changes))

    return make


LIES: list[dict[str, Any]] = [
    {"amounts": ((0, 499),)},
    {"amounts": ((0, 501),)},
    {"amounts": ((0, 400), (7, 100))},
    {"amounts": ((7, 500),)},
    {"payment_counter": 2},
    {"offer_counter": 2},
    {"payee": bytes(16)},
    {"offer_hash": bytes(32)},
]


@pytest.mark.parametrize("changes", LIES)
def test_a_payment_that_is_not_of_the_offer(mint: Mint, changes: dict[str, Any]) -> None:
    card, stand = devices(mint)
    make = signed(card, **changes)
    card.arm()
    lie: Lie = lambda command, honest: b"\x01" + make(stand) + OK  # noqa: E731
    outcome = lead(stand, card, 500, {GET_RESULT: lie})
    assert outcome.kind == tap.REFUSED, changes
    assert stand.tap.paid is None
    assert records.ACCOUNT not in kinds(stand)


def test_another_cards_certificate_and_id_give_nothing(mint: Mint) -> None:
    card, stand = devices(mint)
    victim = Maker(mint, "victim", PERSON)
    card.arm()
    other = victim.device.certificate_raw
    # Its own id, the certificate of another.
    outcome = lead(stand, card, 500, {GET_CERTIFICATE: always(b"\x00" + other + OK)})
    assert outcome[:2] == (tap.REFUSED, status.NOT_THIS_DEVICE)
    # All of another that the stand knows: the offer names the other, and nobody can pay it.
    card.arm()
    outcome = lead(stand, card, 500, {SELECT: always(shape(victim, b"\0\0\0\1") + OK)})
    assert outcome.kind == tap.REFUSED
    assert records.ACCOUNT not in kinds(stand)


def test_a_payment_of_another_card_for_the_open_offer(mint: Mint) -> None:
    card, stand = devices(mint)
    thief = Maker(mint, "thief", PERSON)
    payer = stand.device.peers.learn(card.device.certificate_raw)
    stand.device.peers.learn(thief.device.certificate_raw)
    stand.payee.ask(payer, card.device.id, 1, 500)
    with pytest.raises(Refusal):
        stand.payee.take(signed(thief)(stand))
    assert stand.purse.state.open_offer is not None


def test_of_many_payments_for_one_offer_two_are_kept(mint: Mint) -> None:
    card, stand = devices(mint)
    payer = stand.device.peers.learn(card.device.certificate_raw)
    stand.payee.ask(payer, card.device.id, 1, 500)
    offer = stand.purse.state.open_offer
    forged = [signed(card, previous_hash=bytes([n]) * 32)(stand) for n in range(5)]
    receipt = stand.payee.take(forged[0])
    for raw in forged[1:] + forged[1:]:
        with pytest.raises(Refusal):
            stand.payee.take(raw)
        assert stand.payee.take(forged[0]) == receipt
    assert kinds(stand).count(records.CONFLICT) == 1
    assert kinds(stand).count(records.ACCOUNT) == 1
    assert offer is not None


def test_of_many_payments_for_an_unpaid_offer_one_gets_its_void(mint: Mint) -> None:
    card, stand = devices(mint)
    payer = stand.device.peers.learn(card.device.certificate_raw)
    stand.payee.ask(payer, card.device.id, 1, 500)
    forged = [signed(card, previous_hash=bytes([n]) * 32)(stand) for n in range(4)]
    stand.payee.cancel()
    void = stand.payee.take(forged[0])
    for raw in forged[1:]:
        with pytest.raises(Refusal):
            stand.payee.take(raw)
    assert stand.payee.take(forged[0]) == void
    assert kinds(stand).count(records.LATE_VOID) == 1
    assert kinds(stand).count(records.CONFLICT) == 1


def test_an_answer_without_end_ends(mint: Mint) -> None:
    card, stand = devices(mint)
    card.arm()
    endless = {SELECT: always(b"\x61\x01"), commands.GET_RESPONSE: always(b"\x61\x01")}
    assert lead(stand, card, 500, endless)[:2] == (tap.REFUSED, status.MALFORMED)
    big = {SELECT: always(bytes(256) + b"\x61\x00"),
           commands.GET_RESPONSE: always(bytes(256) + b"\x61\x00")}  # fmt: skip
    assert lead(stand, card, 500, big)[:2] == (tap.REFUSED, status.MALFORMED)
    assert apdu.ANSWER_MAX == 4096


def test_a_card_that_names_counters_at_will_costs_three_offers(mint: Mint) -> None:
    card, stand = devices(mint)
    pay(stand, card, 100)
    stand.tap = tap.Tap(stand.payee)
    for counter in range(2, 12):
        card.arm()
        lie = always(shape(card, (counter + 5).to_bytes(4, "big")) + OK)
        assert lead(stand, card, 500, {SELECT: lie}, again=True).kind == tap.REFUSED
    assert kinds(stand).count(records.OFFER) == 1 + 3
