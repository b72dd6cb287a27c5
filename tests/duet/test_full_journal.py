# SPDX-License-Identifier: Apache-2.0
"""A journal at its ends: full at every step, and damaged (PROTOCOL.md §8; room rules).

What has begun can always be ended, the journal can always be emptied by a checkpoint, however full
it is and however its records lie in the sectors; a damaged one still boots and is deposited.
"""

from __future__ import annotations

import random
from hashlib import sha256
from typing import Any, Callable

import pytest
from board_flash import Flash
from duotap import base, certificate, messages, record, status
from duotap.errors import Refusal
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.purse import Purse
from duotap.statements import BASE_PARTS_MAX, Statements
from issuing import EXPIRY, FIRMWARE, LIMITS, Bench, Issuer
from paper_key import PaperKey

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND
ISSUER = Issuer()
BLOCKS = 36
UNPAID_MAX = (BASE_PARTS_MAX - 1) * base.UNPAID_PER_PART


class Town(Bench):
    """A device whose counterparts are keys of paper."""

    def __init__(self, role: int, blocks: int = BLOCKS) -> None:
        super().__init__(Flash(blocks), ISSUER, role=role)

    def boot(self) -> None:
        super().boot()
        self.statements = Statements(self.device)
        self.payer, self.payee = Payer(self.device), Payee(self.device)

    def tidy(self) -> None:
        for _ in range(10_000):
            if not self.purse.tidy():
                return
        raise AssertionError("idle work without end")

    def load(self, amount: int) -> None:
        number = self.purse.state.next_issue
        self.statements.take(ISSUER.load(self.device.id, number, amount))

    def meet(self, key: PaperKey, role: int) -> Any:
        return self.device.peers.learn(ISSUER.certify(key.public, role))


def statements_of_all_kinds(town: Town, rng: random.Random) -> None:
    """As much as a device ever carries: a full list, keys up to their number, all the rest."""
    me = town.device.id
    everybody = messages.DenyList(9, 0, 0, b"\0" + rng.randbytes(16 * 230))
    ceiling, nobutton = (500, 500), (900, 9_000, 90)
    for message in (
        everybody,
        messages.Policy(None, 9, ceiling, LIMITS, nobutton),
        messages.Policy(me, 9, ceiling, LIMITS, nobutton),
        messages.Membership(me, 9, tuple(range(60_000, 60_008))),
        messages.Time(9, 1 << 39),
        messages.Epoch(9, ISSUER.by_root(messages.Epoch(9, None))),
    ):
        town.statements.take(ISSUER.lists(message))
    town.statements.take(ISSUER.by_root(messages.Reset(me, 1, 9)))
    keys = list(ISSUER.keys.values()) + [PaperKey(b"key %d" % n) for n in range(7)]
    for number, key in enumerate(keys, 1):
        usage = number if number <= 5 else certificate.USAGE_MONEY
        keycert = ISSUER.keycert(key.public, usage, EXPIRY + 1)
        town.statements.take(ISSUER.by_root(messages.KeyStatement(number, keycert)))


def checkpoint(town: Town, unpaid: list[tuple[int, bytes]], covered: int = 0) -> None:
    """Hand over what the ledger makes of this very journal."""
    purse = town.purse
    covered = covered or purse.journal.next_sequence - 1
    parts = base.parts(purse.state_at(covered), unpaid)
    digest = base.digest([sha256(part).digest() for part in parts])
    chain = record.hash_of(purse.journal.statement(covered))
    values = (town.device.id, purse.state.next_issue, covered, chain, digest)
    for index, part in enumerate(parts):
        town.statements.take_part(index, len(parts), part)
    town.statements.take(ISSUER.money(messages.Checkpoint(*values)))


def offer_to(town: Town, key: PaperKey, counter: int, amount: int) -> Any:
    raw = town.payee.ask(town.meet(key, PERSON), key.kid, counter, amount)
    return messages.decode(raw, messages.Offer)


def payment(town: Town, key: PaperKey, offer: Any, previous: int = 0) -> bytes:
    values = messages.Payment(
        offer.message.payment_counter, town.device.id, offer.message.offer_counter,
        ((0, offer.message.amount),), offer.hash, bytes([previous]) * 32,
    )  # fmt: skip
    return messages.encode(values, key.kid, key.sign)


def is_full(town: Town) -> bool:
    """Whether no offer may begin."""
    return word_of(town.purse.check_room, 4) == status.JOURNAL_FULL


def word_of(action: Callable[..., object], *arguments: Any) -> int:
    """The status word that it ends with."""
    try:
        action(*arguments)
    except Refusal as refusal:
        return refusal.sw
    return status.OK


@pytest.mark.parametrize("seed", range(4))
def test_a_full_stand_can_be_emptied(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    town = Town(STAND)
    payer = PaperKey(b"payer")
    statements_of_all_kinds(town, rng)
    town.tidy()
    closed: list[Any] = []
    counter = 1
    for round_ in range(3):
        while not is_full(town):
            town.tidy()
            if rng.random() < 0.15:
                town.load(1)
            if is_full(town):
                break
            offer = offer_to(town, payer, counter, 5)
            if rng.random() < 0.8:
                closed.append(offer)
                town.payee.cancel()
            else:
                town.payee.take(payment(town, payer, offer))
                counter += 1
        assert len(closed) > 10
        for offer in (
            rng.sample(closed, 12) + closed[-12:]
        ):  # each is paid late, twice, while there is no room
            for previous in (0, 1):
                word = word_of(town.payee.take, payment(town, payer, offer, previous))
                assert word in (status.OK, status.JOURNAL_FULL, status.ASK_LEDGER)
        unpaid = [
            (n + 1, sha256(bytes([round_, n % 256, n // 256])).digest()) for n in range(UNPAID_MAX)
        ]
        town.tidy()
        checkpoint(town, unpaid)
        town.tidy()
        assert not is_full(town)
        if rng.random() < 0.5:
            town.boot()
        assert town.device.certificate is not None
        assert len(town.device.denied) == 230
        assert town.device.effective.ceiling == 500


@pytest.mark.parametrize("seed", range(4))
def test_a_full_card_can_end_all_that_it_began(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(100 + seed)
    town = Town(PERSON)
    shop = PaperKey(b"shop")
    town.load(50_000)
    statements_of_all_kinds(town, rng)
    town.tidy()
    made: list[Any] = []
    counter = 0
    while not is_full(town):
        town.tidy()
        state = town.purse.state
        if len(made) < 8:
            counter += 1
            town.meet(shop, STAND)
            town.device.consent.arm(1000, 0)
            offer = messages.Offer(town.device.id, state.next_payment, counter, 10, (), 0)
            raw = messages.encode(offer, shop.kid, shop.sign)
            town.payer.offer(raw)
            town.payer.work()
            if town.payer.outcome is not None:
                assert town.payer.outcome.sw == status.JOURNAL_FULL
                break
            made.append(state.open_payments[-1])
        else:
            key = PaperKey(b"payer")
            offer_to(town, key, counter, 5)
            town.payee.cancel()
    # One offer is open, as many payments as there may be.
    town.meet(shop, STAND)
    for paid in made:
        closing = rng.choice(
            [messages.Void(paid.payment_hash), messages.Receipt(paid.payment_hash, 2)]
        )
        town.payer.close(messages.encode(closing, shop.kid, shop.sign), by_tap=False)
        town.payer.settle()
    assert not town.purse.state.open_payments
    town.tidy()
    checkpoint(town, [])
    town.tidy()
    assert not is_full(town)
    town.boot()
    assert town.device.id


def test_an_offer_that_is_open_when_the_journal_is_full_is_credited() -> None:
    town = Town(PERSON)
    payer = PaperKey(b"payer")
    offer = offer_to(town, payer, 1, 5)
    word = status.OK
    while word == status.OK:
        town.tidy()
        word = word_of(town.load, 1)
    assert word == status.JOURNAL_FULL
    before = town.purse.state.balance()
    town.payee.take(payment(town, payer, offer))
    assert town.purse.state.balance() == before + 5
    checkpoint(town, [])


@pytest.mark.parametrize("covered", range(2, 9))
def test_a_checkpoint_while_things_are_open(covered: int) -> None:
    """It covers up to this record; what was open there and what came after stays what it is."""
    town = Town(PERSON)
    shop, payer = PaperKey(b"shop"), PaperKey(b"payer")
    town.load(1_000)
    town.meet(shop, STAND)
    for counter in (1, 2):
        town.device.consent.arm(1000, 0)
        offer = messages.Offer(town.device.id, counter, counter, 100, (), 0)
        town.payer.offer(messages.encode(offer, shop.kid, shop.sign))
        town.payer.work()
    late = offer_to(town, payer, 1, 7)
    town.payee.cancel()
    opened = offer_to(town, payer, 1, 9)
    first, second = town.purse.state.open_payments
    town.payer.close(messages.encode(messages.Receipt(first.payment_hash, 2), shop.kid, shop.sign))
    town.payer.settle()
    assert town.purse.journal.next_sequence == 9
    unpaid = [(1, late.hash)] if covered >= 6 else []
    for again in (False, True):
        checkpoint(
            town, unpaid, covered + (again and town.purse.journal.next_sequence - 1 - covered)
        )
        town.tidy()
        town.boot()
        state = town.purse.state
        assert (state.balance(), state.open_offer.raw) == (800, opened.raw)
        assert [p.payment_hash for p in state.open_payments] == [second.payment_hash]
        assert state.numbers()[:2] == [3, 3]
        unpaid = [(1, late.hash)]
    town.meet(payer, PERSON)
    town.meet(shop, STAND)
    void = messages.decode(town.payee.take(payment(town, payer, late)), messages.Void)
    assert void.kid == town.device.id
    town.payee.take(payment(town, payer, opened))
    closing = messages.encode(messages.Void(second.payment_hash), shop.kid, shop.sign)
    town.payer.close(closing, by_tap=False)
    town.payer.settle()
    assert town.purse.state.balance() == 800 + 9 + 100


def history() -> Town:
    town = Town(PERSON)
    shop, payer = PaperKey(b"shop"), PaperKey(b"payer")
    town.load(1_000)
    town.meet(shop, STAND)
    town.device.consent.arm(1000, 0)
    offer = messages.Offer(town.device.id, 1, 1, 100, (), 0)
    town.payer.offer(messages.encode(offer, shop.kid, shop.sign))
    town.payer.work()
    paid = town.purse.state.open_payments[0]
    town.payer.close(messages.encode(messages.Receipt(paid.payment_hash, 2), shop.kid, shop.sign))
    town.payer.settle()
    town.payee.take(payment(town, payer, offer_to(town, payer, 1, 7)))
    checkpoint(town, [(9, bytes(32))], 3)
    town.statements.take(ISSUER.lists(messages.Epoch(9, None)))
    town.load(50)
    offer_to(town, payer, 2, 9)
    town.payee.cancel()
    return town


def test_a_damaged_device_boots_and_is_deposited() -> None:
    """A decayed byte in any record: it starts, says so, moves no money and gives what it has."""
    pages = sorted(history().flash.pages)
    for page in pages:
        town = history()
        decayed = bytearray(town.flash.pages[page])
        decayed[100] ^= 0x55
        town.flash.pages[page] = bytes(decayed)
        town.purse = Purse(type(town.purse.journal)(town.flash))
        town.purse.boot()
        if not town.purse.journal.damaged:
            continue  # unused bytes of the page
        town.boot()
        journal = town.purse.journal
        assert [kind for _, kind, _ in journal.walk(1)]
        assert town.device.firmware == FIRMWARE
        assert sum(town.purse.state.balances.values()) >= 0
        if town.device.certificate is not None:
            with pytest.raises(Refusal):
                offer_to(town, PaperKey(b"payer"), 9, 9)
            with pytest.raises(Refusal):
                town.load(1)
