# SPDX-License-Identifier: Apache-2.0
"""The guard of a purse of class count or bound: what tells the newest image of the flash from an
older one (PROTOCOL.md §8.3).

It reads from the journal what an image claims, asks the signer whether that is the newest, and
has it moved with each ticking record. It knows no chip, and class none never imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import record, records, uint
from duotap.errors import Refusal
from duotap.status import DAMAGED, EXPIRED, JOURNAL_FULL

if TYPE_CHECKING:
    from typing import Any

    from duotap.fold import State
    from duotap.journal import Journal

# What an older image would take back. An offer, a late void or a conflict that is taken back gives
# nobody value; parts of a base are their checkpoint's, a copy says again what its original said.
# An offer whose number is reserved is closed without a record: taken back, its number would come
# again, and its payment, which has its void, could be credited.
TICKING = (
    records.IDENTITY,
    records.STATEMENT,
    records.LOAD,
    records.CANCEL,
    records.CHECKPOINT,
    records.PAYMENT,
    records.CLOSING,
    records.CREDIT,
    records.ACCOUNT,
    records.UNPAID,
    records.REFUND_GIVEN,
    records.REFUND_TAKEN,
    records.UNLOAD,
    records.RESERVED,
)
# Ticks kept for what must always work, open closings apart: a closing of what begins, an unload
# and a checkpoint.
RESERVE_TICKS = 3
TICKS_BYTES = 4


class Guard:
    """Of `signer` (port/signer.py says what it offers) over a journal that was recovered.

    `ticks` counts the ticking records since provisioning (class count; a boot of class bound reads
    the last two only), `ticked` has the hashes of the last one and of the one before it, zeros if
    there is none.
    """

    def __init__(self, signer: Any, journal: Journal) -> None:
        self._signer = signer
        self._journal = journal
        self.ticks = 0
        self._ticks_at = 0  # sequence of the newest record of type TICKS
        if signer.class_name == "count":
            self._recount()
        self.ticked = self._last_two()
        self.quarantined = False
        self.unheard = False  # an older image's last record, which may never have ticked
        if not journal.damaged:  # such a one may miss its last record, and moves no guard
            pending = self.ticked[0] == journal.head_hash
            self.quarantined = not signer.accepts(self.ticks, self.ticked, pending)
            self.unheard = self.quarantined and pending and signer.class_name == "bound"

    def _recount(self) -> None:
        for sequence, kind, body in self._journal.walk(1, types=TICKING + (records.TICKS,)):
            if kind == records.TICKS:
                self.ticks = uint.decode(body, TICKS_BYTES)
                self._ticks_at = sequence
            else:
                self.ticks += 1

    def _last_two(self) -> tuple[bytes, bytes]:
        found = []
        last = self._journal.next_sequence - 1
        for sequence, _, _ in self._journal.walk(last, backwards=True, types=TICKING):
            found.append(record.hash_of(self._journal.statement(sequence)))
            if len(found) == 2:
                break
        found += [record.NO_HASH, record.NO_HASH]
        return found[0], found[1]

    def announce(self, kind: int, body: bytes) -> None:
        """A record is about to be written. Raises Refusal, and then nothing has moved."""
        if self.quarantined:
            raise Refusal(DAMAGED, "an older image journals nothing")
        if kind in TICKING and not self._journal.damaged:
            if not self._journal.room_for((len(body),)):
                raise Refusal(JOURNAL_FULL, "no room to journal")
            self._signer.announce()

    def tick(self, kind: int) -> None:
        """The last record of the journal, of this type, was committed; nobody has heard of it."""
        if kind in TICKING:
            self.ticks += 1
            self.ticked = (self._journal.head_hash, self.ticked[0])
            self._signer.tick(self._journal.head_hash)

    def check_ticks(self, state: State) -> None:
        """Refuse what would eat into the ticks that closings need (9A06)."""
        closings = len(state.open_payments) + (1 if state.open_offer else 0)
        if self._signer.ticks_left() < 1 + closings + RESERVE_TICKS:
            raise Refusal(EXPIRED, "ticks are used up: replace it")

    def carried(self, covered: int) -> bytes:
        """Body of a TICKS record that is due before a prune up to this record; b"": none is."""
        if self._signer.class_name != "count" or self._ticks_at > covered:
            return b""
        self._ticks_at = self._journal.next_sequence
        return uint.encode(self.ticks, TICKS_BYTES)
