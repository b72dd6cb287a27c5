# SPDX-License-Identifier: Apache-2.0
"""Findings as rows, and the topics that they follow from: one that follows from none is gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, text

from duotap_host.ledger import ids, registry, sets
from duotap_host.ledger.interface import Finding
from duotap_host.ledger.kept import insert, select
from duotap_host.reconcile.findings import FREEZING, Sourced

OPEN, GONE, STANDING = "open", "gone", "standing"
HASH_BYTES = 32

# STANDING is what no topic brought and no run takes away.
PUT = (
    "INSERT INTO findings (id, code, device, evidence, en, zh, state, found_us) VALUES {rows}"
    " ON CONFLICT (id) DO UPDATE SET state = CASE findings.state WHEN 'standing'"
    " THEN findings.state ELSE excluded.state END"
)
COLUMNS = "code, device, evidence, en, zh"
STAND = f"SELECT {COLUMNS} FROM findings WHERE state <> 'gone'"
OF_DEVICE = f"{STAND} AND device = :device"
BY_TOPIC = "SELECT topic, finding FROM grounds WHERE topic IN ({keys})"
PUT_GROUNDS = "INSERT INTO grounds (topic, finding) VALUES {rows}"
DROP_GROUNDS = "DELETE FROM grounds WHERE topic = :topic AND finding = :finding"
BARE = (
    "UPDATE findings SET state = 'gone' WHERE state = 'open' AND id IN ({keys})"
    " AND NOT EXISTS (SELECT 1 FROM grounds g WHERE g.finding = findings.id)"
)
DEVICES = "SELECT DISTINCT device FROM findings WHERE id IN ({keys})"
TOPICS = "SELECT topic FROM grounds WHERE finding = :finding"
FROZEN = (
    "SELECT DISTINCT device FROM findings WHERE state <> 'gone' AND code IN"
    f" ({', '.join(repr(str(code)) for code in sorted(FREEZING))})"
)


def put(
    connection: Connection, topics: Collection[bytes], found: Iterable[Sourced], now_us: int
) -> set[bytes]:
    """From these topics follows this and nothing else. Returns the devices of what came or
    went."""
    wanted = {(topic, _key(each)): each for topic, each in found}
    before = {(bytes(topic), bytes(key)) for topic, key in select(connection, BY_TOPIC, topics)}
    new, gone = wanted.keys() - before, before - wanted.keys()
    findings = {pair[1]: wanted[pair] for pair in new}
    insert(connection, PUT, [_row(*each, OPEN, now_us) for each in sorted(findings.items())])
    insert(connection, PUT_GROUNDS, sorted(new))
    for topic, key in sorted(gone):
        connection.execute(text(DROP_GROUNDS), {"topic": topic, "finding": key})
    keys = sorted({key for _, key in gone})
    for part in sets.parts(keys):
        connection.execute(text(BARE.format(keys=sets.names(part))), sets.values(part))
    changed = {bytes(row[0]) for row in select(connection, DEVICES, keys)}
    return changed | {each.device for each in findings.values()}


def stand(connection: Connection, found: Finding, now_us: int) -> None:
    """A finding that stays."""
    insert(connection, PUT, [_row(_key(found), found, STANDING, now_us)])


def _row(key: bytes, found: Finding, state: str, now_us: int) -> tuple[object, ...]:
    evidence = b"".join(found.evidence)
    return key, found.code, found.device, evidence, found.en, found.zh, state, now_us


def findings(connection: Connection, device: bytes | None = None) -> tuple[Finding, ...]:
    """Those that stand, of one device or of all."""
    query, values = (STAND, {}) if device is None else (OF_DEVICE, {"device": device})
    found = []
    for code, of, evidence, en, zh in connection.execute(text(query), values):
        found.append(Finding(code, bytes(of), _split(bytes(evidence)), en, zh))
    return tuple(sorted(found))


def topics_of(connection: Connection, found: Finding) -> set[bytes]:
    """What a finding follows from."""
    rows = connection.execute(text(TOPICS), {"finding": _key(found)})
    return {bytes(row[0]) for row in rows}


def freezing(connection: Connection) -> set[bytes]:
    """Devices with a finding that freezes."""
    return {bytes(row[0]) for row in connection.execute(text(FROZEN))}


def freeze(connection: Connection, devices: Collection[bytes]) -> None:
    """Of these devices, exactly those with such a finding are frozen from now on."""
    frozen = freezing(connection)
    for device in sorted(devices):
        registry.freeze(connection, device, device in frozen)


def _key(found: Finding) -> bytes:
    return ids.derived("finding", found.code, found.device, *found.evidence, found.en)


def _split(evidence: bytes) -> tuple[bytes, ...]:
    return tuple(evidence[at : at + HASH_BYTES] for at in range(0, len(evidence), HASH_BYTES))
