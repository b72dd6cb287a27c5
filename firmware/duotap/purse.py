# SPDX-License-Identifier: Apache-2.0
"""The purse of a running device: one journal and the state that its records add up to.

Every change of value is one `commit`: the record is in flash, read back and marked, and the guard
has moved, before anything of it is sent (PROTOCOL.md §8, §9). Booting reads the journal twice:
once to check its chain and find the last checkpoint, once to fold from that checkpoint's base. It
knows no message exchange, no key and no limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import cbor, messages, record, records
from duotap.errors import Broken, Refusal
from duotap.fold import State, apply, pass_time
from duotap.status import JOURNAL_FULL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from duotap.journal import Journal

WARN_PERCENT = 80  # of the journal: from here on the screen asks for a deposit
# Sectors kept for what must always work. A record lies in one sector, so each long one may take
# one: eight parts of a base, then carried the identity and a full deny list, or one with its
# deltas (notices.LISTS_PAGES); another is lost with the rest of the one that is written. Short
# ones, of at most 3 pages, waste 2 of 16: 8 closings, a credit, an unload, 8 cancels, a
# checkpoint, the prune's own, and carried 12 keys, 2 policies, membership, time, epoch and reset
# come to 56 pages.
RESERVE_PAGES = 16 * (8 + 2 + 1 + 4)
# Erased ahead: the reserve and 32 payments of 4 pages. A pruned ring is not erased all at once:
# each sector stops the board for 45 ms.
AHEAD_PAGES = RESERVE_PAGES + 32 * 4
CARRIED_KINDS = (records.IDENTITY, records.STATEMENT, records.CARRIED)
# The longest records, which add nothing to a state, are not read for it.
NOT_FOLDED = (record.START, records.IDENTITY, records.CARRIED)


class Purse:
    """State that survives: `state` is the fold of `journal` at every moment."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.state = State()
        self.covered = 0  # last record that a checkpoint covers
        self.checkpoint = (0, 0)  # number and sequence of the last one
        self._guard: Any = None

    def boot(self) -> None:
        """Recover the journal and fold it. Raises Broken if a record cannot follow the others."""
        kept = State()
        found = [0]  # sequence of the last checkpoint

        def see(sequence: int, kind: int, body: memoryview, record_hash: bytes) -> None:
            if kind == records.CHECKPOINT:
                found[0] = sequence
            elif kind in CARRIED_KINDS:
                apply(kept, sequence, kind, bytes(body))

        self.journal.recover(see)
        self._fold(kept, found[0])

    def guard(self, signer: Any) -> None:
        """Ask what guards this signer's key whether the flash holds the newest image; class none
        has no guard (PROTOCOL.md §8.3)."""
        self._guard = None
        if signer.class_name != "none":
            from duotap.guard import Guard  # late: no stock board needs its code

            self._guard = Guard(signer, self.journal)
            last = self.journal.next_sequence - 1
            if self._guard.unheard and last > max(1, self.checkpoint[1]):
                self.journal.leave_out_last()
                self._fold(self.state, self.checkpoint[1])

    def ticks_covered(self) -> bytes:
        """What the guard needs to be told of records that a checkpoint covers; empty: nothing."""
        return b"" if self._guard is None else bytes(self._guard.carried(self.covered))

    def stopped(self) -> str:
        """Why nothing is journalled any more: "damaged" or "quarantined"; empty: all is well."""
        if self.journal.damaged:
            return "damaged"
        return "quarantined" if self._guard is not None and self._guard.quarantined else ""

    def cover(self, sequence: int) -> None:
        """Fold anew from the checkpoint that record `sequence` holds: it was just journalled."""
        self._fold(self.state, sequence)

    def _fold(self, kept: State, checkpoint: int) -> None:
        """`kept` has what stays over a prune; `checkpoint`: sequence of the last one, 0 none."""
        self.covered, self.checkpoint = 0, (0, 0)
        if checkpoint:
            message = messages.decode(
                self.journal.read(checkpoint)[1], messages.Checkpoint
            ).message
            self.covered = message.covered
            self.checkpoint = (message.number, checkpoint)
        state = self.state_at(self.journal.next_sequence)
        state.identity_at = kept.identity_at
        state.statements = kept.statements
        state.full_list, state.deltas = kept.full_list, kept.deltas
        self.state = state

    def identity(self) -> bytes:
        """Body of the newest identity record, however often it was carried on; empty without."""
        if not self.state.identity_at:
            return b""
        kind, body = self.journal.read(self.state.identity_at)
        return body if kind == records.IDENTITY else bytes(records.unpack(kind, body)[-1])

    def state_at(self, sequence: int) -> State:
        """What the records up to this one add up to, from the last base on; without identity and
        statements."""
        number, checkpoint = self.checkpoint
        state = self._base(number, checkpoint) if checkpoint else State()
        for at, kind, body in self.journal.walk(self.covered + 1, without=NOT_FOLDED):
            if at > sequence:
                break
            try:
                _add(state, at, kind, body)
            except Broken:
                if not self.journal.damaged:
                    raise  # else it misses what decayed; nothing is paid or credited any more
        return state

    def _base(self, number: int, checkpoint: int) -> State:
        for index, part in self.base_parts(number, checkpoint):
            if index == 0:
                from duotap.base import load  # late: once after a boot or a deposit

                return load(part)
        if self.journal.damaged:
            return State()
        raise Broken("checkpoint without its base")

    def base_parts(self, number: int, before: int) -> Iterator[tuple[int, bytes]]:
        """(index, part) of the base of checkpoint `number`, backwards from record `before`."""
        for _, _, body in self.journal.walk(before, backwards=True, types=(records.BASE_PART,)):
            of, index, _, part = records.unpack(records.BASE_PART, body)
            if of == number:
                yield index, part
                if index == 0:
                    return

    def base_has(self, offer_hash: bytes) -> bool:
        """Whether the last checkpoint's base lists this offer as closed unpaid."""
        number, sequence = self.checkpoint
        if not number:
            return False
        for index, part in self.base_parts(number, sequence):
            if index and any(entry[1] == offer_hash for entry in cbor.decode(part)):
                return True
        return False

    def commit(self, kind: int, *parts: object) -> int:
        """Journal one record and apply it; returns its sequence.

        Raises Refusal (6A84 no room, 9A08 damaged or quarantined), Broken if flash or guard
        failed: the device stops, and its next boot looks how far they came.
        """
        body = records.pack(kind, *parts)
        if self._guard is not None:
            self._guard.announce(kind, body)
        sequence: int = self.journal.append(kind, body)
        if self._guard is not None:
            self._guard.tick(kind)
        apply(self.state, sequence, kind, body)
        return sequence

    def check_room(self, pages: int) -> None:
        """Refuse what would eat into the reserve; `pages`: what begins now, with its closing.
        An open offer may have to be written too."""
        open_pages = len(self.state.open_payments) + (4 if self.state.open_offer else 0)
        if self.journal.pages_free() < pages + open_pages + RESERVE_PAGES:
            raise Refusal(JOURNAL_FULL, "journal is full: deposit")
        if self._guard is not None:
            self._guard.check_ticks(self.state)

    def full_percent(self) -> int:
        """How much of the journal's usable room is taken, 0..100."""
        usable = self.journal.pages_total() - RESERVE_PAGES
        if usable <= 0:
            return 100  # nothing but what must always work fits
        used = self.journal.pages_total() - self.journal.pages_free()
        return min(100, used * 100 // usable)

    def warns(self) -> bool:
        """From here on the screen asks for a deposit."""
        return self.full_percent() >= WARN_PERCENT

    def tidy(self) -> bool:
        """One step of idle work: carry over, prune, erase ahead. False: nothing left to do.

        Free sectors are erased first, since a copy needs room; carrying comes before pruning: no
        record is given up before its copy is committed.
        """
        if self.stopped():
            return False
        if self.journal.pages_ready() < AHEAD_PAGES and self.journal.needs_erase():
            self.journal.erase_one()
            return True
        if not self.covered or self.journal.first_sequence > self.covered:
            return False
        from duotap.carrying import carry  # late: once after a deposit

        if not carry(self):
            self.journal.prune(self.covered)
        return True


def _add(state: State, sequence: int, kind: int, body: bytes) -> None:
    """One record's part in the state, but for identity and statements."""
    if kind == records.STATEMENT:
        pass_time(state, body)
    else:
        apply(state, sequence, kind, body)
