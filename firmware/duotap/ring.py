# SPDX-License-Identifier: Apache-2.0
"""The ring of flash sectors under the journal: which is written, which are known to be erased.

It programs a page and reads it back, sets marks, hands over to the next erased sector, and erases
ahead when told to. It knows no record but by its length (PROTOCOL.md §9.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import record
from duotap.errors import Broken, Refusal
from duotap.record import FULL_MARK, KIND_HEAD, MARK_AT, MARK_SIZE, PAGE, SECTOR_PAGES
from duotap.status import JOURNAL_FULL

if TYPE_CHECKING:
    from duotap.flash import BlockDevice

IOCTL_BLOCK_COUNT = 4
IOCTL_BLOCK_SIZE = 5
IOCTL_BLOCK_ERASE = 6

# One is written, one stays blank after it, one is being erased, one holds what still counts.
BLOCKS_MIN = 4
# Four bytes of table for each stay within one allocation of 4 KiB; 4 MiB hold 4,092 payments.
BLOCKS_MAX = 1024
# A second pulse clears a bit that the first left; a page that takes neither is worn out.
PROGRAM_TRIES = 2

# In the table of first sequences, above every sequence.
FIRST_BLANK = record.SEQUENCE_MAX + 1  # the first page is erased: the sector is not in use
FIRST_NONE = record.SEQUENCE_MAX + 2  # in use, and no whole record in it


class Ring:
    """`blocks` sectors of `store` from `first_block` on; sectors are numbered from 0 here.

    In ring order: `live` sectors that end with `write`, `erased` ones, free ones still to erase.
    """

    def __init__(self, store: BlockDevice, first_block: int, blocks: int | None) -> None:
        if blocks is None:
            blocks = (store.ioctl(IOCTL_BLOCK_COUNT, 0) or 0) - first_block
        if store.ioctl(IOCTL_BLOCK_SIZE, 0) != record.SECTOR:
            raise Broken("journal: sectors are not of 4096 bytes")
        if not BLOCKS_MIN <= blocks <= BLOCKS_MAX:
            raise Broken("journal: number of sectors")
        self._store = store
        self._first_block = first_block
        self.blocks = blocks
        self.head = bytearray(record.BODY_AT)
        self.page_buffer = bytearray(PAGE)
        self._read_back = bytearray(PAGE)
        self._firsts = bytearray(4 * blocks)
        self.reset()

    def reset(self) -> None:
        """As if nothing were in use and nothing known to be erased."""
        self.write = self.blocks - 1  # the first hand-over goes to sector 0 and opens lap 0
        self.page = SECTOR_PAGES
        self.lap = -1
        self.live = 0
        self.erased = 0

    def after(self, sector: int, steps: int = 1) -> int:
        """The sector `steps` further on in the ring."""
        return (sector + steps) % self.blocks

    def start(self) -> int:
        """The first live sector."""
        return self.after(self.write, 1 - self.live)

    def first_of(self, sector: int) -> int:
        """From the table: sequence that the sector begins with, FIRST_BLANK or FIRST_NONE."""
        return record.number(self._firsts, 4 * sector)

    def set_first(self, sector: int, sequence: int) -> None:
        """Enter it in the table."""
        self._firsts[4 * sector : 4 * sector + 4] = sequence.to_bytes(4, "big")

    # Reading

    def load(self, sector: int, view: memoryview, page: int = 0) -> None:
        """Fill `view` with what lies in a sector from a page on."""
        self._store.readblocks(self._first_block + sector, view, page * PAGE)

    def is_blank(self, sector: int, page: int = 0) -> bool:
        """Whether a page reads erased. A sector in use is used from its first page on."""
        self._store.readblocks(self._first_block + sector, self._read_back, page * PAGE)
        return self._read_back == record.ERASED_PAGE

    def seek(self, sector: int, page: int) -> int:
        """The next page from `page` on with a marked head, read into `head`; 16 if none."""
        while page < SECTOR_PAGES:
            self._store.readblocks(self._first_block + sector, self.head, page * PAGE)
            if self.head[0] == KIND_HEAD and record.is_marked(self.head, 0):
                break
            page += 1
        return page

    # Writing

    def take(self, pages: int) -> int:
        """Reserve pages in the sector `write`, after a hand-over if need be; returns the first.

        Raises Refusal(6A84) if that takes a sector that is not erased.
        """
        if self.page + pages > SECTOR_PAGES:
            # One erased sector stays after the written one: a used sector there is then known
            # to be in use, never taken for one whose erase was cut.
            if self.erased < 2:
                raise Refusal(JOURNAL_FULL, "journal: no erased sector")
            self.hand_over()
            self.erased -= 1
        page = self.page
        self.page += pages
        return page

    def hand_over(self) -> None:
        """Make the next sector the one that is written."""
        self.write = self.after(self.write)
        self.page = 0
        self.live += 1
        if self.write == 0 and self.lap < record.LAP_MAX:
            self.lap += 1

    def program(self, page: int) -> None:
        """Program `page_buffer` into a page of the sector `write`. Raises Broken if it fails."""
        for _ in range(PROGRAM_TRIES):
            self._write(self.write, page)
            if self._read_back == self.page_buffer:
                return
        raise Broken("journal: a page does not take")

    def mark(self, sector: int, page: int) -> None:
        """Set or complete the mark of a head. Raises Broken if no bit of it takes.

        A mark with one programmed bit counts after the next boot, so it counts now.
        """
        self.page_buffer[:] = record.ERASED_PAGE
        self.page_buffer[MARK_AT : MARK_AT + MARK_SIZE] = FULL_MARK
        for _ in range(PROGRAM_TRIES):
            self._write(sector, page)
            if self._read_back[MARK_AT : MARK_AT + MARK_SIZE] == FULL_MARK:
                return
        if not record.is_marked(self._read_back, 0):
            raise Broken("journal: a mark does not take")

    def _write(self, sector: int, page: int) -> None:
        """Whole aligned pages only: the RP2040 programs nothing smaller."""
        block = self._first_block + sector
        self._store.writeblocks(block, self.page_buffer, page * PAGE)
        self._store.readblocks(block, self._read_back, page * PAGE)

    # Erasing

    def needs_erase(self) -> bool:
        """Whether a free sector is not known to be erased."""
        return self.live + self.erased < self.blocks

    def erase_one(self) -> None:
        """Erase the next free sector, in ring order, and look at it. Raises Broken if it fails."""
        self.erase(self.after(self.write, 1 + self.erased))
        self.erased += 1

    def erase(self, sector: int) -> None:
        """Erase any sector."""
        self._store.ioctl(IOCTL_BLOCK_ERASE, self._first_block + sector)
        for page in range(SECTOR_PAGES):
            if not self.is_blank(sector, page):
                raise Broken("journal: a sector does not erase")

    # Room, in pages

    def pages_total(self) -> int:
        """What the ring can hold at most."""
        return SECTOR_PAGES * (self.blocks - 1)

    def sectors_free(self, ready: bool) -> int:
        """Sectors that can be handed over to: now (`ready`), or once all free ones are erased."""
        return max(0, (self.erased if ready else self.blocks - self.live) - 1)

    def pages_left(self, ready: bool) -> int:
        """Pages that can be programmed before a sector must be pruned, or (`ready`) erased."""
        return SECTOR_PAGES - self.page + SECTOR_PAGES * self.sectors_free(ready)
