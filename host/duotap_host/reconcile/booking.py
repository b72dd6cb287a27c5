# SPDX-License-Identifier: Apache-2.0
"""From positions to transfers: the difference between what should be booked and what is.

A transfer's id says what it is and how often it was booked and undone before, so that a run that
is repeated, or two at once, book a thing once. Nothing booked is ever changed: what later evidence
overturns is undone by a transfer the other way round that names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from duotap_host.ledger import ids
from duotap_host.ledger.codes import TransferCode
from duotap_host.ledger.interface import NO_ID
from duotap_host.reconcile.archive import Line
from duotap_host.reconcile.matching import Position


class Posting(NamedTuple):
    """A transfer to be made; `corrects`: id of the one that it undoes, or NO_ID."""

    id: bytes
    line: Line
    corrects: bytes


class Booked(NamedTuple):
    """What the book has about a subject: its settlement, and its transfers in their order."""

    state: str
    generation: int
    postings: tuple[Posting, ...]

    def standing(self) -> tuple[Posting, ...]:
        """Those that were not undone."""
        undone = {posting.corrects for posting in self.postings}
        return tuple(
            posting
            for posting in self.postings
            if posting.corrects == NO_ID and posting.id not in undone
        )


class Move(NamedTuple):
    """All or nothing, and only while the subject's generation is the one that was read."""

    position: Position
    generation: int
    postings: tuple[Posting, ...]


NOTHING = Booked("", 0, ())


def moves(positions: Mapping[bytes, Position], booked: Mapping[bytes, Booked]) -> list[Move]:
    """What is to be posted, by ascending subject; what the evidence drops is undone."""
    found = []
    for subject in sorted(positions.keys() | booked.keys()):
        before = booked.get(subject, NOTHING)
        position = positions.get(subject)
        if position is None:
            position = withdrawn(subject)
        move = difference(position, before)
        if move.postings or position.state != before.state:
            found.append(move)
    return found


def withdrawn(subject: bytes) -> Position:
    """What the evidence speaks of no more."""
    return Position(subject, "", "withdrawn", (), 0, NO_ID, NO_ID)


def difference(position: Position, before: Booked) -> Move:
    """The transfers from what is booked to this position."""
    wanted = Counter(position.lines)
    undo = []
    for posting in reversed(before.standing()):
        if wanted[posting.line]:
            wanted[posting.line] -= 1
        else:
            undo.append(_undo(posting))
    rounds = Counter(posting.line for posting in before.postings if posting.corrects == NO_ID)
    add = []
    for line in position.lines:
        if wanted[line]:
            wanted[line] -= 1
            add.append(Posting(_id(position.subject, line, rounds[line]), line, NO_ID))
            rounds[line] += 1
    return Move(position, before.generation, (*undo, *add))


def _id(subject: bytes, line: Line, number: int) -> bytes:
    return ids.derived("transfer", subject, *line, number)


def _undo(posting: Posting) -> Posting:
    debit, credit, amount, _ = posting.line
    line = Line(credit, debit, amount, TransferCode.CORRECTION)
    return Posting(ids.derived("correction", posting.id), line, posting.id)
