# SPDX-License-Identifier: Apache-2.0
"""What a batch of transfers does to a few accounts: the rules of double entry, without a database.

The order and the words are TigerBeetle's. One thing differs: a linked chain whose transfers all
stand already is answered "exists" throughout, so that a batch may be repeated as it was.

A transfer can be of four kinds:
1. posted at once;
2. pending: debits and credits are reserved, not booked;
3. posting a pending one, in full or in part (the rest is released);
4. voiding a pending one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from duotap_host.ledger.codes import AccountFlag, TransferFlag
from duotap_host.ledger.interface import NO_ID, Account, Result, Transfer

AMOUNT_MAX = 1 << 62  # a sum of two stays within the 64 bits of a column
POSTED, PENDING, VOIDED, EXPIRED = "posted", "pending", "voided", "expired"
ENDS = TransferFlag.POST_PENDING | TransferFlag.VOID_PENDING
EXCLUSIVE = TransferFlag.PENDING | ENDS


class Stored(NamedTuple):
    """A transfer that is in the book; `expires_us` 0 for never."""

    transfer: Transfer
    state: str
    expires_us: int


@dataclass(slots=True)
class Moved:
    """What a batch adds to the columns of one account; parts may be negative."""

    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0

    def __bool__(self) -> bool:
        return any(
            (self.debits_posted, self.credits_posted, self.debits_pending, self.credits_pending)
        )


@dataclass(slots=True)
class _View:
    """The accounts and transfers as they stand after the transfers taken so far."""

    accounts: dict[bytes, Account]
    stored: dict[bytes, Stored]
    new: dict[bytes, Stored] = field(default_factory=dict)
    ended: dict[bytes, str] = field(default_factory=dict)
    moved: dict[bytes, Moved] = field(default_factory=dict)

    def fork(self) -> _View:
        moved = {key: replace(value) for key, value in self.moved.items()}
        return _View(self.accounts, self.stored, dict(self.new), dict(self.ended), moved)

    def find(self, key: bytes) -> Stored | None:
        return self.new.get(key) or self.stored.get(key)

    def of(self, account: bytes) -> Moved:
        return self.moved.setdefault(account, Moved())


class Outcome(NamedTuple):
    """What is to be written: new transfers, how pending ones end, and what accounts gain."""

    results: tuple[Result, ...]
    new: tuple[Stored, ...]
    ended: dict[bytes, str]
    moved: dict[bytes, Moved]


def evaluate(
    transfers: Sequence[Transfer],
    accounts: dict[bytes, Account],
    stored: dict[bytes, Stored],
    now_us: int,
) -> Outcome:
    """The results of a batch, in order. `accounts` and `stored`: all that the batch names."""
    view = _View(accounts, stored)
    results: list[Result] = []
    for chain, is_open in _chains(transfers):
        trial = view.fork() if len(chain) > 1 else view
        outcome = _chain(trial, chain, is_open, now_us)
        if all(result.stands for result in outcome):
            view = trial
        results.extend(outcome)
    moved = {key: value for key, value in view.moved.items() if value}
    return Outcome(tuple(results), tuple(view.new.values()), view.ended, moved)


def _chains(transfers: Sequence[Transfer]) -> Iterable[tuple[list[Transfer], bool]]:
    """Runs of linked transfers with the one that ends them; True: the batch ended before it."""
    chain: list[Transfer] = []
    for transfer in transfers:
        chain.append(transfer)
        if not transfer.flags & TransferFlag.LINKED:
            yield chain, False
            chain = []
    if chain:
        yield chain, True


def _chain(view: _View, chain: list[Transfer], is_open: bool, now_us: int) -> list[Result]:
    """All or nothing: on a failure every other one is told that it was linked to it."""
    results = []
    for transfer in chain:
        results.append(_one(view, transfer, now_us))
        if not results[-1].stands:
            break
    failed = is_open or not results[-1].stands
    mixed = len(set(results)) > 1
    if not failed and not mixed:
        return results
    told = [Result.LINKED_EVENT_FAILED] * len(chain)
    if is_open:
        told[-1] = Result.LINKED_EVENT_CHAIN_OPEN
    elif failed:
        told[len(results) - 1] = results[-1]
    return told


def _one(view: _View, transfer: Transfer, now_us: int) -> Result:
    known = view.find(transfer.id)
    if known is not None:
        same = _identity(known.transfer) == _identity(_filled(view, transfer))
        return Result.EXISTS if same else Result.EXISTS_WITH_DIFFERENT_FIELDS
    if transfer.id == NO_ID:
        return Result.ID_MUST_NOT_BE_ZERO
    if (transfer.flags & EXCLUSIVE).bit_count() > 1:
        return Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if transfer.flags & ENDS:
        return _end(view, transfer, now_us)
    return _begin(view, transfer, now_us)


def _identity(transfer: Transfer) -> Transfer:
    """What makes two transfers of one id the same; the link to a neighbour is not part of it."""
    return replace(transfer, flags=transfer.flags & ~TransferFlag.LINKED)


def _filled(view: _View, transfer: Transfer) -> Transfer:
    """One that ends a pending transfer may leave out what that one says."""
    pending = view.find(transfer.pending) if transfer.flags & ENDS else None
    if pending is None:
        return transfer
    return replace(
        transfer,
        debit=pending.transfer.debit if transfer.debit == NO_ID else transfer.debit,
        credit=pending.transfer.credit if transfer.credit == NO_ID else transfer.credit,
        amount=transfer.amount or pending.transfer.amount,
    )


def _begin(view: _View, transfer: Transfer, now_us: int) -> Result:
    if not 0 < transfer.amount < AMOUNT_MAX:
        return Result.AMOUNT_MUST_BE_POSITIVE
    if transfer.debit == transfer.credit:
        return Result.ACCOUNTS_MUST_BE_DIFFERENT
    debit, credit = view.accounts.get(transfer.debit), view.accounts.get(transfer.credit)
    if debit is None:
        return Result.DEBIT_ACCOUNT_NOT_FOUND
    if credit is None:
        return Result.CREDIT_ACCOUNT_NOT_FOUND
    if debit.ledger != credit.ledger:
        return Result.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
    refusal = _exceeds(view, debit, credit, transfer.amount)
    if refusal is not None:
        return refusal
    is_pending = bool(transfer.flags & TransferFlag.PENDING)
    if is_pending:
        view.of(debit.id).debits_pending += transfer.amount
        view.of(credit.id).credits_pending += transfer.amount
    else:
        view.of(debit.id).debits_posted += transfer.amount
        view.of(credit.id).credits_posted += transfer.amount
    expires_us = now_us + transfer.timeout_us if is_pending and transfer.timeout_us else 0
    view.new[transfer.id] = Stored(transfer, PENDING if is_pending else POSTED, expires_us)
    return Result.CREATED


def _exceeds(view: _View, debit: Account, credit: Account, amount: int) -> Result | None:
    """What is pending counts against an account, never for it."""
    if debit.flags & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS:
        moved = view.of(debit.id)
        debits = debit.debits_posted + debit.debits_pending + amount
        debits += moved.debits_posted + moved.debits_pending
        if debits > debit.credits_posted + moved.credits_posted:
            return Result.EXCEEDS_CREDITS
    if credit.flags & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS:
        moved = view.of(credit.id)
        credits = credit.credits_posted + credit.credits_pending + amount
        credits += moved.credits_posted + moved.credits_pending
        if credits > credit.debits_posted + moved.debits_posted:
            return Result.EXCEEDS_DEBITS
    return None


def _end(view: _View, transfer: Transfer, now_us: int) -> Result:
    pending = view.find(transfer.pending)
    if pending is None:
        return Result.PENDING_TRANSFER_NOT_FOUND
    refusal = _unendable(view, pending, now_us)
    if refusal is not None:
        return refusal
    whole = pending.transfer
    filled = _filled(view, transfer)
    if (filled.debit, filled.credit) != (whole.debit, whole.credit):
        return Result.PENDING_TRANSFER_HAS_DIFFERENT_ACCOUNTS
    is_void = bool(transfer.flags & TransferFlag.VOID_PENDING)
    if is_void and filled.amount != whole.amount:
        return Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
    if not 0 < filled.amount <= whole.amount:
        return Result.EXCEEDS_PENDING_TRANSFER_AMOUNT
    debit, credit = view.of(whole.debit), view.of(whole.credit)
    debit.debits_pending -= whole.amount
    credit.credits_pending -= whole.amount
    if not is_void:
        debit.debits_posted += filled.amount
        credit.credits_posted += filled.amount
    view.ended[whole.id] = VOIDED if is_void else POSTED
    view.new[transfer.id] = Stored(filled, VOIDED if is_void else POSTED, 0)
    return Result.CREATED


def _unendable(view: _View, pending: Stored, now_us: int) -> Result | None:
    if not pending.transfer.flags & TransferFlag.PENDING:
        return Result.PENDING_TRANSFER_NOT_PENDING
    state = view.ended.get(pending.transfer.id, pending.state)
    if state == POSTED:
        return Result.PENDING_TRANSFER_ALREADY_POSTED
    if state == VOIDED:
        return Result.PENDING_TRANSFER_ALREADY_VOIDED
    if state == EXPIRED or (pending.expires_us and pending.expires_us <= now_us):
        return Result.PENDING_TRANSFER_EXPIRED
    return None
