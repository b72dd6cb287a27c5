# SPDX-License-Identifier: Apache-2.0
"""Posting: every result that TigerBeetle's words name, two-phase transfers, linked chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from duotap_host.ledger import ids
from duotap_host.ledger.codes import AccountCode, AccountFlag, TransferCode, TransferFlag
from duotap_host.ledger.database import transact
from duotap_host.ledger.evaluate import Outcome, Stored, evaluate
from duotap_host.ledger.interface import NO_ID, Account, Refused, Result, Transfer
from duotap_host.ledger.post import BATCH_MAX, expire
from host.ledger_bench import OPENED_US, Town
from hypothesis import given
from hypothesis import strategies as st

A, B, C, X = (bytes([n]) * 16 for n in (1, 2, 3, 9))
LINKED, PENDING = TransferFlag.LINKED, TransferFlag.PENDING
POST, VOID = TransferFlag.POST_PENDING, TransferFlag.VOID_PENDING
NO_DEBT = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
NO_CREDIT = AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS


def account(key: bytes, flags: AccountFlag = AccountFlag.NONE, ledger: int = 156) -> Account:
    return Account(key, ledger, AccountCode.WALLET, key.hex(), "", 1, None, 0, flags)


def move(number: int, debit: bytes, credit: bytes, amount: int, **more: object) -> Transfer:
    key = number.to_bytes(16, "big")
    return replace(Transfer(key, debit, credit, amount, TransferCode.MOVE), **more)


def ending(number: int, pending: int, flag: TransferFlag, amount: int = 0) -> Transfer:
    of = pending.to_bytes(16, "big")
    return move(number, NO_ID, NO_ID, amount, flags=flag, pending=of)


def run(*transfers: Transfer, now: int = 0, **accounts: Account) -> Outcome:
    found = accounts or {"a": account(A), "b": account(B), "c": account(C)}
    return evaluate(transfers, {each.id: each for each in found.values()}, {}, now)


BROKEN: list[tuple[Result, Transfer]] = [
    (Result.ID_MUST_NOT_BE_ZERO, move(0, A, B, 1)),
    (Result.AMOUNT_MUST_BE_POSITIVE, move(1, A, B, 0)),
    (Result.AMOUNT_MUST_BE_POSITIVE, move(1, A, B, -5)),
    (Result.AMOUNT_MUST_BE_POSITIVE, move(1, A, B, 1 << 62)),
    (Result.ACCOUNTS_MUST_BE_DIFFERENT, move(1, A, A, 5)),
    (Result.DEBIT_ACCOUNT_NOT_FOUND, move(1, X, B, 5)),
    (Result.CREDIT_ACCOUNT_NOT_FOUND, move(1, A, X, 5)),
    (Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE, move(1, A, B, 5, flags=PENDING | POST)),
    (Result.PENDING_TRANSFER_NOT_FOUND, ending(1, 7, POST)),
]


@pytest.mark.parametrize(("result", "transfer"), BROKEN)
def test_what_is_refused(result: Result, transfer: Transfer) -> None:
    outcome = run(transfer)
    assert outcome.results == (result,)
    assert (outcome.new, outcome.moved) == ((), {})


def test_currencies_do_not_mix() -> None:
    outcome = run(move(1, A, B, 5), a=account(A), b=account(B, ledger=840))
    assert outcome.results == (Result.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER,)


def test_limits_hold_within_a_batch() -> None:
    a, b = account(A, NO_DEBT), account(B)
    outcome = run(move(1, B, A, 5), move(2, A, B, 4), move(3, A, B, 2), a=a, b=b)
    assert outcome.results == (Result.CREATED, Result.CREATED, Result.EXCEEDS_CREDITS)


def test_what_is_pending_counts_against_an_account_and_never_for_it() -> None:
    a, b = account(A, NO_DEBT), account(B)
    outcome = run(
        move(1, B, A, 5),
        move(2, A, B, 4, flags=PENDING),
        move(3, A, B, 2),
        move(4, B, A, 9, flags=PENDING),
        move(5, A, B, 2),
        a=a,
        b=b,
    )
    assert outcome.results[2] == outcome.results[4] == Result.EXCEEDS_CREDITS
    assert run(move(1, B, A, 5), a=account(A, NO_CREDIT), b=b).results == (Result.EXCEEDS_DEBITS,)


def test_a_pending_transfer_is_posted_in_part_and_the_rest_released() -> None:
    outcome = run(move(1, A, B, 10, flags=PENDING), ending(2, 1, POST, 7))
    assert outcome.results == (Result.CREATED, Result.CREATED)
    assert (outcome.moved[A].debits_posted, outcome.moved[A].debits_pending) == (7, 0)


ENDED: list[tuple[Result, Transfer, Transfer]] = [
    (Result.PENDING_TRANSFER_ALREADY_POSTED, ending(2, 1, POST), ending(3, 1, VOID)),
    (Result.PENDING_TRANSFER_ALREADY_VOIDED, ending(2, 1, VOID), ending(3, 1, POST)),
    (Result.EXCEEDS_PENDING_TRANSFER_AMOUNT, move(9, A, B, 1), ending(3, 1, POST, 11)),
    (Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT, move(9, A, B, 1), ending(3, 1, VOID, 9)),
    (Result.PENDING_TRANSFER_NOT_PENDING, move(9, A, B, 1), ending(3, 9, POST)),
    (
        Result.PENDING_TRANSFER_HAS_DIFFERENT_ACCOUNTS,
        move(9, A, B, 1),
        replace(ending(3, 1, POST), debit=B, credit=A),
    ),
]


@pytest.mark.parametrize(("result", "before", "transfer"), ENDED)
def test_a_pending_transfer_ends_once(
    result: Result, before: Transfer, transfer: Transfer
) -> None:
    outcome = run(move(1, A, B, 10, flags=PENDING), before, transfer)
    assert outcome.results[2] == result


def test_a_pending_transfer_expires() -> None:
    known = Stored(move(1, A, B, 10, flags=PENDING, timeout_us=5), "pending", 5)
    accounts = {A: account(A), B: account(B)}
    for now, result in ((4, Result.CREATED), (5, Result.PENDING_TRANSFER_EXPIRED)):
        outcome = evaluate([ending(2, 1, POST)], accounts, {known.transfer.id: known}, now)
        assert outcome.results == (result,)


def test_a_chain_stands_or_falls_as_one() -> None:
    a, b = account(A, NO_DEBT), account(B)
    outcome = run(
        move(1, B, A, 5, flags=LINKED),
        move(2, A, B, 9, flags=LINKED),
        move(3, B, A, 1),
        move(4, B, A, 3),
        a=a,
        b=b,
    )
    failed = Result.LINKED_EVENT_FAILED
    assert outcome.results == (failed, Result.EXCEEDS_CREDITS, failed, Result.CREATED)
    assert outcome.moved[A].credits_posted == 3


def test_a_chain_must_end_within_its_batch() -> None:
    outcome = run(move(1, A, B, 5, flags=LINKED), move(2, A, B, 5, flags=LINKED))
    assert outcome.results == (Result.LINKED_EVENT_FAILED, Result.LINKED_EVENT_CHAIN_OPEN)
    assert outcome.moved == {}


@pytest.fixture
def book() -> tuple[Town, Callable[..., Transfer]]:
    """A ledger with two accounts, and transfers between them."""
    town = Town()
    keys = {}
    for number in (1, 2):
        keys[number] = town.ledger.open_account(AccountCode.WALLET, number).id
    town.ledger.fund("wallet:1", 100)

    def between(debit: int, credit: int, amount: int, **more: object) -> Transfer:
        made = move(1, keys[debit], keys[credit], amount, **more)
        return replace(made, id=ids.random_id())

    return town, between


def test_the_same_transfer_is_booked_once(book: tuple[Town, Callable[..., Transfer]]) -> None:
    town, between = book
    transfer = between(1, 2, 30)
    assert town.ledger.post([transfer, transfer]) == (Result.CREATED, Result.EXISTS)
    assert town.ledger.post([transfer]) == (Result.EXISTS,)
    other = replace(transfer, amount=31)
    assert town.ledger.post([other]) == (Result.EXISTS_WITH_DIFFERENT_FIELDS,)
    assert town.balance("wallet:2") == 30
    town.right()


def test_a_chain_may_be_repeated(book: tuple[Town, Callable[..., Transfer]]) -> None:
    town, between = book
    chain = [between(1, 2, 30, flags=LINKED), between(2, 1, 10)]
    assert town.ledger.post(chain) == (Result.CREATED, Result.CREATED)
    assert town.ledger.post(chain) == (Result.EXISTS, Result.EXISTS)
    half = [replace(chain[1], flags=LINKED), between(2, 1, 10)]
    assert set(town.ledger.post(half)) == {Result.LINKED_EVENT_FAILED}
    town.right()


def test_two_phases_in_the_database(book: tuple[Town, Callable[..., Transfer]]) -> None:
    town, between = book
    held = between(1, 2, 30, flags=PENDING)
    town.ledger.post([held])
    assert town.ledger.account("wallet:1").available == 70
    town.right()
    posted = replace(ending(5, 1, POST, 20), pending=held.id)
    assert town.ledger.post([posted, posted]) == (Result.CREATED, Result.EXISTS)
    assert town.balance("wallet:2") == 20
    assert town.ledger.account("wallet:1").available == 80
    void = replace(ending(6, 1, VOID), pending=held.id)
    assert town.ledger.post([void]) == (Result.PENDING_TRANSFER_ALREADY_POSTED,)
    town.right()


def test_time_ends_what_is_pending(book: tuple[Town, Callable[..., Transfer]]) -> None:
    town, between = book
    held = between(1, 2, 30, flags=PENDING, timeout_us=1_000)
    town.ledger.post([held, between(1, 2, 5, flags=PENDING)])
    ledger, engine = town.ledger.currency, town.ledger.engine
    assert transact(engine, lambda c: expire(c, ledger, OPENED_US)) == 0
    assert transact(engine, lambda c: expire(c, ledger, OPENED_US + 1_000_000)) == 1
    assert town.ledger.account("wallet:1").available == 95
    post = replace(ending(5, 1, POST), pending=held.id)
    assert town.ledger.post([post]) == (Result.PENDING_TRANSFER_EXPIRED,)
    town.right()


def test_a_batch_has_a_size(book: tuple[Town, Callable[..., Transfer]]) -> None:
    town, between = book
    assert len(set(town.ledger.post([between(1, 2, 1)] * BATCH_MAX))) == 2
    with pytest.raises(Refused, match="8190"):
        town.ledger.post([between(1, 2, 1)] * (BATCH_MAX + 1))


KEYS = st.sampled_from([A, B, C])
FLAGS = st.sampled_from([TransferFlag.NONE, LINKED, PENDING, POST, VOID, LINKED | PENDING])
TRANSFERS = st.builds(
    lambda number, debit, credit, amount, flags, pending: move(
        number,
        debit,
        credit,
        amount,
        flags=flags,
        pending=pending.to_bytes(16, "big") if flags & (POST | VOID) else NO_ID,
    ),
    st.integers(1, 6),
    KEYS,
    KEYS,
    st.integers(1, 20),
    FLAGS,
    st.integers(1, 6),
)


@given(st.lists(TRANSFERS, max_size=12), st.lists(TRANSFERS, max_size=12))
def test_no_batch_breaks_a_rule(first: list[Transfer], second: list[Transfer]) -> None:
    """Σ debits = Σ credits, limits hold, and nothing pending is negative, in the database."""
    town = Town()
    keys = {}
    for number, key in enumerate((A, B, C), 1):
        keys[key] = town.ledger.open_account(AccountCode.WALLET, number).id
    town.ledger.fund("wallet:1", 25)
    for batch in (first, second):
        town.ledger.post([replace(t, debit=keys[t.debit], credit=keys[t.credit]) for t in batch])
        town.right()
        assert all(each.available >= 0 for each in town.ledger.accounts() if each.flags & NO_DEBT)
    town.ledger.close()
