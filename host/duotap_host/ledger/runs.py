# SPDX-License-Identifier: Apache-2.0
"""Settlement over a database: bring what is kept up to the archive, book the difference, and look
up what follows for one device. It signs nothing.

Each step is a transaction of its own, which another process may come between; runs wait for each
other (`digest.lock`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from duotap.fold import State
from sqlalchemy import Connection, Engine, text

from duotap_host.ledger import awards, database, digest, grounds, kept, orders, registry, settling
from duotap_host.ledger import review as reviewing
from duotap_host.ledger.codes import TransferCode
from duotap_host.ledger.interface import (
    DeviceState,
    Finding,
    Handover,
    HeadTaken,
    Paid,
    Place,
    Reconciled,
    Refused,
)
from duotap_host.ledger.shelf import Shelf
from duotap_host.money import show
from duotap_host.reconcile import booking, chains, handover, losses, proofs, topics
from duotap_host.reconcile.archive import CHECKPOINT, Issued, KnownDevice
from duotap_host.reconcile.booking import Move
from duotap_host.reconcile.evidence import Evidence, Seen
from duotap_host.reconcile.findings import Code, finding
from duotap_host.reconcile.handover import UNPAID_MAX, Base
from duotap_host.reconcile.matching import PAYMENT, REFUND, RETURNED, UNDER_WAY
from duotap_host.reconcile.reading import Reader, Verify

MOVES_MAX = 1000  # of one transaction; bounds the time that accounts stay locked
RETIRED = "SELECT id FROM devices WHERE state = 'retired'"

T = TypeVar("T")


class Runs:
    """`issuer`: public keys of this issuer by key id; `clock` gives microseconds since 1970."""

    def __init__(
        self,
        engine: Engine,
        ledger: int,
        issuer: Mapping[bytes, bytes],
        verify: Verify,
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._issuer = issuer
        self._verify = verify
        self._clock = clock
        self._known: dict[bytes, KnownDevice] = {}

    def _shelf(self, connection: Connection) -> Shelf:
        return Shelf(connection, self._issuer, self._verify, self._known)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return database.transact(self._engine, work)

    def _look(self, work: Callable[[Shelf], T]) -> T:
        """At what is kept, once it is up to date."""
        self._catch_up()
        return database.read(self._engine, lambda connection: work(self._shelf(connection)))

    def _catch_up(self) -> None:
        while database.read(self._engine, digest.changed):
            self._write(self._digest)

    def _digest(self, connection: Connection) -> None:
        digest.lock(connection)
        devices = digest.changed(connection)
        if devices:
            digest.digest(self._shelf(connection), devices, self._clock())

    # Booking

    def reconcile(self) -> Reconciled:
        """Book what the covered records say."""
        self._catch_up()
        counts = [0, 0, 0]
        after: bytes | None = b""
        while after is not None:
            after, *more = self._write(partial(self._book, after=after))
            counts = [one + other for one, other in zip(counts, more, strict=True)]
        transfers, corrections, refused = counts
        return Reconciled(transfers, corrections, refused, self.findings())

    def _book(self, connection: Connection, after: bytes) -> tuple[bytes | None, int, int, int]:
        """A part of what is to be booked: last subject, None for the end; transfers, corrections
        and moves that an account's limit refused."""
        digest.lock(connection)
        wanted = {each.subject: each for each in kept.to_book(connection, after, MOVES_MAX)}
        if not wanted:
            return None, 0, 0, 0
        moves = booking.moves(wanted, settling.booked(connection, wanted))
        now = self._clock()
        results = settling.book(connection, self._ledger, moves, now)
        refused = [move for move, result in zip(moves, results, strict=True) if not result.stands]
        told = {topics.refused(move.position.subject): _refusal(move) for move in refused}
        looked_at = {topics.refused(subject) for subject in wanted}
        grounds.put(connection, looked_at, told.items(), now)
        kept.mark_booked(connection, wanted.keys() - {m.position.subject for m in refused})
        posted = [p for move in moves if move not in refused for p in move.postings]
        corrections = sum(p.line.code == TransferCode.CORRECTION for p in posted)
        return max(wanted), len(posted) - corrections, corrections, len(refused)

    def findings(self) -> tuple[Finding, ...]:
        """Those that stand."""
        return database.read(self._engine, grounds.findings)

    # From the beginning

    def differences(self) -> tuple[str, ...]:
        """Where what is kept differs from what the whole archive comes to."""
        self._catch_up()
        reader = Reader({}, self._issuer, self._verify)
        return database.read(self._engine, lambda c: tuple(reviewing.differences(c, reader)))

    def begin_anew(self) -> None:
        """Forget what was worked out: the next run looks at everything."""

        def work(connection: Connection) -> None:
            digest.lock(connection)
            digest.begin_anew(connection)

        self._write(work)

    # For one device

    def handovers(self, device: bytes) -> tuple[Handover, ...]:
        """What it is to be handed next."""

        def work(shelf: Shelf) -> tuple[Handover, ...]:
            state = registry.find(shelf.connection, device).state
            if state in (DeviceState.LOST, DeviceState.RETIRED):
                return ()
            seen = shelf.journals[device]
            keys = {each.payment_hash for each in seen.folded.state.open_payments}
            keys |= kept.awaited(shelf.connection, device)
            coming = kept.awaiting(shelf.connection, device, UNDER_WAY)
            keys |= {each.subject for each in coming if each.kind == REFUND}
            evidence = self._of(shelf, keys, _due(shelf, device, seen))
            frozen = grounds.freezing(shelf.connection)
            frozen |= {bytes(row[0]) for row in shelf.connection.execute(text(RETIRED))}
            return tuple(handover.handovers(evidence, device, frozen))

        return self._look(work)

    def due(self, device: bytes) -> tuple[Issued, ...]:
        """Statements that the device's journal does not show yet."""
        return self._look(lambda shelf: _due(shelf, device, shelf.journals[device]))

    def standing(self, device: bytes) -> tuple[State, bool]:
        """What its covered journal adds up to, and whether its history is in dispute."""
        return self._look(
            lambda shelf: (
                shelf.journals[device].folded.state,
                device in grounds.freezing(shelf.connection),
            )
        )

    def next_base(self, device: bytes) -> tuple[Issued | None, Base | None]:
        """The checkpoint that its journal does not show yet, or the base of the next one. Refused
        for findings that forbid one."""

        def work(shelf: Shelf) -> tuple[Issued | None, Base | None]:
            seen = shelf.journals[device]
            for each in _due(shelf, device, seen):
                if each.kind == CHECKPOINT:
                    return each, None
            standing = grounds.findings(shelf.connection, device)
            for found in reviewing.blocking(standing, device):
                raise Refused(f"no checkpoint: {found.en}")
            keys = _unpaid(shelf, device, seen)
            is_crowded = len(keys) > UNPAID_MAX  # they may not all fit one base
            issued = orders.issued(shelf.connection, device) if is_crowded else ()
            evidence = self._of(shelf, keys, issued)
            _unroll(shelf, device, seen, 0 if is_crowded else seen.synced)
            return None, handover.next_base(evidence, device)

        return self._look(work)

    def _of(self, shelf: Shelf, keys: Iterable[bytes], issued: Sequence[Issued] = ()) -> Evidence:
        """The evidence on these topics."""
        found, _ = shelf.topics_of(set(keys))
        return shelf.evidence(found.values(), issued)

    def missing(self, connection: Connection, device: bytes) -> HeadTaken:
        """Whether heads cover what is here, and what to ask the device for next."""
        shelf = self._shelf(connection)
        seen = kept.progress(connection, device).seen or kept.nothing_seen()
        chain, records = digest.look_ahead(shelf, device, seen.chain)
        missing = chains.next_missing(chain, records, seen.synced)
        return HeadTaken(not chain.missing[1], missing)

    # Lost devices

    def check_due(self, device: bytes, due: int, now: int) -> None:
        """Refused unless the device is lost, its time is over and nobody disputes its value."""

        def work(shelf: Shelf) -> reviewing.Gone:
            state = registry.find(shelf.connection, device).state
            is_frozen = device in grounds.freezing(shelf.connection)
            return reviewing.Gone(device, state == DeviceState.LOST, is_frozen)

        self._look(work).check_due(due, now)

    def pay_lost(self, device: bytes) -> tuple[Paid, ...]:
        """Pay what a lost device held, and those who wait for it."""
        self._catch_up()
        return self._write(lambda connection: self._pay(connection, device))

    def _pay(self, connection: Connection, device: bytes) -> tuple[Paid, ...]:
        digest.lock(connection)
        shelf = self._shelf(connection)
        paid = awards.everyone(connection)
        gone = {device, *(award.device for award in paid)}
        waiting = kept.leaving(connection, device, UNDER_WAY)
        for each in gone:
            waiting += kept.awaiting(connection, each, UNDER_WAY)
        positions = {each.subject: each for each in waiting}
        found, _ = shelf.topics_of(positions.keys())
        evidence = shelf.evidence(found.values(), orders.issued(connection, device), paid)
        shadows = kept.shadows(connection, gone)
        held = {key: of.held for key, of in shadows.items()}
        due = losses.awards(evidence, positions, held, device)
        return awards.pay(connection, self._ledger, due, self._clock())

    # Evidence

    def evidence(self, found: Finding) -> tuple[Place, ...]:
        """The archived records that a finding rests on."""
        return self._look(lambda shelf: tuple(_places(shelf, found)))

    def proof(self, found: Finding, keycerts: Iterable[bytes]) -> bytes | None:
        """What proves it to anyone; None where no two signatures do."""

        def work(shelf: Shelf) -> bytes | None:
            keys = grounds.topics_of(shelf.connection, found)
            return proofs.proof_of(self._of(shelf, keys), found, keycerts)

        return self._look(work)


def _refusal(move: Move) -> Finding:
    position = move.position
    amount = show(position.amount)
    return finding(Code.CORRECTION_REFUSED, position.creditor, [position.subject], amount=amount)


def _due(shelf: Shelf, device: bytes, seen: Seen) -> tuple[Issued, ...]:
    """Statements that the device's journal does not show yet."""
    return orders.issued(shelf.connection, device, seen.folded.state.next_issue)


def _unpaid(shelf: Shelf, device: bytes, seen: Seen) -> set[bytes]:
    """Offers that a base may have to name: closed unpaid, or never written (PROTOCOL.md §8.4)."""
    keys = set(seen.unpaid)
    if seen.reserved:
        found = kept.awaiting(shelf.connection, device, UNDER_WAY, RETURNED)
        keys |= {each.subject for each in found if each.kind == PAYMENT}
    return keys


def _unroll(shelf: Shelf, device: bytes, seen: Seen, after: int) -> None:
    """The trunk after this record, which the next base is about."""
    where = " AND r.stage = 2 AND r.sequence > :after"
    items = shelf.records(device, where, after=after)
    trunk = sorted(each.archived for each in items)
    seen.chain = seen.chain._replace(trunk=tuple(trunk))


def _places(shelf: Shelf, found: Finding) -> Iterator[Place]:
    keys = grounds.topics_of(shelf.connection, found) | set(found.evidence)
    items, _ = shelf.topics_of(keys)
    for each in found.evidence:
        where = " AND r.hash = :hash"
        items.update((x.place, x) for x in shelf.records(found.device, where, hash=each))
    records = [item.archived for _, item in sorted(items.items())]
    return proofs.places(records, shelf.heads(found.device), found, shelf.reader)
