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
from duotap.purse import RESERVE_PAGES, Purse
from duotap.statements import BASE_PARTS_MAX, Statements
from issuing import EXPIRY, FIRMWARE, LIMITS, Bench, Issuer
from longer import long
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


def sell_until_full(town: Town, rng: random.Random, payer: PaperKey) -> list[Any]:
    """Sales, loads and many offers that nobody pays; returns those."""
    closed: list[Any] = []
    while not is_full(town):
        town.tidy()
        if rng.random() < 0.15:
            town.load(1)
        if is_full(town):
            break
        offer = offer_to(town, payer, 1, 5)
        if rng.random() < 0.8:
            closed.append(offer)
            town.payee.cancel()
        else:
            town.payee.take(payment(town, payer, offer))
    return closed


def pay_late(town: Town, payer: PaperKey, offers: list[Any]) -> None:
    """Each is paid late, twice, while there is no room: the reserve stays."""
    for offer in offers:
        for previous in (0, 1):
            word = word_of(town.payee.take, payment(town, payer, offer, previous))
            assert word in (status.OK, status.JOURNAL_FULL, status.ASK_LEDGER)
    assert town.purse.journal.pages_free() > RESERVE_PAGES - 16  # one sector's tail


@pytest.mark.parametrize("seed", range(4))
def test_a_full_stand_can_be_emptied(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    town, payer = Town(STAND), PaperKey(b"payer")
    statements_of_all_kinds(town, rng)
    town.tidy()
    for round_ in range(3):
        closed = sell_until_full(town, rng, payer)
        assert len(closed) > 10
        pay_late(town, payer, rng.sample(closed, 10) + closed[-12:])
        town.tidy()
        checkpoint(
            town, [(n + 1, bytes([round_]) * 28 + n.to_bytes(4, "big")) for n in range(UNPAID_MAX)]
        )
        town.tidy()
        assert not is_full(town)
        if rng.random() < 0.5:
            town.boot()
        assert town.device.certificate is not None
        assert town.purse.state.list_epochs() == [9]
        assert town.device.effective.ceiling == 500


def pay(town: Town, shop: PaperKey, counter: int, amount: int = 10) -> int:
    """Pay an offer of this counter; the status word of what became of it."""
    town.meet(shop, STAND)
    town.device.consent.arm(1000, 0)
    state = town.purse.state
    offer = messages.Offer(town.device.id, state.next_payment, counter, amount, (), 0)
    town.payer.offer(messages.encode(offer, shop.kid, shop.sign))
    town.payer.work()
    return town.payer.outcome.sw if town.payer.outcome else status.OK


def close(town: Town, shop: PaperKey, closing: Any) -> None:
    town.meet(shop, STAND)
    town.payer.close(messages.encode(closing, shop.kid, shop.sign), by_tap=False)
    town.payer.settle()


@pytest.mark.parametrize("seed", long(0, 1, 2, 3))
def test_a_full_card_can_end_all_that_it_began(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(100 + seed)
    town, shop = Town(PERSON), PaperKey(b"shop")
    town.load(50_000)
    statements_of_all_kinds(town, rng)
    town.tidy()
    for counter in range(1, 9):
        assert pay(town, shop, counter) == status.OK
    while not is_full(town):
        town.tidy()
        offer_to(town, PaperKey(b"payer"), 1, 5)
        town.payee.cancel()
    made = list(town.purse.state.open_payments)
    assert len(made) == 8
    for paid in made:
        of = paid.payment_hash
        close(town, shop, rng.choice([messages.Void(of), messages.Receipt(of, 2)]))
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
    for counter in (1, 2):
        assert pay(town, shop, counter, 100) == status.OK
    late = offer_to(town, payer, 1, 7)
    town.payee.cancel()
    opened = offer_to(town, payer, 1, 9)
    first, second = town.purse.state.open_payments
    close(town, shop, messages.Receipt(first.payment_hash, 2))
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
    close(town, shop, messages.Void(second.payment_hash))
    assert town.purse.state.balance() == 800 + 9 + 100


def history() -> Town:
    town = Town(PERSON)
    shop, payer = PaperKey(b"shop"), PaperKey(b"payer")
    town.load(1_000)
    assert pay(town, shop, 1, 100) == status.OK
    close(town, shop, messages.Receipt(town.purse.state.open_payments[0].payment_hash, 2))
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
