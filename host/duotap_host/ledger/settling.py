# SPDX-License-Identifier: Apache-2.0
"""Booking what reconciling found: moves become linked transfers.

A move is posted only while its subject is in the generation that was read, in the transaction that
raises it. Whoever comes second sees that, and reconciles again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from duotap_host.ledger import accounts
from duotap_host.ledger.codes import TransferCode, TransferFlag
from duotap_host.ledger.interface import LedgerError, Result, Transfer
from duotap_host.ledger.kept import select
from duotap_host.ledger.post import post
from duotap_host.reconcile.archive import Line
from duotap_host.reconcile.booking import Booked, Move, Posting

SETTLED = "SELECT subject, state, generation FROM settlements WHERE subject IN ({keys})"
GENERATION = "SELECT generation FROM settlements WHERE subject = :subject"
POSTINGS = (
    "SELECT t.subject, t.id, d.name, c.name, t.amount, t.code, t.corrects_id FROM transfers t"
    " JOIN accounts d ON d.id = t.debit_id JOIN accounts c ON c.id = t.credit_id"
    " WHERE t.subject IN ({keys}) ORDER BY t.code, t.created_us, t.id"
)
BEGIN = (
    "INSERT INTO settlements (subject, kind, state, generation, amount, debtor, creditor,"
    " opened_us) VALUES (:subject, :kind, :state, 1, :amount, :debtor, :creditor, :now)"
    " ON CONFLICT (subject) DO NOTHING"
)
GO_ON = (
    "UPDATE settlements SET state = :state, generation = generation + 1"
    " WHERE subject = :subject AND generation = :generation"
)


class Stale(Exception):
    """Another one booked this subject meanwhile: nothing of this transaction stands."""


def booked(connection: Connection, subjects: Collection[bytes]) -> dict[bytes, Booked]:
    """What the book has of these."""
    postings: dict[bytes, list[Posting]] = {}
    for row in select(connection, POSTINGS, subjects):
        subject, key, debit, credit, amount, code, corrects = row
        line = Line(debit, credit, amount, TransferCode(code))
        posting = Posting(bytes(key), line, bytes(corrects))
        postings.setdefault(bytes(subject), []).append(posting)
    found = {}
    for subject, state, generation in select(connection, SETTLED, subjects):
        of = tuple(postings.get(bytes(subject), ()))
        found[bytes(subject)] = Booked(state, generation, of)
    return found


def book(
    connection: Connection, ledger: int, moves: Sequence[Move], now_us: int
) -> tuple[Result, ...]:
    """Post moves; for each the result of the transfer that it failed with, or CREATED. Raises
    Stale."""
    names = {name for move in moves for p in move.postings for name in (p.line[0], p.line[1])}
    accounts.open_purses(connection, ledger, names, now_us)
    keys = accounts.keys_of(connection, sorted(names))
    for name in sorted(names - keys.keys()):
        raise LedgerError(f"there is no account {name}; open it and reconcile again")
    transfers = [transfer for move in moves for transfer in _linked(move, keys)]
    results = post(connection, ledger, transfers, now_us)
    outcome = []
    at = 0
    for move in moves:
        of = results[at : at + len(move.postings)]
        at += len(move.postings)
        outcome.append(_worst(of))
        if outcome[-1].stands:
            _advance(connection, move, now_us)
        else:
            _check_current(connection, move)
    return tuple(outcome)


def _linked(move: Move, keys: Mapping[str, bytes]) -> Iterable[Transfer]:
    for number, posting in enumerate(move.postings, 1):
        is_last = number == len(move.postings)
        line = posting.line
        yield Transfer(
            posting.id,
            keys[line.debit],
            keys[line.credit],
            line.amount,
            line.code,
            TransferFlag.NONE if is_last else TransferFlag.LINKED,
            corrects=posting.corrects,
            subject=move.position.subject,
        )


def _worst(results: Sequence[Result]) -> Result:
    """The reason for which a chain failed, if it did."""
    failed = [result for result in results if not result.stands]
    failed.sort(key=lambda result: result == Result.LINKED_EVENT_FAILED)
    return failed[0] if failed else Result.CREATED


def _check_current(connection: Connection, move: Move) -> None:
    """A refusal counts only if it was not another one's booking that led to it."""
    row = connection.execute(text(GENERATION), {"subject": move.position.subject}).first()
    if (0 if row is None else row[0]) != move.generation:
        raise Stale


def _advance(connection: Connection, move: Move, now_us: int) -> None:
    position = move.position
    row = {"subject": position.subject, "state": position.state, "generation": move.generation}
    if move.generation:
        changed = connection.execute(text(GO_ON), row)
    else:
        row |= {
            "kind": position.kind,
            "amount": position.amount,
            "debtor": position.debtor,
            "creditor": position.creditor,
            "now": now_us,
        }
        changed = connection.execute(text(BEGIN), row)
    if changed.rowcount != 1:
        raise Stale
