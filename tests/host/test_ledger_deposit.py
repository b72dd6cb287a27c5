# SPDX-License-Identifier: Apache-2.0
"""What the ledger takes from outside, and what it hands out: deposits, heads, checkpoints."""

from __future__ import annotations

import hashlib

import pytest
from duotap import base, cbor, messages, records
from duotap.fold import State
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.interface import Foreign, Kind, NotFound, Refused, WrongIssuer
from duotap_host.reconcile.handover import UNPAID_MAX
from host.ledger_bench import PASSPHRASE, Town, codes_of
from host.paper_device import LIMITS, PaperDevice, person


@pytest.fixture
def town() -> Town:
    return Town()


def test_the_same_piece_twice_is_one(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    assert town.ledger.deposit(card.id, card.statements) == (2, 0)
    assert town.ledger.deposit(card.id, card.statements[1:]) == (0, 1)
    assert town.ledger.next_missing(card.id) == 3


def test_an_interrupted_pull_goes_on_where_it_was(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    for _ in range(6):
        card.unload(100)
    town.ledger.deposit(card.id, card.statements[:3])
    assert town.ledger.next_missing(card.id) == 4
    taken = town.ledger.put_head(card.head(town.ledger.new_challenge(card.id)))
    assert taken == (False, 4)
    town.ledger.deposit(card.id, card.statements[3:])
    assert town.ledger.next_missing(card.id) == 9
    assert town.ledger.reconcile().findings == ()


def test_garbage_is_no_piece_of_journal(town: Town) -> None:
    card = town.holder(7)
    for garbage in (b"", b"garbage", card.statements[0][:-1], card.statements[0] + b"\0"):
        with pytest.raises(Foreign, match="not a piece of journal"):
            town.ledger.deposit(card.id, [card.statements[0], garbage])
    assert town.ledger.next_missing(card.id) == 1


def test_heads_that_are_not_taken(town: Town) -> None:
    card, other = town.holder(7), town.holder(8)
    challenge = town.ledger.new_challenge(card.id)
    good = card.head(challenge)
    forged = PaperDevice(other.key, b"", 1, card.statements, card.state).head(challenge)
    stranger = person(town.issuer, 7)
    for raw, error, text in (
        (b"garbage", Foreign, "not a journal head"),
        (card.statements[0], Foreign, "not a journal head"),
        (card.head(bytes(16)), Foreign, "not over a challenge of this ledger"),
        (other.head(challenge), Foreign, "not over a challenge of this ledger"),
        (forged, Foreign, "not over a challenge"),
        (good[:-1] + bytes([good[-1] ^ 1]), Foreign, "signature is not of its device"),
        (stranger.head(challenge), NotFound, "not in this ledger's book"),
    ):
        with pytest.raises(error, match=text):
            town.ledger.put_head(raw)
    assert town.ledger.put_head(good).covers is False
    assert town.ledger.put_head(good).covers is False


def test_a_device_of_another_issuer_is_not_registered(town: Town) -> None:
    from pathlib import Path
    from tempfile import mkdtemp

    from duotap_host.issuer import Issuer

    town.holder(7)
    other = Issuer.create(Path(mkdtemp()) / "keys", PASSPHRASE, 1)
    with pytest.raises(WrongIssuer):
        town.ledger.register_device(person(other, 7).certificate)
    with pytest.raises(Foreign):
        town.ledger.register_device(b"garbage")
    with pytest.raises(NotFound, match="wallet:9"):
        town.ledger.register_device(person(town.issuer, 9).certificate)


def test_a_device_is_registered_once(town: Town) -> None:
    card = town.holder(7)
    before = town.ledger.devices()
    assert town.ledger.register_device(card.certificate) == before[0]
    assert town.ledger.devices() == before


def test_loads_that_are_refused_take_nothing(town: Town) -> None:
    card = town.holder(7)
    town.ledger.open_account(AccountCode.WALLET, 8)
    for amounts, account, text in (
        (((0, 100_000),), "wallet:8", "holds 0.00, which is not enough"),
        (((0, 100),), "wallet:9", "no account wallet:9"),
        (((0, 100),), "issuance", "no wallet"),
        (((0, 0),), "wallet:7", "at least 0.01"),
        (((0, -5),), "wallet:7", "at least 0.01"),
        ((), "wallet:7", "at least 0.01"),
        (((0, LIMITS.balance + 1),), "wallet:7", "more than the device may hold"),
    ):
        with pytest.raises((Refused, NotFound), match=text):
            town.ledger.issue_load(card.id, amounts, account)
    assert town.ledger.device(card.id).next_number == 1
    assert town.balance("wallet:7") == 100_000


def test_loads_between_two_syncs_have_a_cap(town: Town) -> None:
    town.holder(7, 200_000)
    card = person(town.issuer, 7, load_cap=30_000)
    town.ledger.register_device(card.certificate)
    town.load(card, 20_000, 7)
    with pytest.raises(Refused, match="above the cap of loads"):
        town.load(card, 20_000, 7)
    town.pull(card)
    town.ledger.reconcile()
    checkpoint = town.ledger.issue_checkpoint(card.id)
    assert checkpoint is not None
    card.take(checkpoint)
    town.load(card, 30_000, 7)


def test_a_checkpoint_carries_what_the_fold_says(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.pay(shop.offer(card, 6_660))
    town.pull(card)
    town.ledger.reconcile()
    raw = town.ledger.issue_checkpoint(card.id)
    assert raw is not None
    checkpoint = messages.decode(raw, messages.Checkpoint).message
    assert (checkpoint.covered, checkpoint.chain_hash) == (len(card.statements), card.tip)
    handed = town.ledger.next_statements(card.id)
    assert [each.kind for each in handed] == [Kind.BASE, Kind.STATEMENT]
    parts = [each.raw for each in handed[:-1]]
    assert handed[-1].raw == raw
    assert base.digest([hashlib.sha256(part).digest() for part in parts]) == checkpoint.base_hash
    state: State = base.load(parts[0])
    assert state.balances == card.state.balances
    assert state.open_payments == card.state.open_payments
    assert state.numbers() == card.state.numbers()


def test_there_is_one_line_of_checkpoints(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    town.pull(card)
    town.ledger.reconcile()
    first = town.ledger.issue_checkpoint(card.id)
    assert first is not None
    assert town.ledger.issue_checkpoint(card.id) == first  # not taken yet
    for part in [each.raw for each in town.ledger.next_statements(card.id)[:-1]]:
        card.write(records.BASE_PART, 2, 0, 1, part)
    card.take(first)
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.ledger.issue_checkpoint(card.id) is None  # nothing new but the checkpoint itself
    card.unload(100)
    town.pull(card)
    town.ledger.reconcile()
    second = town.ledger.issue_checkpoint(card.id)
    assert second is not None
    assert messages.decode(second, messages.Checkpoint).message.number == 3
    town.right()


def unpaid_in(town: Town, device: PaperDevice) -> list[int]:
    """Offer counters in the base that the device would be handed."""
    handed = town.ledger.next_statements(device.id)
    parts = [each.raw for each in handed if each.kind == Kind.BASE]
    return [counter for part in parts[1:] for counter, _ in cbor.decode(part)]


def unresolved(town: Town, device: PaperDevice) -> list[int]:
    """The same of a checkpoint that would be signed now."""
    town.ledger.reconcile()
    other = town.twin()
    other.ledger.issue_checkpoint(device.id)
    return unpaid_in(other, device)


def test_a_base_remembers_an_unpaid_offer_until_no_payment_can_come(town: Town) -> None:
    """Also one whose payment is on its way to be voided: a payee never voids what it forgot."""
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    payment = card.pay(shop.offer(card, 6_660))
    shop.unpaid()
    shop.offer(card, 700)
    shop.unpaid()
    town.pull(shop)
    assert unresolved(town, shop) == [1, 2]  # the card's journal is not here
    town.pull(card)
    assert unresolved(town, shop) == [1, 2]  # it paid offer 1, and comes to payment 2 next
    card.pay(town.merchant(13).offer(card, 1))
    town.pull(card)
    assert unresolved(town, shop) == [1]  # payment 2 went elsewhere
    shop.void(payment)
    town.pull(shop)
    assert unresolved(town, shop) == []


def test_a_base_has_room_for_so_many_unpaid_offers(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    for _ in range(UNPAID_MAX + 3):
        shop.offer(card, 100)
        shop.unpaid()
    town.pull(shop)
    town.ledger.reconcile()
    raw = town.ledger.issue_checkpoint(shop.id)
    assert raw is not None
    covered = messages.decode(raw, messages.Checkpoint).message.covered
    # Identity, then offer and V of each: up to the offer whose V has no room.
    assert covered == 1 + 2 * UNPAID_MAX + 1
    assert len(unpaid_in(town, shop)) == UNPAID_MAX
    town.right()


def test_statements_come_in_the_order_of_their_numbers(town: Town) -> None:
    card = town.holder(7)
    raws = [town.ledger.issue_load(card.id, ((0, n),), "wallet:7") for n in (100, 200, 300)]
    assert [each.raw for each in town.ledger.next_statements(card.id)] == raws
    card.take(raws[0])
    town.pull(card)
    assert [each.raw for each in town.ledger.next_statements(card.id)] == raws[1:]


def test_the_sum_of_used_begins_anew_at_each_checkpoint(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 50_000, 7)
    for amount in (1_000, 2_000):
        card.closed(shop.close(card.pay(shop.offer(card, amount))))
        town.pull(card)
        town.ledger.reconcile()
        checkpoint = town.ledger.issue_checkpoint(card.id)
        assert checkpoint is not None
        parts = [each.raw for each in town.ledger.next_statements(card.id)]
        used = cbor.decode(parts[0])[6]
        assert used[:2] == [1, amount]
        card.take(checkpoint)
    assert codes_of(town.ledger.findings()) == []
