# SPDX-License-Identifier: Apache-2.0
"""What a device is to be handed next: the issuer's statements that its journal does not show, and
messages that the other side of a torn payment left in somebody else's journal; and the base of its
next checkpoint (PROTOCOL.md §6 to §8).

It signs nothing. What it hands over is bytes that were signed and archived before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from duotap import base, cbor, record, records
from duotap.statements import BASE_PARTS_MAX

from duotap_host.ledger.interface import Handover, Kind
from duotap_host.reconcile import matching
from duotap_host.reconcile.archive import CANCEL, CHECKPOINT, Issued
from duotap_host.reconcile.evidence import Evidence, Seen, covered_by
from duotap_host.reconcile.folding import Folded, fold

# V-closed offers that a base carries: all its parts but the first (PROTOCOL.md §8.2).
UNPAID_MAX = (BASE_PARTS_MAX - 1) * base.UNPAID_PER_PART
# What a checkpoint itself leaves in a journal; it alone is not worth another one.
OF_CHECKPOINTS = (
    records.BASE_PART,
    records.CHECKPOINT,
    records.CARRIED,
    records.TICKS,
    record.START,
)


def handovers(evidence: Evidence, device: bytes, frozen: Iterable[bytes]) -> Iterator[Handover]:
    """In the order in which the device takes them. Nothing for a frozen device, and no payment of
    one: who holds two histories is not helped to spend both."""
    frozen = set(frozen)
    if device in frozen:
        return
    seen = evidence.journals[device]
    issued = [statement for statement in evidence.archive.issued if statement.device == device]
    yield from _refunds(evidence, device, frozen)  # a checkpoint would come between
    yield from _statements(issued, seen.folded.state.next_issue)
    yield from _closings(evidence, seen)
    yield from _payments(evidence, device, frozen)


def _statements(issued: Iterable[Issued], next_number: int) -> Iterator[Handover]:
    """From the device's next number on; of a load and its cancel the cancel."""
    due: dict[int, Issued] = {}
    for statement in issued:
        is_better = statement.kind == CANCEL or statement.number not in due
        if statement.number >= next_number and is_better:
            due[statement.number] = statement
    for _, statement in sorted(due.items()):
        for part, raw in enumerate(statement.base):
            yield Handover(Kind.BASE, raw, part, len(statement.base))
        yield Handover(Kind.STATEMENT, statement.raw)


def _closings(evidence: Evidence, seen: Seen) -> Iterator[Handover]:
    """For each open payment the receipt or void that its payee's journal shows."""
    for payment in seen.folded.state.open_payments:
        end = evidence.closings.get(payment.payment_hash)
        if end is None:
            continue
        for entry, firm in (*end.honoured, *end.late):
            if firm and entry.closing is not None:
                yield _forward(evidence, entry.closing.raw, entry.closing.kid)
                break


def _payments(evidence: Evidence, device: bytes, frozen: set[bytes]) -> Iterator[Handover]:
    """Payments to this device in their payers' journals that its own journal does not show. One
    that it journalled as a conflict is one of two by a payer that is frozen for it."""
    for payment_hash in sorted(evidence.own):
        payment = evidence.payments[payment_hash]
        if awaited_by(evidence, payment_hash) == device and payment.kid not in frozen:
            yield _forward(evidence, payment.raw, payment.kid)


def _refunds(evidence: Evidence, device: bytes, frozen: set[bytes]) -> Iterator[Handover]:
    """What stands gave back to this device and its journal does not show."""
    for refund_hash in sorted(evidence.refunds_given - evidence.refunds_taken.keys()):
        refund = evidence.refunds[refund_hash]
        payment = evidence.payments.get(refund.message.payment_hash)
        if payment is None or (payment.kid, payment.message.payee) != (device, refund.kid):
            continue
        if refund.kid not in frozen and not matching.is_past(evidence, payment):
            yield _forward(evidence, refund.raw, refund.kid)


def awaited_by(evidence: Evidence, payment_hash: bytes) -> bytes:
    """Payee of a payment that its payer's journal shows and its own does not; else empty."""
    end = evidence.closings.get(payment_hash)
    if not evidence.own.get(payment_hash) or (end is not None and (end.honoured or end.late)):
        return b""
    return bytes(evidence.payments[payment_hash].message.payee)


def _forward(evidence: Evidence, message: bytes, signer: bytes) -> Handover:
    return Handover(Kind.FORWARD, cbor.encode([message, evidence.archive.devices[signer].raw]))


class Base(NamedTuple):
    """What a checkpoint is signed over."""

    covered: int
    chain_hash: bytes
    parts: tuple[bytes, ...]
    base_hash: bytes


def next_base(evidence: Evidence, device: bytes) -> Base | None:
    """The base over the longest stretch of covered records whose unresolved V-closed offers it has
    room for; None when that is no more than the last checkpoint covers.

    The device's trunk has to be here from the last checkpoint on, and from its first record on
    where more than UNPAID_MAX offers are unresolved.
    """
    seen = evidence.journals[device]
    unresolved = sorted(
        (sequence, offer_hash)
        for offer_hash, sequence in seen.unpaid.items()
        if not _is_resolved(evidence, seen, offer_hash)
    )
    unwritten = [*_unwritten(evidence, device)]
    unresolved = sorted([*unresolved, *unwritten])
    trunk, folded = seen.chain.trunk, seen.folded
    if len(unresolved) > UNPAID_MAX:
        trunk = trunk[: unresolved[UNPAID_MAX][0] - 1]  # it begins with record 1
        folded = fold(trunk, _covered(evidence, device))
    new = [archived for archived in trunk if archived.sequence > seen.synced]
    is_asked = any(sequence <= seen.synced for sequence, _ in unwritten)
    if not new or (all(each.kind in OF_CHECKPOINTS for each in new) and not is_asked):
        return None
    unpaid = [
        (evidence.offers[offer_hash].message.offer_counter, offer_hash)
        for _, offer_hash in unresolved[:UNPAID_MAX]
        if offer_hash in evidence.offers
    ]
    return _base(folded, unpaid, trunk[-1].sequence, trunk[-1].hash)


def _base(
    folded: Folded, unpaid: list[tuple[int, bytes]], covered: int, chain_hash: bytes
) -> Base:
    parts = tuple(base.parts(folded.state, unpaid))
    hashes = [hashlib.sha256(part).digest() for part in parts]
    return Base(covered, chain_hash, parts, base.digest(hashes))


def _covered(evidence: Evidence, device: bytes) -> set[int]:
    return {
        covered_by(statement)
        for statement in evidence.archive.issued
        if statement.device == device and statement.kind == CHECKPOINT
    }


def _unwritten(evidence: Evidence, device: bytes) -> Iterator[tuple[int, bytes]]:
    """Offers of reserved numbers that the payee never journalled, and of which a payment is known:
    sequence of the reservation, hash. Of the others nobody knows a hash."""
    seen = evidence.journals[device]
    for offer_hash, payments in evidence.by_offer.items() if seen.reserved else ():
        message = evidence.payments[min(payments)].message
        number = message.offer_counter
        if message.payee != device or number in seen.offered or offer_hash in seen.resolved:
            continue
        for sequence, first, last in seen.reserved:
            if first <= number <= last:
                yield sequence, offer_hash


def _is_resolved(evidence: Evidence, seen: Seen, offer_hash: bytes) -> bool:
    """No payment of this V-closed offer can come any more: its late void is journalled, or the
    payer's covered journal is past the payment number that it names and paid something else."""
    if offer_hash in seen.resolved:
        return True
    offer = evidence.offers.get(offer_hash)
    payer = evidence.journals.get(offer.message.payer) if offer is not None else None
    if offer is None or payer is None:
        return True  # nobody that this ledger knows could ever pay it
    if offer_hash in evidence.by_offer:
        return False
    return bool(payer.folded.state.next_payment > offer.message.payment_counter)
