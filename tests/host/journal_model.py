# SPDX-License-Identifier: Apache-2.0
"""A device with a journal on a chip that loses power, and a model of what must be in it.

The model knows records, not pages: what has been committed, and what is being appended. After any
cut the journal has all of the first and at most one record more, the first of the second.
"""

from __future__ import annotations

from collections.abc import Iterator

from duotap import record
from duotap.journal import Journal
from duotap.record import MORE, START, Record
from duotap_host.virtual.nor import VirtualNor

Seen = list[tuple[int, int, bytes, bytes]]


def body(pages: int, seed: int) -> bytes:
    """The longest body of so many pages."""
    pattern = bytes((seed + i * 7) & 0xFF for i in range(256))
    return (pattern * 16)[: record.capacity(pages)]


class Model:
    """`records` from sequence 1 on, with their hashes; `flight`: what is being appended."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, bytes]] = []  # type with MORE, piece, body
        self.hashes: list[bytes] = []
        self.first = 1
        self.flight: list[tuple[int, int, bytes]] = []
        self.flight_first = 1

    def copy(self) -> Model:
        twin = Model()
        twin.records, twin.hashes = self.records[:], self.hashes[:]
        twin.first, twin.flight_first = self.first, self.flight_first
        twin.flight = self.flight[:]
        return twin

    def begin(self, flight: list[tuple[int, int, bytes]], first: int = 0) -> None:
        self.flight = flight
        self.flight_first = first or self.first

    def committed(self, digest: bytes) -> None:
        self.records.append(self.flight.pop(0))
        self.hashes.append(digest)
        self.first = self.flight_first

    def shown(self) -> Seen:
        """What a recovery shows: no START, no run without an end."""
        out: Seen = []
        run: Seen = []
        entries = zip(self.records, self.hashes, strict=True)
        for sequence, ((kind, piece, content), digest) in enumerate(entries, 1):
            if piece <= 1:
                run = []
            run.append((sequence, kind, content, digest))
            if not kind & MORE:
                out += [] if kind == START else run
                run = []
        return [entry for entry in out if entry[0] >= self.first]


class Device:
    """One boot after the other over one chip; `check` after each that the model still holds."""

    def __init__(self, nor: VirtualNor, model: Model | None = None) -> None:
        self.nor = nor
        self.model = model or Model()
        self.journal = Journal(nor)
        self.seen: Seen = []

    def boot(self) -> None:
        """Recover, check, and learn whether the record in flight came through."""
        self.seen = []
        self.journal.recover(lambda n, kind, text, h: self.seen.append((n, kind, bytes(text), h)))
        self.check()

    def check(self) -> None:
        journal, model = self.journal, self.model
        assert not journal.damaged, journal.reason
        if journal.next_sequence == len(model.records) + 2 and model.flight:
            self._check_last()
            model.committed(journal.head_hash)
        model.flight = []
        assert journal.next_sequence == len(model.records) + 1
        assert journal.first_sequence == model.first
        assert journal.head_hash == (model.hashes[-1] if model.hashes else record.NO_HASH)
        assert self.seen == model.shown()
        assert self.nor.violations == 0

    def _check_last(self) -> None:
        """The record in flight is there: then it is exactly what was being appended."""
        journal, model = self.journal, self.model
        last = record.decode(journal.statement(journal.next_sequence - 1))
        kind, piece, content = model.flight[0]
        previous = model.hashes[-1] if model.hashes else record.NO_HASH
        sequence = len(model.records) + 1
        assert last == Record(
            kind, piece, last.lap, sequence, model.flight_first, previous, content
        )

    def append(self, kind: int, content: bytes) -> None:
        self.model.begin([(kind, 0, content)])
        self.journal.append(kind, content)
        self.model.committed(self.journal.head_hash)

    def append_run(self, kind: int, contents: list[bytes]) -> int:
        """A body is asked for one ahead: at the third, the first is committed."""
        last = len(contents)
        self.model.begin(
            [(kind | (MORE if i < last else 0), i, c) for i, c in enumerate(contents, 1)]
        )

        def asked() -> Iterator[bytes]:
            for i, content in enumerate(contents):
                if i >= 2:
                    self.model.committed(self.journal.head_hash)
                yield content
            if last >= 2:
                self.model.committed(self.journal.head_hash)

        sequence = self.journal.append_run(kind, asked())
        self.model.committed(self.journal.head_hash)
        return sequence

    def prune(self, up_to: int) -> None:
        self.model.begin([(START, 0, b"")], up_to + 1)
        self.journal.prune(up_to)
        self.model.committed(self.journal.head_hash)

    def erase_ahead(self) -> None:
        self.model.begin([])
        while self.journal.needs_erase():
            self.journal.erase_one()

    def fits(self, content: bytes) -> bool:
        return self.journal.room_for([len(content)])
