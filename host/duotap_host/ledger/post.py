# SPDX-License-Identifier: Apache-2.0
"""Posting a batch: lock its accounts, evaluate it, write what it does, set by set.

Accounts are locked in the order of their ids, so that two batches never wait for each other. Each
account's limit is part of the update that moves it: whatever was read before, no row can break its
rule. It speaks SQL to the driver; SQLAlchemy's expressions cost several times the work here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from duotap_host.ledger import sets
from duotap_host.ledger.codes import AccountCode, AccountFlag, TransferCode, TransferFlag
from duotap_host.ledger.database import Again
from duotap_host.ledger.evaluate import EXPIRED, Moved, Stored, evaluate
from duotap_host.ledger.interface import NO_ID, Account, Refused, Result, Transfer

if TYPE_CHECKING:
    from typing import Any

BATCH_MAX = 8190  # TigerBeetle's; bounds the time that accounts stay locked

ACCOUNT_COLUMNS = (
    "id, ledger, code, name, title, holder, device, scope, flags,"
    " debits_posted, credits_posted, debits_pending, credits_pending"
)
TRANSFER_COLUMNS = (
    "id, ledger, debit_id, credit_id, amount, code, flags, state, pending_id, corrects_id,"
    " subject, expires_us, created_us"
)
INSERT = f"INSERT INTO transfers ({TRANSFER_COLUMNS}) VALUES "
END = "UPDATE transfers SET state = :state WHERE id = :id AND state = 'pending'"
# Both databases call the columns of a list of values column1, column2 ...
MOVE = """
UPDATE accounts SET
  debits_posted = debits_posted + column2, credits_posted = credits_posted + column3,
  debits_pending = debits_pending + column4, credits_pending = credits_pending + column5
FROM (VALUES {rows}) AS moved WHERE accounts.id = column1
AND (flags & {debits} = 0 OR debits_posted + column2 + debits_pending + column4
  <= credits_posted + column3)
AND (flags & {credits} = 0 OR credits_posted + column3 + credits_pending + column5
  <= debits_posted + column2)
"""
LIMITS = {
    "debits": int(AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS),
    "credits": int(AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS),
}


def post(
    connection: Connection, ledger: int, transfers: Sequence[Transfer], now_us: int
) -> tuple[Result, ...]:
    """Results in order. Raises Again when another transaction came between."""
    if len(transfers) > BATCH_MAX:
        raise Refused(f"a batch holds at most {BATCH_MAX} transfers")
    pending = {t.pending for t in transfers if t.pending != NO_ID}
    named = _stored(connection, pending)
    keys = {key for t in transfers for key in (t.debit, t.credit)} - {NO_ID}
    keys |= {key for s in named.values() for key in (s.transfer.debit, s.transfer.credit)}
    accounts = lock(connection, keys)
    stored = _stored(connection, pending | {t.id for t in transfers})
    outcome = evaluate(transfers, accounts, stored, now_us)
    _insert(connection, ledger, outcome.new, now_us)
    for key, state in sorted(outcome.ended.items()):
        # One that began in this very batch is inserted as pending and ends here as well.
        _expect_one(connection.execute(text(END), {"id": key, "state": state}).rowcount)
    _move(connection, outcome.moved)
    return outcome.results


def lock(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, Account]:
    """The accounts with these ids, each locked until the transaction ends."""
    suffix = " ORDER BY id" + ("" if connection.dialect.name == "sqlite" else " FOR UPDATE")
    found = {}
    for part in sets.parts(sorted(keys)):
        query = f"SELECT {ACCOUNT_COLUMNS} FROM accounts WHERE id IN ({sets.names(part)}){suffix}"
        for row in connection.execute(text(query), sets.values(part)):
            found[bytes(row[0])] = account_of(row)
    return found


def account_of(row: Any) -> Account:
    """An account from the columns of ACCOUNT_COLUMNS."""
    device = None if row[6] is None else bytes(row[6])
    code, flags = AccountCode(row[2]), AccountFlag(row[8])
    texts = (row[3], row[4], row[5], device, row[7], flags)
    return Account(bytes(row[0]), row[1], code, *texts, row[9], row[10], row[11], row[12])


def transfer_of(row: Any) -> Stored:
    """A transfer from the columns of TRANSFER_COLUMNS."""
    expires_us = row[11]
    transfer = Transfer(
        bytes(row[0]),
        bytes(row[2]),
        bytes(row[3]),
        row[4],
        TransferCode(row[5]),
        TransferFlag(row[6]),
        bytes(row[8]),
        bytes(row[9]),
        bytes(row[10]),
        expires_us - row[12] if expires_us else 0,
    )
    return Stored(transfer, row[7], expires_us)


def expire(connection: Connection, ledger: int, now_us: int) -> int:
    """End the pending transfers whose time is over; returns how many."""
    query = (
        f"SELECT {TRANSFER_COLUMNS} FROM transfers"
        " WHERE state = 'pending' AND expires_us > 0 AND expires_us <= :now ORDER BY id"
    )
    rows = connection.execute(text(query), {"now": now_us}).fetchmany(BATCH_MAX)
    due = [transfer_of(row).transfer for row in rows]
    lock(connection, {key for t in due for key in (t.debit, t.credit)})
    moved: dict[bytes, Moved] = {}
    for transfer in due:
        ended = connection.execute(text(END), {"id": transfer.id, "state": EXPIRED})
        _expect_one(ended.rowcount)
        moved.setdefault(transfer.debit, Moved()).debits_pending -= transfer.amount
        moved.setdefault(transfer.credit, Moved()).credits_pending -= transfer.amount
    _move(connection, moved)
    return len(due)


def _stored(connection: Connection, keys: set[bytes]) -> dict[bytes, Stored]:
    found = {}
    for part in sets.parts(sorted(keys)):
        query = f"SELECT {TRANSFER_COLUMNS} FROM transfers WHERE id IN ({sets.names(part)})"
        for row in connection.execute(text(query), sets.values(part)):
            found[bytes(row[0])] = transfer_of(row)
    return found


def _insert(connection: Connection, ledger: int, new: Sequence[Stored], now_us: int) -> None:
    for part in sets.parts(new):
        rows = []
        for transfer, state, expires_us in part:
            rows.append(
                (
                    transfer.id,
                    ledger,
                    transfer.debit,
                    transfer.credit,
                    transfer.amount,
                    int(transfer.code),
                    int(transfer.flags),
                    state,
                    transfer.pending,
                    transfer.corrects,
                    transfer.subject,
                    expires_us,
                    now_us,
                )
            )
        marks, values = sets.rows(rows)
        connection.execute(text(INSERT + marks), values)


def _move(connection: Connection, moved: dict[bytes, Moved]) -> None:
    for part in sets.parts(sorted(moved)):
        rows = []
        for key in part:
            by = moved[key]
            rows.append(
                (key, by.debits_posted, by.credits_posted, by.debits_pending, by.credits_pending)
            )
        marks, values = sets.rows(rows)
        query = MOVE.format(rows=marks, **LIMITS)
        if connection.execute(text(query), values).rowcount != len(part):
            raise Again


def _expect_one(count: int) -> None:
    if count != 1:
        raise Again
