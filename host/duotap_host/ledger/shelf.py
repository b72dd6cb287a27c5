# SPDX-License-Identifier: Apache-2.0
"""The archive, read by topic: what bears on a few things, however much there is (`topics`).

It works out nothing. What it has read once in a transaction it does not read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from duotap.certificate import decode_certificate
from sqlalchemy import Connection, text

from duotap_host.ledger import kept, orders, vault
from duotap_host.ledger.kept import Progress, insert, select
from duotap_host.reconcile import topics
from duotap_host.reconcile.archive import (
    Archive,
    Archived,
    Award,
    HeadSeen,
    Issued,
    KnownDevice,
)
from duotap_host.reconcile.evidence import Evidence, Seen, file_journal
from duotap_host.reconcile.reading import UNKNOWN_KEY, Entry, Problem, Reader, Verify

if TYPE_CHECKING:
    from typing import Any

KEY_BYTES = 16  # of a topic's key: two topics that share them are looked at together, no worse
Place = tuple[bytes, int, bytes]  # device, sequence, hash


class Stage(IntEnum):
    """How far a record has come."""

    NEW = 0
    HEARD = 1  # what it speaks of is noted
    COVERED = 2  # by a head


class Item(NamedTuple):
    """A record of the archive and how far it has come."""

    archived: Archived
    stage: Stage

    @property
    def place(self) -> Place:
        return self.archived.device, self.archived.sequence, self.archived.hash


COLUMNS = "r.device, r.sequence, r.hash, r.previous, r.kind, r.statement, r.checked, r.stage"
OF_DEVICE = f"SELECT {COLUMNS} FROM records r WHERE r.device = :device"
BY_KEY = (
    f"SELECT {COLUMNS} FROM mentions m JOIN records r ON r.device = m.device"
    " AND r.sequence = m.sequence AND r.hash = m.hash WHERE m.key IN ({keys})"
)
MENTION = (
    "INSERT INTO mentions (key, device, sequence, hash) VALUES {rows}"
    " ON CONFLICT (key, device, sequence, hash) DO NOTHING"
)
SET_STAGE = (
    "UPDATE records SET stage = {stage} FROM (VALUES {rows}) AS found"
    " WHERE records.device = column1 AND sequence = column2 AND records.hash = column3"
)
SET_REACHED = (
    "UPDATE heads SET reached = TRUE FROM (VALUES {rows}) AS found WHERE heads.hash = column1"
)
HEADS = f"SELECT {vault.HEAD_COLUMNS} FROM heads WHERE device = :device"
DEVICE = "SELECT public_key, certificate FROM devices WHERE id = :id"


class Devices(Mapping[bytes, KnownDevice]):
    """The ledger's own book of devices, read as it is asked for; what it says of one never
    changes. `known`: what was read before."""

    def __init__(self, connection: Connection, known: dict[bytes, KnownDevice]) -> None:
        self._connection = connection
        self._known = known

    def __getitem__(self, device: bytes) -> KnownDevice:
        if device not in self._known:
            row = self._connection.execute(text(DEVICE), {"id": device}).first()
            if row is None:
                raise KeyError(device)
            public, raw = map(bytes, row)
            certificate = decode_certificate(raw).message
            self._known[device] = KnownDevice(device, public, certificate, raw)
        return self._known[device]

    def __iter__(self) -> Iterator[bytes]:
        raise TypeError("not all devices are to be read")

    def __len__(self) -> int:
        raise TypeError("not all devices are to be read")


class PublicKeys(Mapping[bytes, bytes]):
    """Devices' keys, for the reader."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def __getitem__(self, device: bytes) -> bytes:
        return self._devices[device].public_key

    __iter__ = Devices.__iter__
    __len__ = Devices.__len__


class Journals(dict[bytes, Seen]):
    """Journals as far as they were looked at, read as they are asked for."""

    def __init__(self, connection: Connection, devices: Devices) -> None:
        super().__init__()
        self._connection = connection
        self._devices = devices

    def __missing__(self, device: bytes) -> Seen:
        if device not in self._devices:
            raise KeyError(device)
        self[device] = kept.progress(self._connection, device).seen or kept.nothing_seen()
        return self[device]

    def get(self, device: bytes, default: Any = None) -> Any:
        try:
            return self[device]
        except KeyError:
            return default


class Shelf:
    """The archive as one transaction sees it. `issuer`: public keys of this issuer by key id."""

    def __init__(
        self,
        connection: Connection,
        issuer: Mapping[bytes, bytes],
        verify: Verify,
        known: dict[bytes, KnownDevice],
    ) -> None:
        self.connection = connection
        self.devices = Devices(connection, known)
        self.reader = Reader(PublicKeys(self.devices), issuer, verify)
        self.journals = Journals(connection, self.devices)

    def progress(self, device: bytes) -> Progress:
        """How far a journal was looked at."""
        return kept.progress(self.connection, device)

    def records(self, device: bytes, where: str = "", **values: Any) -> list[Item]:
        """Of one device, or some of them by a condition."""
        query = text(OF_DEVICE + where)
        return _items(self.connection.execute(query, {"device": device, **values}))

    def heads(self, device: bytes, where: str = "") -> list[HeadSeen]:
        """Of one device, or some of them by a condition."""
        rows = self.connection.execute(text(HEADS + where), {"device": device})
        return list(vault.heads_in(rows))

    def read(self, item: Item) -> tuple[Entry, tuple[Problem, ...]]:
        """The record's verified messages."""
        return self.reader.read(item.archived)

    def keys(self, item: Item) -> set[bytes]:
        """The topics of a record."""
        entry, problems = self.read(item)
        return topics.keys(entry, [each for each in problems if each.code == UNKNOWN_KEY])

    def note(self, items: Iterable[Item]) -> set[bytes]:
        """Keep what these records speak of; returns it."""
        rows: set[tuple[Any, ...]] = set()
        found = set()
        for item in items:
            keys = self.keys(item)
            rows.update((key[:KEY_BYTES], *item.place) for key in keys)
            found |= keys
        insert(self.connection, MENTION, sorted(rows))
        return found

    def forget(self, keys: Collection[bytes]) -> None:
        """Nothing speaks of these any more, but for what is noted again."""
        for key in keys:
            query = text("DELETE FROM mentions WHERE key = :key")
            self.connection.execute(query, {"key": key[:KEY_BYTES]})

    def speaking_of(self, keys: Iterable[bytes]) -> list[Item]:
        """All records that share one of these keys."""
        return _items(select(self.connection, BY_KEY, {key[:KEY_BYTES] for key in keys}))

    def topics_of(self, keys: Collection[bytes]) -> tuple[dict[Place, Item], set[bytes]]:
        """All records of the topics that these keys belong to, and all keys of those."""
        found: dict[Place, Item] = {}
        known: set[bytes] = set()
        new = set(keys)
        while new:
            known |= new
            items = [each for each in self.speaking_of(new) if each.place not in found]
            found.update((each.place, each) for each in items)
            new = {key for each in items for key in self.keys(each)} - known
        return found, known

    def is_covered(self, device: bytes, sequence: int, record_hash: bytes) -> bool:
        """A head that was traced reaches this record."""
        where = " AND r.sequence = :sequence AND r.hash = :hash AND r.stage = 2"
        return bool(self.records(device, where, sequence=sequence, hash=record_hash))

    def set_stage(self, items: Iterable[Item], stage: Stage) -> None:
        """So far they have come."""
        query = SET_STAGE.format(stage=int(stage), rows="{rows}")
        insert(self.connection, query, [each.place for each in items])

    def set_reached(self, heads: Iterable[bytes]) -> None:
        """Nothing below these heads is missing."""
        insert(self.connection, SET_REACHED, [(each,) for each in heads])

    def evidence(
        self,
        items: Iterable[Item],
        issued: Sequence[Issued],
        paid: Sequence[Award] = (),
    ) -> Evidence:
        """The index over these records, beside some statements and awards."""
        archive = Archive(self.devices, {}, {}, issued, paid)
        evidence = Evidence(archive, self.journals)
        by_device: dict[bytes, list[Item]] = {}
        for item in sorted(items, key=_by_place):
            by_device.setdefault(item.archived.device, []).append(item)
        for device, of in by_device.items():
            forked_at = self.journals[device].chain.forked_at
            covered = [each.archived for each in of if each.stage == Stage.COVERED]
            is_firm = [not forked_at or each.sequence < forked_at for each in covered]
            firm = [each for each, yes in zip(covered, is_firm, strict=True) if yes]
            disputed = [each for each, yes in zip(covered, is_firm, strict=True) if not yes]
            given = (firm, disputed, [each.archived for each in of])
            file_journal(evidence, self.reader, device, given)
        return evidence

    def issued(self, pairs: Iterable[tuple[bytes, int]]) -> list[Issued]:
        """Statements of money keys by device and number."""
        found: list[Issued] = []
        for pair in sorted(set(pairs)):
            found.extend(orders.numbered(self.connection, *pair))
        return found


def _by_place(item: Item) -> Place:
    return item.place


def _items(rows: Iterable[Any]) -> list[Item]:
    return [Item(vault.archived_in(row), Stage(row[7])) for row in rows]
