# SPDX-License-Identifier: Apache-2.0
"""Which records of one device count: those that a head reaches, back to the first (PROTOCOL.md
§9; a head is the device's signature over the whole chain below it).

What no head reaches is kept and means nothing: anybody may have made it up. Two heads that are
not on one chain are a fork; what lies before it is the trunk, what lies after it is disputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from duotap.record import NO_HASH, SEQUENCE_FIRST

from duotap_host.reconcile.archive import Archived, HeadSeen

Place = tuple[int, bytes]  # sequence and hash


class Chain(NamedTuple):
    """`trunk`: covered, ascending, without a gap from the first. `forked_at`: first sequence with
    two histories, 0 if there is one. `missing`: first and last sequence that a head needs and
    that is not here, (0, 0) if there is none. `head`: the newest one that the trunk ends with."""

    trunk: tuple[Archived, ...]
    disputed: tuple[Archived, ...]
    forked_at: int
    fork: tuple[bytes, ...]  # one head's hash of each history
    missing: tuple[int, int]
    head: HeadSeen | None


class _Walk(NamedTuple):
    head: HeadSeen
    places: tuple[Place, ...]  # from the head down
    missing: int  # sequence of the first record on the way down that is not here; 0: all are


def trace(records: Sequence[Archived], heads: Sequence[HeadSeen]) -> Chain:
    """Sort out what the heads cover. The order of both sequences does not matter."""
    here = {(record.sequence, record.hash): record for record in records}
    whole: set[Place] = set()
    walks = [_down(head, here, whole) for head in sorted(heads, key=_newest_first)]
    claims: dict[int, set[bytes]] = {}
    for walk in walks:
        for sequence, record_hash in ((walk.head.sequence, walk.head.chain_hash), *walk.places):
            claims.setdefault(sequence, set()).add(record_hash)
    forked_at = min((at for at, hashes in claims.items() if len(hashes) > 1), default=0)
    covered = sorted(whole)
    trunk = tuple(here[place] for place in covered if not forked_at or place[0] < forked_at)
    disputed = tuple(here[place] for place in covered if forked_at and place[0] >= forked_at)
    return Chain(
        trunk,
        disputed,
        forked_at,
        _fork(forked_at, walks, here) if forked_at else (),
        _missing(walks, covered),
        _last_head(trunk, heads),
    )


def _newest_first(head: HeadSeen) -> tuple[int, bytes]:
    return -head.sequence, head.hash


def _down(head: HeadSeen, here: dict[Place, Archived], whole: set[Place]) -> _Walk:
    """Walk from a head until the first record, until what is known to be whole, or a gap."""
    place: Place = (head.sequence, head.chain_hash)
    places: list[Place] = []
    while place not in whole:
        record = here.get(place)
        if record is None:
            return _Walk(head, tuple(places), place[0])
        places.append(place)
        if record.sequence == SEQUENCE_FIRST:
            if record.previous != NO_HASH:
                return _Walk(head, tuple(places), SEQUENCE_FIRST)
            break
        place = (record.sequence - 1, record.previous)
    whole.update(places)
    return _Walk(head, tuple(places), 0)


def _fork(at: int, walks: Sequence[_Walk], here: dict[Place, Archived]) -> tuple[bytes, ...]:
    """The lowest hash of a head of each history that parts there."""
    found: dict[bytes, bytes] = {}
    for walk in walks:
        place: Place = (walk.head.sequence, walk.head.chain_hash)
        while place[0] > at and place in here:
            place = (place[0] - 1, here[place].previous)
        if place[0] == at:
            found[place[1]] = min(walk.head.hash, found.get(place[1], walk.head.hash))
    return tuple(sorted(found.values()))


def _missing(walks: Sequence[_Walk], covered: Sequence[Place]) -> tuple[int, int]:
    last = max((walk.missing for walk in walks), default=0)
    if not last:
        return 0, 0
    first = min((sequence for sequence, _ in covered[-1:]), default=0) + 1
    return min(first, last), last


def _last_head(trunk: Sequence[Archived], heads: Sequence[HeadSeen]) -> HeadSeen | None:
    if not trunk:
        return None
    tip = (trunk[-1].sequence, trunk[-1].hash)
    at_tip = [head for head in heads if (head.sequence, head.chain_hash) == tip]
    return min(at_tip, key=lambda head: head.hash, default=None)


def next_missing(chain: Chain, records: Sequence[Archived], checkpointed: int) -> int:
    """Sequence to ask the device for next: what goes on from here, or, where that has been tried
    and a head still does not reach down, what lies further back.

    `checkpointed`: last record that a signed checkpoint covers; no honest device's history
    differs below it.
    """
    tip = chain.trunk[-1].sequence if chain.trunk else 0
    after = _reach(chain, records) + 1
    gap = chain.missing[1]
    if not gap:
        return after
    return next((at for at in (after, tip + 1, checkpointed + 1) if at <= gap), SEQUENCE_FIRST)


def _reach(chain: Chain, records: Sequence[Archived]) -> int:
    """How far records follow on the trunk without a gap, head or not."""
    following = {(record.sequence - 1, record.previous): record for record in records}
    place: Place = (0, NO_HASH)
    if chain.trunk:
        place = (chain.trunk[-1].sequence, chain.trunk[-1].hash)
    while place in following:
        record = following[place]
        place = (record.sequence, record.hash)
    return place[0]
