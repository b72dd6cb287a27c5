# SPDX-License-Identifier: Apache-2.0
"""What was worked out from the archive, as rows: how far each journal was looked at, what is to be
booked, what findings follow from. `digest` says when they change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import cbor2
from duotap.fold import State
from sqlalchemy import Connection, text

from duotap_host.ledger import sets
from duotap_host.ledger.codes import TransferCode
from duotap_host.reconcile import folding
from duotap_host.reconcile.archive import HeadSeen, Line
from duotap_host.reconcile.chains import Chain
from duotap_host.reconcile.evidence import Seen
from duotap_host.reconcile.folding import Folded
from duotap_host.reconcile.matching import Position

if TYPE_CHECKING:
    from typing import Any


CHANGED = (
    "INSERT INTO journals (device, changes, digested, seen) VALUES (:device, 0, -1, :empty)"
    " ON CONFLICT (device) DO UPDATE SET changes = journals.changes + 1"
)
PUT_SEEN = "UPDATE journals SET digested = :changes, seen = :seen WHERE device = :device"
POSITION_COLUMNS = "subject, kind, state, lines, amount, debtor, creditor, ahead, booked"
PUT_POSITIONS = (
    f"INSERT INTO positions ({POSITION_COLUMNS}) VALUES {{rows}} ON CONFLICT (subject) DO UPDATE"
    " SET kind = excluded.kind, state = excluded.state, lines = excluded.lines,"
    " amount = excluded.amount, debtor = excluded.debtor, creditor = excluded.creditor,"
    " ahead = excluded.ahead, booked = excluded.booked"
)
PUT_SHADOWS = (
    "INSERT INTO shadows (device, scope, held, own) VALUES {rows} ON CONFLICT (device, scope)"
    " DO UPDATE SET held = shadows.held + excluded.held, own = shadows.own + excluded.own"
)


class Progress(NamedTuple):
    """How far a journal was looked at. `changes`: of what is here now; `seen`: None for not at
    all; `statements`: numbers below this were looked at."""

    device: bytes
    changes: int
    seen: Seen | None
    statements: int


class Standing(NamedTuple):
    """A position as it was worked out last."""

    position: Position
    ahead: bool
    booked: bool


class Shadow(NamedTuple):
    """Sums of a purse by scope (`schema.shadows`)."""

    held: dict[int, int]
    own: dict[int, int]


def changed(connection: Connection, device: bytes) -> None:
    """Something of this device is new: the next run looks at it."""
    connection.execute(text(CHANGED), {"device": device, "empty": b""})


def nothing_seen() -> Seen:
    """Of a journal that was not looked at yet."""
    return Seen(Chain(), Folded(State()))


def pack(seen: Seen, statements: int) -> bytes:
    """A journal as far as it was looked at, without its records."""
    chain = seen.chain
    return cbor2.dumps(
        [
            folding.pack(seen.folded),
            [chain.forked_at, chain.fork, chain.missing, chain.head, chain.other, chain.tip],
            sorted([hash, sequence] for hash, sequence in seen.unpaid.items()),
            sorted(seen.resolved),
            seen.synced,
            sorted(seen.offered),
            seen.reserved,
            seen.checkpointed,
            statements,
        ]
    )


def _unpack(raw: bytes) -> tuple[Seen | None, int]:
    if not raw:
        return None, 0
    folded, chained, unpaid, resolved, *rest = cbor2.loads(raw)
    synced, offered, reserved, checkpointed, statements = rest
    forked_at, fork, missing, head, other, (sequence, tip) = chained
    chain = Chain(
        forked_at=forked_at,
        fork=tuple(fork),
        missing=(missing[0], missing[1]),
        head=HeadSeen(*head) if head else None,
        other=HeadSeen(*other) if other else None,
        tip=(sequence, tip),
    )
    ranges = [(at, first, last) for at, first, last in reserved]
    seen = Seen(
        chain,
        folding.unpack(folded),
        dict(unpaid),
        set(resolved),
        set(offered),
        ranges,
        checkpointed=checkpointed,
        synced=synced,
    )
    return seen, statements


def progress(connection: Connection, device: bytes) -> Progress:
    """Of one device of the book."""
    query = text("SELECT changes, seen FROM journals WHERE device = :device")
    row = connection.execute(query, {"device": device}).one()
    return Progress(device, row[0], *_unpack(bytes(row[1])))


def put_progress(connection: Connection, found: Progress) -> None:
    """All that has come up to `changes` is worked out."""
    assert found.seen is not None
    raw = pack(found.seen, found.statements)
    row = {"device": found.device, "changes": found.changes, "seen": raw}
    connection.execute(text(PUT_SEEN), row)


def select(connection: Connection, query: str, keys: Iterable[Any]) -> Iterator[Any]:
    """Rows of a query with IN ({keys}), in parts that databases take."""
    for part in sets.parts(sorted(keys)):
        found = connection.execute(text(query.format(keys=sets.names(part))), sets.values(part))
        yield from found


def insert(connection: Connection, query: str, rows: Sequence[Sequence[Any]]) -> None:
    """Rows by a statement with VALUES {rows}."""
    for part in sets.parts(rows):
        marks, values = sets.rows(part)
        connection.execute(text(query.format(rows=marks)), values)


# Positions


def positions(connection: Connection, subjects: Collection[bytes]) -> dict[bytes, Standing]:
    """Those that are known, by subject."""
    query = f"SELECT {POSITION_COLUMNS} FROM positions WHERE subject IN ({{keys}})"
    return {
        each.position.subject: each for each in _standings(select(connection, query, subjects))
    }


def to_book(connection: Connection, after: bytes, count: int) -> list[Position]:
    """Positions that differ from the book, by ascending subject."""
    query = text(
        f"SELECT {POSITION_COLUMNS} FROM positions WHERE NOT booked AND subject > :after"
        " ORDER BY subject LIMIT :count"
    )
    rows = connection.execute(query, {"after": after, "count": count})
    return [each.position for each in _standings(rows)]


def awaiting(connection: Connection, creditor: bytes, *states: str) -> list[Position]:
    """Positions that go to this device, in these states."""
    query = (
        f"SELECT {POSITION_COLUMNS} FROM positions"
        f" WHERE creditor = :creditor AND state IN ({sets.names(states)})"
    )
    rows = connection.execute(text(query), {"creditor": creditor, **sets.values(states)})
    return [each.position for each in _standings(rows)]


def leaving(connection: Connection, debtor: bytes, state: str) -> list[Position]:
    """Positions that come from this device, in this state; looks at all."""
    where = "WHERE debtor = :debtor AND state = :state"
    query = text(f"SELECT {POSITION_COLUMNS} FROM positions {where}")
    rows = connection.execute(query, {"debtor": debtor, "state": state})
    return [each.position for each in _standings(rows)]


def everything(connection: Connection) -> Iterator[Standing]:
    """All positions."""
    return _standings(connection.execute(text(f"SELECT {POSITION_COLUMNS} FROM positions")))


def _standings(rows: Iterable[Any]) -> Iterator[Standing]:
    for row in rows:
        subject, kind, state, raw, amount, debtor, creditor, ahead, booked = row
        lines = tuple(
            Line(debit, credit, part, TransferCode(code))
            for debit, credit, part, code in cbor2.loads(bytes(raw))
        )
        position = Position(
            bytes(subject), kind, state, lines, amount, bytes(debtor), bytes(creditor)
        )
        yield Standing(position, bool(ahead), bool(booked))


def put_positions(connection: Connection, found: Iterable[Standing]) -> None:
    """In the place of what was known about their subjects."""
    rows = []
    for position, ahead, booked in sorted(found):
        subject, kind, state, lines, *rest = position
        raw = cbor2.dumps([list(line) for line in lines])
        rows.append((subject, kind, state, raw, *rest, ahead, booked))
    insert(connection, PUT_POSITIONS, rows)


def mark_booked(connection: Connection, subjects: Collection[bytes]) -> None:
    """These are in the book."""
    for part in sets.parts(sorted(subjects)):
        query = f"UPDATE positions SET booked = TRUE WHERE subject IN ({sets.names(part)})"
        connection.execute(text(query), sets.values(part))


# Shadows


def add_shadows(connection: Connection, moved: Mapping[tuple[bytes, int], Sequence[int]]) -> None:
    """Add to sums, by device and scope: held, own."""
    insert(connection, PUT_SHADOWS, [(*key, *by) for key, by in sorted(moved.items()) if any(by)])


def shadows(connection: Connection, devices: Collection[bytes]) -> dict[bytes, Shadow]:
    """By device; none where nothing was ever moved."""
    found: dict[bytes, Shadow] = {}
    query = "SELECT device, scope, held, own FROM shadows WHERE device IN ({keys})"
    for device, scope, held, own in select(connection, query, devices):
        of = found.setdefault(bytes(device), Shadow({}, {}))
        of.held[scope], of.own[scope] = held, own
    return found


# Payments that their payee is to be handed


def await_payments(connection: Connection, found: Mapping[bytes, bytes]) -> None:
    """Payments that were looked at, with the payee that is to be handed each; empty: none is."""
    for part in sets.parts(sorted(found)):
        query = f"DELETE FROM awaited WHERE payment IN ({sets.names(part)})"
        connection.execute(text(query), sets.values(part))
    rows = sorted(each for each in found.items() if each[1])
    insert(connection, "INSERT INTO awaited (payment, payee) VALUES {rows}", rows)


def awaited(connection: Connection, payee: bytes) -> set[bytes]:
    """Payments that this device is to be handed."""
    query = text("SELECT payment FROM awaited WHERE payee = :payee")
    return {bytes(row[0]) for row in connection.execute(query, {"payee": payee})}
