# SPDX-License-Identifier: Apache-2.0
"""The journal: an append-only chain of records in flash that survives a cut at any moment.

A record counts once `append` has returned, and from then on it never goes away unnoticed: it is
there at each boot, or the journal is damaged and says so. It knows no meaning of a type and
decides nothing about pruning (PROTOCOL.md §9).

A journal can be in three states:
1. closed: before `recover`, and after a write that raised: only the flash knows what is there;
2. open;
3. damaged: read-only. What would be appended after a record that cannot be read would fork the
   chain of an honest device.
"""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING

from duotap import record
from duotap.errors import Broken, Refusal
from duotap.record import MORE, PIECE_AT, SECTOR_PAGES, SEQUENCE_AT, START, TYPE_AT
from duotap.ring import Ring
from duotap.status import DAMAGED, UNKNOWN_REFERENCE

if TYPE_CHECKING:
    from typing import Iterable, Iterator

    from duotap.flash import BlockDevice
    from duotap.record import Buffer
    from duotap.recovery import OnRecord, Recovery


DECAYED = "journal: a record decayed since the boot"


class Journal:
    """`blocks` sectors of `store` (all, if None) from `first_block` on, 4 to 1,024.

    `head_hash` and `next_sequence` say where the chain goes on, `first_sequence` what counts;
    `damaged` and `reason`, and `torn` pages, what the last recovery found.
    """

    def __init__(
        self, store: BlockDevice, *, first_block: int = 0, blocks: int | None = None
    ) -> None:
        self._ring = Ring(store, first_block, blocks)
        self._open = False
        self.head_hash = record.NO_HASH
        self.first_sequence = self.next_sequence = record.SEQUENCE_FIRST
        self.torn = 0
        self.reason = ""
        self.damaged = False

    def _accept(self, found: Recovery) -> None:
        self.head_hash = found.head_hash
        self.first_sequence = found.first_sequence
        self.next_sequence = found.next_sequence
        self.torn = found.torn
        self.reason = found.reason
        self.damaged = bool(found.reason)

    def format(self) -> None:
        """Erase all: for provisioning, before there is a key. An image cut in it is formatted
        again."""
        self._open = False
        self._ring.reset()
        for sector in range(self._ring.blocks):
            self._ring.erase(sector)
        self.recover(_ignore)
        self._ring.erased = self._ring.blocks

    def recover(self, on_record: OnRecord) -> None:
        """Read the flash, call on_record(sequence, type, body, hash) for each record in order.

        `body` is void when on_record returns. Records of a run without an end are left out. May
        be called again at any time; on_record must not call the journal.
        """
        from duotap.recovery import Recovery  # late: a board needs its code at a boot only

        self._open = False
        recovery = Recovery(self._ring, on_record)
        recovery.run()
        self._accept(recovery)
        self._open = True

    # Writing

    def append(self, record_type: int, body: Buffer) -> int:
        """Commit one record; returns its sequence.

        Type 1 to 126, at most 3,965 bytes. Raises Refusal (6A84 no erased room, 9A08 damaged) and
        nothing has changed; Broken if the flash failed: the journal is then closed.
        """
        if not 0 < record_type <= record.TYPE_MAX:
            raise Broken("journal: type out of range")
        return self._append(record_type, 0, body, self.first_sequence)

    def append_run(self, record_type: int, bodies: Iterable[Buffer]) -> int:
        """Commit many bodies, or one too long for a record, as one run; returns its first
        sequence.

        `bodies` may be one bytes object, which is cut into pieces. All but the last record bear
        MORE in their type; until the last is committed, recovery leaves the run out.
        """
        if not 0 < record_type <= record.TYPE_MAX:
            raise Broken("journal: type out of range")
        if isinstance(bodies, (bytes, bytearray, memoryview)):
            bodies = self._pieces(memoryview(bodies))
        sequence = self.next_sequence
        piece = 0
        held: Buffer = b""
        for body in bodies:
            if piece:
                self._append(record_type | MORE, piece, held, self.first_sequence)
            held = body
            piece += 1
        if piece == 0:
            raise Broken("journal: a run without a piece")
        self._append(record_type, piece, held, self.first_sequence)
        return sequence

    def _pieces(self, body: memoryview) -> Iterator[memoryview]:
        """Cut so that no page of a sector stays unused."""
        left = SECTOR_PAGES - self._ring.page
        start = 0
        while start < len(body) or not start:
            end = start + record.capacity(left or SECTOR_PAGES)
            yield body[start:end]
            start, left = end, 0

    def leave_out_last(self) -> None:
        """As if the last record had not been committed, until the next recovery: it is neither
        read nor deposited. Only for who appends nothing any more."""
        last = self.next_sequence - 1
        self.head_hash = record.previous_of(self.view(last))
        self.next_sequence = last

    def prune(self, up_to_sequence: int) -> None:
        """Records up to and including this one count no more; whole sectors of them become free.

        Commits one page that says so before any sector is given up. Whoever calls has committed
        all that is still needed. Raises as `append`; does nothing if it is so already.
        """
        first = up_to_sequence + 1
        if first <= self.first_sequence:
            return
        self._check_writable()
        if first > self.next_sequence:
            raise Broken("journal: prune beyond the last record")
        sector = -1
        if first < self.next_sequence:
            sector, _ = self._place(first)
            if self._ring.head[PIECE_AT] > 1:
                raise Broken("journal: prune inside a run")
        self._append(START, 0, b"", first)
        self.first_sequence = first
        if sector < 0:
            sector = self._ring.write
        self._ring.live = (self._ring.write - sector) % self._ring.blocks + 1

    def _append(self, record_type: int, piece: int, body: Buffer, first: int) -> int:
        self._check_writable()
        ring = self._ring
        sequence = self.next_sequence
        if len(body) > record.BODY_MAX or sequence > record.SEQUENCE_MAX:
            raise Broken("journal: body or sequence out of range")
        if piece > record.PIECES_MAX:
            raise Broken("journal: too many pieces")
        pages = record.pages_for(len(body))
        page = ring.take(pages)
        if page == 0:
            ring.set_first(ring.write, sequence)
        self._open = False
        head = record.encode_head(
            record_type, piece, len(body), ring.lap, sequence, first, self.head_hash
        )
        crc = crc32(body, crc32(head))
        for index in range(pages):
            record.fill(ring.page_buffer, index, head, body, crc)
            ring.program(page + index)
        ring.mark(ring.write, page)
        self.head_hash = record.hash_of(head, body)
        self.next_sequence = sequence + 1
        self._open = True
        return sequence

    # Reading

    def read(self, sequence: int) -> tuple[int, bytes]:
        """Type and body of a record.

        Raises Refusal(6A88) if there is none, Broken if it decayed since the boot.
        """
        statement = self._load(sequence)
        return statement[TYPE_AT - record.STATEMENT_AT], bytes(statement[record.HEAD_SIZE :])

    def statement(self, sequence: int) -> bytes:
        """All that the record's hash is taken over: what is deposited. Raises as `read`."""
        return bytes(self._load(sequence))

    def view(self, sequence: int) -> memoryview:
        """The same, not copied."""
        return self._load(sequence)

    def read_run(self, sequence: int) -> Iterator[bytes]:
        """The bodies of a run, from its first sequence to its end. Raises as `read`."""
        more = MORE
        while more:
            record_type, body = self.read(sequence)
            more = record_type & MORE
            sequence += 1
            yield body

    def walk(
        self,
        from_sequence: int,
        backwards: bool = False,
        types: tuple[int, ...] = (),
        without: tuple[int, ...] = (START,),
    ) -> Iterator[tuple[int, int, bytes]]:
        """(sequence, type, body) of each record from there on, of these types (if empty: of all
        but those `without`; START records are the journal's own).

        Pieces of unfinished runs are among them. Records may be appended or pruned meanwhile.
        """
        sequence = from_sequence if backwards else max(from_sequence, self.first_sequence)
        while self.first_sequence <= sequence < self.next_sequence:
            sector = self._sector_of(sequence)
            low, high = self._span(sector)
            if backwards:
                found = self._list(sector, low, min(high, sequence), types, without)
                found.reverse()
                sequence = low - 1
            else:
                found = self._list(sector, max(low, sequence), high, types, without)
                sequence = high + 1
            for wanted in found:
                if wanted >= self.first_sequence:
                    record_type, body = self.read(wanted)
                    yield wanted, record_type, body

    def _list(
        self, sector: int, low: int, high: int, types: tuple[int, ...], without: tuple[int, ...]
    ) -> list[int]:
        """The sequences in [low, high] of such records (walk), all in one sector: at most 16.

        Raises Broken if one is missing, of whatever type, unless the journal is damaged.
        """
        ring = self._ring
        found = []
        expected = low
        page = ring.seek(sector, 0)
        while page < SECTOR_PAGES:
            sequence = record.number(ring.head, SEQUENCE_AT)
            record_type = ring.head[TYPE_AT] & ~MORE
            if low <= sequence <= high and not (self.damaged and not self._whole(sector, page)):
                if sequence == expected or self.damaged:
                    expected = sequence + 1
                if record_type in types if types else record_type not in without:
                    found.append(sequence)
            page = ring.seek(sector, page + 1)
        if expected != high + 1 and not self.damaged:
            raise Broken(DECAYED)
        return found

    def _check_open(self) -> None:
        if not self._open:
            raise Broken("journal: not recovered")

    def _check_writable(self) -> None:
        self._check_open()
        if self.damaged:
            raise Refusal(DAMAGED, "journal: damaged")

    def _load(self, sequence: int) -> memoryview:
        """A record's statement."""
        sector, page = self._place(sequence)
        view = self._whole(sector, page) if page < SECTOR_PAGES else None
        if view:
            return record.join(view, 0)
        if self.damaged or not self.first_sequence <= sequence < self.next_sequence:
            raise Refusal(UNKNOWN_REFERENCE, "journal: no such record")
        raise Broken(DECAYED)

    def _whole(self, sector: int, page: int) -> memoryview | None:
        """All pages of the record whose head is in `ring.head`, if it verifies."""
        pages = record.pages_of(self._ring.head, 0)
        if page + pages > SECTOR_PAGES:
            return None
        view = memoryview(bytearray(pages * record.PAGE))
        self._ring.load(sector, view, page)
        return view if record.look(view, 0) > 0 else None

    def _place(self, sequence: int) -> tuple[int, int]:
        """Sector and page of a record, its head in `ring.head`; page 16 if it is not there."""
        self._check_open()
        ring = self._ring
        if not self.first_sequence <= sequence < self.next_sequence:
            return ring.write, SECTOR_PAGES
        sector = self._sector_of(sequence)
        page = ring.seek(sector, 0)
        while page < SECTOR_PAGES and record.number(ring.head, SEQUENCE_AT) != sequence:
            page = ring.seek(sector, page + 1)
        return sector, page

    def _sector_of(self, sequence: int) -> int:
        """The last live sector that begins at or before it, by bisection."""
        self._check_open()
        ring = self._ring
        start = ring.start()
        low, high = 0, ring.live - 1
        while low < high:
            middle = (low + high + 1) // 2
            if ring.first_of(ring.after(start, middle)) <= sequence:
                low = middle
            else:
                high = middle - 1
        return ring.after(start, low)

    def _span(self, sector: int) -> tuple[int, int]:
        """First and last sequence in a sector, of what counts."""
        ring = self._ring
        low = max(self.first_sequence, ring.first_of(sector))
        if sector == ring.write:
            return low, self.next_sequence - 1
        return low, ring.first_of(ring.after(sector)) - 1

    # Room and idle work

    def pages_total(self) -> int:
        """Pages that the journal holds at most; one sector always stays blank."""
        return self._ring.pages_total()

    def pages_free(self) -> int:
        """Pages left until something must be pruned; a record lies in one sector: see room_for."""
        return self._ring.pages_left(ready=False)

    def pages_ready(self) -> int:
        """Pages that `append` takes before a sector must be erased."""
        return self._ring.pages_left(ready=True)

    def room_for(self, sizes: Iterable[int], ready: bool = True) -> bool:
        """Whether records with bodies of these sizes fit, in this order: now, or (not `ready`)
        once the free sectors are erased."""
        left = SECTOR_PAGES - self._ring.page
        sectors = self._ring.sectors_free(ready)
        for size in sizes:
            pages = record.pages_for(size)
            if pages > left:
                sectors -= 1
                left = SECTOR_PAGES
            left -= pages
        return sectors >= 0

    def needs_erase(self) -> bool:
        """Whether idle time should call `erase_one`."""
        return self._open and not self.damaged and self._ring.needs_erase()

    def erase_one(self) -> None:
        """Erase one sector ahead (45 ms): only in idle, with nothing on its way to this device.

        Raises Broken if the sector does not erase or none needs it.
        """
        if not self.needs_erase():
            raise Broken("journal: nothing to erase")
        self._open = False
        self._ring.erase_one()
        self._open = True

    def wear(self) -> tuple[int, int]:
        """Fewest and most times that a sector has been begun anew since provisioning: laps."""
        lap = max(0, self._ring.lap)
        return lap if self._ring.write == self._ring.blocks - 1 else max(0, lap - 1), lap


def _ignore(sequence: int, record_type: int, body: memoryview, record_hash: bytes) -> None:
    """Before a recovery and after a format there are no records."""
