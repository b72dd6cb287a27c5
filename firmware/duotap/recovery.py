# SPDX-License-Identifier: Apache-2.0
"""What a boot learns from the flash alone: which sectors are in use, and every record in order.

The order of steps is the order of the methods: `survey` the sectors, `read_start`, `walk` the
records that count, look at the `tail`, count the `erased` sectors. It writes nothing but marks
that a cut or decay left incomplete (PROTOCOL.md §9.4).

A page can be one of five things, see `walk`:
1. blank: nothing was ever programmed there;
2. torn: programmed, never marked: a cut came first, nothing of it was ever sent;
3. committed: marked and it verifies;
4. bad: marked and it does not verify: the journal is damaged;
5. before the first record that counts: ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import record
from duotap.record import BAD, BLANK, MARK_AT, MARK_SIZE, PAGE, SECTOR_PAGES, TORN
from duotap.ring import FIRST_BLANK, FIRST_NONE

if TYPE_CHECKING:
    from typing import Callable, TypeAlias

    from duotap.ring import Ring

    # Sequence, type, body (valid during the call only), hash of the record.
    OnRecord: TypeAlias = Callable[[int, int, memoryview, bytes], None]

NOT_FORMATTED = "journal: nothing verifies; not formatted?"
BAD_RECORD = "journal: a record does not verify"
BAD_LAST = "journal: what follows the last record does not verify"
GAP = "journal: a record is missing"
CHAIN = "journal: a record does not follow the one before"


class Recovery:
    """One boot; `run` once, then read the fields."""

    def __init__(self, ring: Ring, on_record: OnRecord) -> None:
        self._ring = ring
        self._on_record = on_record
        self._sector = memoryview(bytearray(record.SECTOR))  # the one that is looked at
        self.first_sequence = record.SEQUENCE_FIRST
        self.next_sequence = record.SEQUENCE_FIRST
        self.head_hash = record.NO_HASH
        self.torn = 0  # pages
        self.reason = ""  # why the journal is damaged; empty if it is not
        self._chained = True  # head_hash is known: that of the record before next_sequence
        self._run_ends = False  # the run that is being read has an end

    def run(self) -> None:
        """Set the ring's place and the fields here; calls on_record for each record."""
        self._ring.reset()
        newest = self._survey()
        if newest >= 0:
            self._read_start(newest)
            self._walk()
        self._tail()
        self._erased()

    def _damage(self, reason: str) -> None:
        self.reason = self.reason or reason

    def _load(self, sector: int) -> memoryview:
        self._ring.load(sector, self._sector)
        return self._sector

    def _survey(self) -> int:
        """Fill the table of first sequences; returns the sector with the highest, or -1."""
        newest = -1
        highest = 0
        for sector in range(self._ring.blocks):
            first = FIRST_BLANK
            if not self._ring.is_blank(sector):
                first = self._first_committed(sector)
            self._ring.set_first(sector, first)
            if highest < first < FIRST_BLANK:
                newest, highest = sector, first
        return newest

    def _first_committed(self, sector: int) -> int:
        view = self._load(sector)
        for page in range(SECTOR_PAGES):
            if record.look(view, page) > 0:
                return record.number(view, page * PAGE + record.SEQUENCE_AT)
        return FIRST_NONE

    def _read_start(self, newest: int) -> None:
        """The newest record names the first that counts: count the sectors back to that one.

        A free sector before it, erased by half or not yet, is not reached. If the record is not
        there, its sequence is missed in `walk`.
        """
        ring = self._ring
        view = self._load(newest)
        for page in range(SECTOR_PAGES):
            if record.look(view, page) > 0:
                self.first_sequence = record.number(view, page * PAGE + record.FIRST_AT)
        ring.write = newest
        ring.live = 1
        lowest = ring.first_of(newest)
        while lowest > self.first_sequence and ring.live < ring.blocks - 1:
            lowest = min(lowest, ring.first_of(ring.after(ring.start(), -1)))
            ring.live += 1

    def _walk(self) -> None:
        ring = self._ring
        self.next_sequence = self.first_sequence
        self._chained = self.first_sequence == record.SEQUENCE_FIRST
        sector = ring.start()
        for _ in range(ring.live):
            view = self._load(sector)
            ring.set_first(sector, self.next_sequence)
            ring.page = self._walk_sector(sector, view)
            sector = ring.after(sector)

    def _walk_sector(self, sector: int, view: memoryview) -> int:
        """Returns the page after the last that is not blank."""
        page = used = 0
        while page < SECTOR_PAGES:
            found = record.look(view, page)
            if found > 0:
                self._take(sector, page, view)
            elif found == TORN:
                self.torn += 1
            elif found == BAD and self.next_sequence > self.first_sequence:
                # Before the first record that counts a bad one is ignored; if it is that record
                # itself, its sequence is missed.
                self._damage(BAD_RECORD)
            page += max(1, found)
            if found != BLANK:
                used = page
        return used

    def _take(self, sector: int, page: int, view: memoryview) -> None:
        """A committed record. After damage go on: what is there may still be deposited."""
        at = page * PAGE
        sequence = record.number(view, at + record.SEQUENCE_AT)
        if sequence < self.next_sequence:
            if self.next_sequence > self.first_sequence:
                self._damage(GAP)
            return
        previous = view[at + record.PREVIOUS_AT : at + record.BODY_AT]
        if sequence > self.next_sequence:
            self._damage(GAP)
        elif self._chained and previous != self.head_hash:
            self._damage(CHAIN)
        if view[at + MARK_AT : at + MARK_AT + MARK_SIZE] != record.FULL_MARK:
            self._ring.mark(sector, page)
        self._ring.lap = view[at + record.LAP_AT] << 8 | view[at + record.LAP_AT + 1]
        self._deliver(sector, page, view, sequence)

    def _deliver(self, sector: int, page: int, view: memoryview, sequence: int) -> None:
        at = page * PAGE
        record_type = view[at + record.TYPE_AT]
        piece = view[at + record.PIECE_AT]
        if piece == 1:
            self._run_ends = not record_type & record.MORE or self._has_end(sector, page + 1)
        statement = record.join(view, page)
        self.head_hash = record.hash_of(statement)
        self.next_sequence = sequence + 1
        self._chained = True
        if record_type != record.START and (piece == 0 or self._run_ends):
            self._on_record(sequence, record_type, statement[record.HEAD_SIZE :], self.head_hash)

    def _has_end(self, sector: int, page: int) -> bool:
        """Whether the run whose second piece should come from `page` on has a last piece."""
        ring = self._ring
        piece = 2
        while True:
            page = ring.seek(sector, page)
            if page == SECTOR_PAGES:
                if sector == ring.write:
                    return False
                sector, page = ring.after(sector), 0
                continue
            if ring.head[record.PIECE_AT] != piece:
                return False
            if not ring.head[record.TYPE_AT] & record.MORE:
                return True
            page += 1
            piece += 1

    def _tail(self) -> None:
        """Sectors after the newest record: a hand-over whose first record was torn, or decay.

        A blank sector always stays after the written one, so whatever is there was written.
        """
        ring = self._ring
        while ring.live < ring.blocks and not ring.is_blank(ring.after(ring.write)):
            sector = ring.after(ring.write)
            view = self._load(sector)
            for page in range(SECTOR_PAGES):
                if record.is_marked(view, page * PAGE):
                    self._damage(BAD_LAST if ring.live else NOT_FORMATTED)
                    return
            ring.hand_over()
            ring.set_first(sector, self.next_sequence)
            for page in range(SECTOR_PAGES):
                if record.look(view, page) == TORN:
                    self.torn += 1
                    ring.page = page + 1

    def _erased(self) -> None:
        """Count the sectors that are known to be erased.

        Erases go in ring order, so all that read blank were done but the last, which a cut may
        have left half erased. The one after the written sector was known before the hand-over.
        """
        ring = self._ring
        blank = 0
        while ring.live + blank < ring.blocks and ring.is_blank(ring.after(ring.write, blank + 1)):
            blank += 1
        ring.erased = max(blank - 1, min(blank, 1) if ring.live else 0)
