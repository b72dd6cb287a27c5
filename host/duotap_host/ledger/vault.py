# SPDX-License-Identifier: Apache-2.0
"""The archive of journals: records and heads as they were handed in, and challenges.

It takes whatever has the shape of a record; what is true shows when a head covers it
(`reconcile.chains`). Rows are written once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from duotap import cose, messages, record
from duotap.errors import Refusal
from sqlalchemy import Connection, text

from duotap_host.issuer.es256 import verify
from duotap_host.ledger import ids, kept, registry, sets
from duotap_host.ledger.interface import Deposited, Device, Foreign
from duotap_host.reconcile.archive import Archive, Archived, Award, HeadSeen, Issued

if TYPE_CHECKING:
    from typing import Any

STATEMENTS_MAX = 4096  # of one call; bounds a transaction
PUT_RECORDS = (
    "INSERT INTO records (device, sequence, hash, previous, kind, statement, checked, archived_us)"
    " VALUES {rows} ON CONFLICT (device, sequence, hash) DO NOTHING"
)
MARK_CHECKED = (
    "UPDATE records SET checked = TRUE FROM (VALUES {rows}) AS found"
    " WHERE records.device = column1 AND sequence = column2 AND records.hash = column3"
)
PUT_HEAD = (
    "INSERT INTO heads (hash, device, sequence, chain_hash, raw, received_us)"
    " VALUES (:hash, :device, :sequence, :chain_hash, :raw, :now) ON CONFLICT (hash) DO NOTHING"
)
PUT_CHALLENGE = (
    "INSERT INTO challenges (challenge, device, issued_us) VALUES (:challenge, :device, :now)"
)
RECORD_COLUMNS = "device, sequence, hash, previous, kind, statement, checked"
HEAD_COLUMNS = "hash, device, sequence, chain_hash, raw"


def put_records(
    connection: Connection, device: bytes, statements: Sequence[bytes], now_us: int
) -> Deposited:
    """Archive statements of records. Foreign if one is none."""
    if len(statements) > STATEMENTS_MAX:
        raise Foreign(f"a piece of journal holds at most {STATEMENTS_MAX} records")
    rows = []
    for statement in statements:
        try:
            found = record.decode(statement)
        except Refusal as refusal:
            raise Foreign(f"this is not a piece of journal: {refusal.reason}") from None
        key = (device, found.sequence, record.hash_of(statement))
        rows.append((*key, found.previous, found.type, statement, False, now_us))
    taken = 0
    for part in sets.parts(rows):
        marks, values = sets.rows(part)
        taken += connection.execute(text(PUT_RECORDS.format(rows=marks)), values).rowcount
    if taken:
        kept.changed(connection, device)
    return Deposited(taken, len(statements) - taken)


def new_challenge(connection: Connection, device: bytes, now_us: int) -> bytes:
    """16 random bytes, kept for the head that will be signed over them."""
    challenge = ids.random_id()
    row = {"challenge": challenge, "device": device, "now": now_us}
    connection.execute(text(PUT_CHALLENGE), row)
    return challenge


def put_head(connection: Connection, raw: bytes, now_us: int) -> bytes:
    """Keep a head; returns its device. Foreign unless the device signed it over a challenge of
    this ledger; NotFound if the device is not in the book."""
    try:
        signed = messages.decode(raw, messages.Head)
    except Refusal as refusal:
        raise Foreign(f"this is not a journal head: {refusal.reason}") from None
    device = registry.find(connection, signed.kid)
    head = signed.message
    try:
        cose.verify(signed, device.public_key, verify)
    except Refusal:
        raise Foreign("the head's signature is not of its device") from None
    query = text("SELECT device FROM challenges WHERE challenge = :challenge")
    asked = connection.execute(query, {"challenge": head.challenge}).first()
    if asked is None or bytes(asked[0]) != device.id:
        raise Foreign("the head is not over a challenge of this ledger")
    row = {
        "hash": signed.hash,
        "device": device.id,
        "sequence": head.sequence,
        "chain_hash": head.chain_hash,
        "raw": raw,
        "now": now_us,
    }
    if connection.execute(text(PUT_HEAD), row).rowcount:
        kept.changed(connection, device.id)
    return device.id


def records_of(connection: Connection) -> Iterable[Archived]:
    """All archived records."""
    return map(archived_in, connection.execute(text(f"SELECT {RECORD_COLUMNS} FROM records")))


def archived_in(row: Sequence[Any]) -> Archived:
    """A record from RECORD_COLUMNS."""
    device, sequence, record_hash, previous, kind, statement, checked = row[:7]
    body = bytes(statement)[record.HEAD_SIZE :]
    hashes = bytes(record_hash), bytes(previous)
    return Archived(bytes(device), sequence, *hashes, kind, body, bool(checked))


def heads_of(connection: Connection) -> Iterable[HeadSeen]:
    """All heads."""
    return heads_in(connection.execute(text(f"SELECT {HEAD_COLUMNS} FROM heads")))


def heads_in(rows: Iterable[Any]) -> Iterable[HeadSeen]:
    """Heads from HEAD_COLUMNS."""
    for key, owner, sequence, chain_hash, raw in rows:
        yield HeadSeen(bytes(key), bytes(owner), sequence, bytes(chain_hash), bytes(raw))


def archive(
    connection: Connection,
    devices: Collection[Device],
    issued: Sequence[Issued],
    paid: Sequence[Award],
) -> Archive:
    """Everything, as reconciling wants it."""
    records: dict[bytes, list[Archived]] = {}
    for archived in records_of(connection):
        records.setdefault(archived.device, []).append(archived)
    heads: dict[bytes, list[HeadSeen]] = {}
    for head in heads_of(connection):
        heads.setdefault(head.device, []).append(head)
    return Archive(registry.known(devices), records, heads, issued, paid)


def mark_checked(connection: Connection, keys: Iterable[tuple[bytes, int, bytes]]) -> None:
    """All signatures of these records were verified; keys of device, sequence and hash."""
    for part in sets.parts(sorted(keys)):
        marks, values = sets.rows(part)
        connection.execute(text(MARK_CHECKED.format(rows=marks)), values)
