# SPDX-License-Identifier: Apache-2.0
"""Which records of one device count: those that a head reaches, back to the first (PROTOCOL.md
§9; a head is the device's signature over the whole chain below it).

What no head reaches is kept and means nothing: anybody may have made it up. Two heads that are
not on one chain are a fork; what lies before it is the trunk, what lies after it is disputed.

Tracing may go on from the tip of a trunk that was traced before. What does not fit that trunk says
that it is a fork, or that there was none yet, and is traced from the first record again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from duotap import messages
from duotap.messages import Head
from duotap.record import NO_HASH, SEQUENCE_FIRST

from duotap_host.reconcile.archive import Archived, HeadSeen

Place = tuple[int, bytes]  # sequence and hash
ROOT: Place = (SEQUENCE_FIRST - 1, NO_HASH)


class OffTrunk(Exception):
    """A head is not on the trunk that was to be gone on from: trace from the first record."""


class Chain(NamedTuple):
    """`trunk`: covered, ascending, without a gap from `base` on; it ends with `tip`. `forked_at`:
    first sequence with two histories, 0 if there is one. `missing`: first and last sequence that a
    head needs and that is not here, (0, 0) if there is none. `head`: the one with the lowest hash
    of those over `tip`; `other`: one of them that says otherwise of the purse or its firmware.
    `reached`: heads below which nothing is missing."""

    trunk: tuple[Archived, ...] = ()
    disputed: tuple[Archived, ...] = ()
    forked_at: int = 0
    fork: tuple[bytes, ...] = ()  # one head's hash of each history
    missing: tuple[int, int] = (0, 0)
    head: HeadSeen | None = None
    other: HeadSeen | None = None
    tip: Place = ROOT
    reached: frozenset[bytes] = frozenset()


class _Walk(NamedTuple):
    head: HeadSeen
    places: tuple[Place, ...]  # from the head down
    missing: int  # sequence of the first record on the way down that is not here; 0: all are


def trace(records: Sequence[Archived], heads: Sequence[HeadSeen], base: Place = ROOT) -> Chain:
    """Sort out what the heads cover. The order of both sequences does not matter.

    `base`: tip of the trunk to go on from; records are those after it, heads those at or after it.
    Raises OffTrunk.
    """
    here = {(record.sequence, record.hash): record for record in records}
    whole: set[Place] = {base}
    walks = [_down(head, here, whole) for head in sorted(heads, key=_newest_first)]
    claims: dict[int, set[bytes]] = {}
    for walk in walks:
        for sequence, record_hash in ((walk.head.sequence, walk.head.chain_hash), *walk.places):
            claims.setdefault(sequence, set()).add(record_hash)
    forked_at = min((at for at, hashes in claims.items() if len(hashes) > 1), default=0)
    if base != ROOT and any(walk.missing == base[0] for walk in walks):
        raise OffTrunk
    covered = sorted(whole - {base})
    trunk = tuple(here[place] for place in covered if not forked_at or place[0] < forked_at)
    disputed = tuple(here[place] for place in covered if forked_at and place[0] >= forked_at)
    tip = (trunk[-1].sequence, trunk[-1].hash) if trunk else base
    return Chain(
        trunk,
        disputed,
        forked_at,
        _fork(forked_at, walks, here) if forked_at else (),
        _missing(walks, covered[-1] if covered else base),
        *_last_heads(tip, heads),
        tip,
        frozenset(walk.head.hash for walk in walks if not walk.missing),
    )


def _newest_first(head: HeadSeen) -> tuple[int, bytes]:
    return -head.sequence, head.hash


def _down(head: HeadSeen, here: dict[Place, Archived], whole: set[Place]) -> _Walk:
    """Walk from a head until what is known to be whole, or a gap."""
    place: Place = (head.sequence, head.chain_hash)
    places: list[Place] = []
    while place not in whole:
        record = here.get(place)
        if record is None:
            return _Walk(head, tuple(places), max(place[0], SEQUENCE_FIRST))
        places.append(place)
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


def _missing(walks: Sequence[_Walk], reached: Place) -> tuple[int, int]:
    last = max((walk.missing for walk in walks), default=0)
    return (min(reached[0] + 1, last), last) if last else (0, 0)


def _last_heads(tip: Place, heads: Sequence[HeadSeen]) -> tuple[HeadSeen | None, HeadSeen | None]:
    """`head` and `other` of a chain. Two are enough, whichever came first: of any set of heads
    these two, with more, come to the same two as the set with more."""
    at_tip = [head for head in heads if (head.sequence, head.chain_hash) == tip]
    at_tip.sort(key=lambda head: head.hash)
    if not at_tip:
        return None, None
    said = _said(at_tip[0])
    return at_tip[0], next((head for head in at_tip[1:] if _said(head) != said), None)


def _said(head: HeadSeen) -> Head:
    """What two heads over one record cannot honestly differ in, but for another firmware."""
    said: Head = messages.decode(head.raw, messages.Head).message
    return said._replace(challenge=None, reader=None, battery=None, seconds=None)


def next_missing(chain: Chain, records: Sequence[Archived], checkpointed: int) -> int:
    """Sequence to ask the device for next: what goes on from here, or, where that has been tried
    and a head still does not reach down, what lies further back.

    `checkpointed`: last record that a signed checkpoint covers; no honest device's history
    differs below it.
    """
    after = _reach(chain, records) + 1
    gap = chain.missing[1]
    if not gap:
        return after
    tries = (after, chain.tip[0] + 1, checkpointed + 1)
    return next((at for at in tries if at <= gap), SEQUENCE_FIRST)


def _reach(chain: Chain, records: Sequence[Archived]) -> int:
    """How far records follow on the trunk without a gap, head or not."""
    following = {(record.sequence - 1, record.previous): record for record in records}
    place = chain.tip
    while place in following:
        record = following[place]
        place = (record.sequence, record.hash)
    return place[0]
