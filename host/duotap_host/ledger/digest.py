# SPDX-License-Identifier: Apache-2.0
"""What is new in the archive, worked out: which records are covered now, what is to be booked, and
what it contradicts (PROTOCOL.md §11).

Only topics with something new are looked at (`reconcile.topics`), so that a run costs what came
since the last one. What it keeps is what a run over everything would come to (`review.everything`,
`duotap reconcile --from-scratch`). One run at a time: the first statement takes the lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from duotap.records import CHECKPOINT as CHECKPOINT_RECORD
from sqlalchemy import Connection, text

from duotap_host.ledger import awards, grounds, kept, orders, vault
from duotap_host.ledger.kept import Standing
from duotap_host.ledger.shelf import Item, Shelf, Stage
from duotap_host.reconcile import (
    balances,
    booking,
    chains,
    folding,
    handover,
    losses,
    matching,
    topics,
)
from duotap_host.reconcile.archive import CHECKPOINT, Archived, Issued
from duotap_host.reconcile.chains import Chain, OffTrunk
from duotap_host.reconcile.evidence import Evidence, Seen, covered_by
from duotap_host.reconcile.findings import Held, find
from duotap_host.reconcile.matching import SENT_HOME, TAKEN, UNDER_WAY

RECORDS_MAX = (
    4096  # new ones of one transaction, give or take one device's; bounds time and memory
)
# Whether a device is known and has no fork decides between these.
ENDS_OF_KNOWN = (UNDER_WAY, TAKEN, SENT_HOME)
LOCK = "UPDATE book SET runs = runs + 1"
FORGET = (
    "UPDATE records SET stage = 0",
    "UPDATE heads SET reached = FALSE",
    "DELETE FROM mentions",
    "DELETE FROM positions",
    "DELETE FROM shadows",
    "DELETE FROM awaited",
    "DELETE FROM grounds",
    "UPDATE findings SET state = 'gone' WHERE state = 'open'",
)
NOTHING_SEEN = "UPDATE journals SET digested = -1, changes = changes + 1, seen = :empty"
WITHDRAW = (
    "INSERT INTO positions"
    " (subject, kind, state, lines, amount, debtor, creditor, ahead, booked)"
    " SELECT subject, kind, 'withdrawn', :none, amount, debtor, creditor, FALSE, FALSE"
    " FROM settlements"
)
NO_LINES = b"\x80"  # CBOR: an empty array
CHANGED = (
    "SELECT j.device, (SELECT COUNT(*) FROM records r WHERE r.device = j.device AND r.stage = 0)"
    " FROM journals j WHERE j.digested <> j.changes ORDER BY j.device"
)


def lock(connection: Connection) -> None:
    """Runs that change what is kept come one after the other."""
    connection.execute(text(LOCK))


def changed(connection: Connection) -> list[bytes]:
    """Devices with something new, as many as one transaction takes."""
    found: list[bytes] = []
    count = 0
    for device, new in connection.execute(text(CHANGED)):
        if found and count + new > RECORDS_MAX:
            break
        found.append(bytes(device))
        count += new
    return found


@dataclass(slots=True)
class _News:
    """What a run found to be new."""

    covered: list[Item] = field(default_factory=list)
    heard: list[Item] = field(default_factory=list)
    reached: list[bytes] = field(default_factory=list)  # heads
    touched: set[bytes] = field(default_factory=set)  # keys
    statements: set[tuple[bytes, int]] = field(default_factory=set)


def digest(shelf: Shelf, devices: Collection[bytes], now_us: int) -> None:
    """Bring what is kept up to what is archived, of these devices and whatever that touches."""
    news = _News()
    progress = []
    for device in devices:
        before = shelf.progress(device)
        statements = orders.issued(shelf.connection, device, before.statements)
        seen = _go_on(shelf, news, device, before.seen, statements)
        shelf.journals[device] = seen
        news.statements.update((device, each.number) for each in statements)
        number = max((each.number + 1 for each in statements), default=before.statements)
        progress.append(kept.Progress(device, before.changes, seen, number))
    _note(shelf, news, devices)
    found = _look(shelf, news, devices)
    _settle(shelf, found)
    _find(shelf, found, devices, now_us)
    for each in progress:
        kept.put_progress(shelf.connection, each)
    vault.mark_checked(shelf.connection, shelf.reader.verified)


def begin_anew(connection: Connection) -> None:
    """Forget what was worked out. What is booked is undone where the archive does not say it."""
    for statement in FORGET:
        connection.execute(text(statement))
    connection.execute(text(NOTHING_SEEN), {"empty": b""})
    connection.execute(text(WITHDRAW), {"none": NO_LINES})


# How far a journal goes


def _go_on(
    shelf: Shelf, news: _News, device: bytes, before: Seen | None, statements: Iterable[Issued]
) -> Seen:
    """The journal with what is new of it. Notes in `news` what that is."""
    if before is None:
        before = kept.nothing_seen()
        news.touched.add(topics.signer(device))
        news.touched |= _coming_to(shelf, device, *ENDS_OF_KNOWN)
    news.heard += shelf.records(device, " AND r.stage = 0")
    try:
        chain, items = _lengthen(shelf, news, device, before.chain)
    except OffTrunk:
        return _anew(shelf, news, device)
    covered = {(each.sequence, each.hash) for each in chain.trunk}
    new = [each for each in items if each.place[1:] in covered]
    if any(each.archived.kind == CHECKPOINT_RECORD for each in new):
        news.touched |= _coming_to(shelf, device, UNDER_WAY)  # refunds that it takes no more
    news.covered += new
    news.reached += chain.reached
    synced = {covered_by(each) for each in statements if each.kind == CHECKPOINT}
    folded = _fold(shelf, device, before, chain, synced)
    last = max(synced, default=before.synced)
    return replace(before, chain=chain, folded=folded, synced=last)


def _lengthen(shelf: Shelf, news: _News, device: bytes, before: Chain) -> tuple[Chain, list[Item]]:
    """The trunk from its tip on, and the records after that. OffTrunk where there is a fork, old
    or new."""
    if before.forked_at:
        raise OffTrunk
    heads = shelf.heads(device, " AND NOT reached")
    below = [each for each in heads if each.sequence < before.tip[0]]
    for each in below:
        if not shelf.is_covered(device, each.sequence, each.chain_hash):
            raise OffTrunk
    ahead = [each for each in heads if each.sequence >= before.tip[0]]
    ahead += [head for head in (before.head, before.other) if head is not None]
    items = shelf.records(device, " AND r.sequence > :tip", tip=before.tip[0])
    chain = chains.trace([each.archived for each in items], ahead, before.tip)
    if chain.forked_at:
        raise OffTrunk
    news.reached += [each.hash for each in below]
    return chain, items


def look_ahead(shelf: Shelf, device: bytes, before: Chain) -> tuple[Chain, list[Archived]]:
    """The chain as it is with what came since it was looked at, and the records that are not on
    the old trunk; nothing is kept."""
    try:
        chain, items = _lengthen(shelf, _News(), device, before)
        return chain, [each.archived for each in items]
    except OffTrunk:
        pass
    records = [each.archived for each in shelf.records(device)]
    return chains.trace(records, shelf.heads(device)), records


def _fold(
    shelf: Shelf, device: bytes, before: Seen, chain: Chain, synced: Collection[int]
) -> folding.Folded:
    """What the journal adds up to. A new checkpoint that ends before the old tip changes what was
    counted since."""
    certificate = shelf.devices[device].certificate
    tip, folded = before.chain.tip[0], before.folded
    if any(each < tip for each in synced):
        where = " AND r.stage = 2 AND r.sequence <= :tip"
        trunk = sorted(each.archived for each in shelf.records(device, where, tip=tip))
        return folding.fold((*trunk, *chain.trunk), _synced(shelf, device), certificate)
    if tip in synced and not folded.broken:
        folding.begin_anew(folded.state)
    return folding.fold(chain.trunk, synced, certificate, folded)


def _anew(shelf: Shelf, news: _News, device: bytes) -> Seen:
    """The journal from its first record on, and with it all that it ever spoke of: a fork, once
    found, changes what counts."""
    items = shelf.records(device)
    chain = chains.trace([each.archived for each in items], shelf.heads(device))
    covered = {(each.sequence, each.hash) for each in (*chain.trunk, *chain.disputed)}
    news.covered += [each for each in items if each.place[1:] in covered]
    news.reached += chain.reached
    news.touched |= _coming_to(shelf, device, *ENDS_OF_KNOWN)
    synced = _synced(shelf, device)
    folded = folding.fold(chain.trunk, synced, shelf.devices[device].certificate)
    return Seen(chain, folded, synced=max(synced, default=0))


def _synced(shelf: Shelf, device: bytes) -> set[int]:
    issued = orders.issued(shelf.connection, device)
    return {covered_by(each) for each in issued if each.kind == CHECKPOINT}


def _coming_to(shelf: Shelf, device: bytes, *states: str) -> set[bytes]:
    """Subjects of what goes to this device, in these states."""
    return {each.subject for each in kept.awaiting(shelf.connection, device, *states)}


# What that touches


def _note(shelf: Shelf, news: _News, devices: Collection[bytes]) -> None:
    """Write down what new records speak of, and how far all have come."""
    known = {topics.signer(key) for key in shelf.reader.issuer}
    known |= {topics.signer(device) for device in devices}
    late = shelf.speaking_of(known)  # of keys that were unknown when they came
    shelf.forget(known if late else ())
    news.touched |= shelf.note((*news.heard, *late))
    for item in news.covered:
        news.touched |= shelf.keys(item)
    shelf.set_stage(news.heard, Stage.HEARD)
    shelf.set_stage(news.covered, Stage.COVERED)
    shelf.set_reached(news.reached)
    for award in awards.of_devices(shelf.connection, devices):
        news.touched.add(award.about)
        issued = orders.issued(shelf.connection, award.device)
        news.statements.update((each.device, each.number) for each in issued)
    news.touched.update(matching.load_subject(*pair) for pair in news.statements)


class _Topics(NamedTuple):
    """Everything that bears on what was touched."""

    evidence: Evidence
    keys: set[bytes]
    covered: list[Archived]


def _look(shelf: Shelf, news: _News, devices: Collection[bytes]) -> _Topics:
    found, keys = shelf.topics_of(news.touched)
    found.update((each.place, each._replace(stage=Stage.COVERED)) for each in news.covered)
    entries = [shelf.read(each)[0] for each in found.values()]
    pairs = {
        (each.record.device, each.issued.message.number)
        for each in entries
        if each.issued is not None
    }
    paid = {*awards.about(shelf.connection, keys), *awards.of_devices(shelf.connection, devices)}
    issued = shelf.issued(pairs | news.statements)
    evidence = shelf.evidence(found.values(), issued, sorted(paid))
    covered = [each.archived for each in found.values() if each.stage == Stage.COVERED]
    return _Topics(evidence, keys, covered)


# What follows


def _settle(shelf: Shelf, found: _Topics) -> None:
    """Positions of what was touched, in the place of those that were kept."""
    evidence = found.evidence
    wanted = {each.subject: each for each in matching.positions(evidence)}
    before = kept.positions(shelf.connection, found.keys | wanted.keys())
    for subject in before.keys() - wanted.keys():
        wanted[subject] = booking.withdrawn(subject)
    moved: dict[tuple[bytes, int], list[int]] = {}
    changed = []
    parties: set[bytes] = set()
    for subject, position in wanted.items():
        old = before.get(subject)
        new = Standing(position, balances.is_ahead(evidence, position), False)
        if old is not None and old.position == position:
            new = new._replace(booked=old.booked)
        if new != old:
            changed.append(new)
            for each, sign in ((new, 1), (old, -1)):
                if each is not None:
                    _move(moved, each, sign)
                    parties.add(each.position.creditor)
    kept.put_positions(shelf.connection, changed)
    kept.add_shadows(shelf.connection, moved)
    for device in {device for device, _ in moved} | parties:
        shelf.journals.get(device)
    waiting = {each: handover.awaited_by(evidence, each) for each in evidence.payments}
    kept.await_payments(shelf.connection, waiting)


def _move(moved: dict[tuple[bytes, int], list[int]], standing: Standing, sign: int) -> None:
    position, ahead, _ = standing
    for at, parts in enumerate((balances.moved(position), balances.own(position, ahead))):
        for device, scope, amount in parts:
            moved.setdefault((device, scope), [0, 0])[at] += sign * amount


def _find(shelf: Shelf, found: _Topics, devices: Collection[bytes], now_us: int) -> None:
    """Findings of what was touched, in the place of those that were kept."""
    evidence = found.evidence
    shadows = kept.shadows(shelf.connection, evidence.journals)
    own = {device: balances.without_zeros(of.own) for device, of in shadows.items()}
    held = {device: of.held for device, of in shadows.items()}
    paid = awards.of_devices(shelf.connection, evidence.journals)
    coming = [
        each for award in paid for each in kept.awaiting(shelf.connection, award.device, UNDER_WAY)
    ]
    debts = tuple(losses.owed(held, paid, coming, shelf.devices))
    looked_at = found.keys | {topics.record(each.device, each.hash) for each in found.covered}
    for device in evidence.journals:
        looked_at |= {topics.device(device), topics.shadow(device)}
    by_topic = [each for each in find(evidence, Held(own, debts)) if each[0] in looked_at]
    changed = grounds.put(shelf.connection, looked_at, by_topic, now_us)
    grounds.freeze(shelf.connection, changed | set(devices))
