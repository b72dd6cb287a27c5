# SPDX-License-Identifier: Apache-2.0
"""All verified messages of the archive, by what they are about: the index that matching, findings
and handing over look things up in.

A signature counts wherever it was found. Whose journal shows what, and whether before a fork, is
kept beside it, because a closing counts only where it was journalled. What no head covers moves no
money, but what a device signed it has said: `said` knows that too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field

from duotap import messages, proof, records
from duotap.cose import Signed

from duotap_host.reconcile.archive import CHECKPOINT, Archive, Archived, Issued
from duotap_host.reconcile.chains import Chain, trace
from duotap_host.reconcile.folding import Folded, Folds
from duotap_host.reconcile.reading import Entry, Problem, Reader


@dataclass(slots=True)
class Closings:
    """What is known of one payment's end: records, and whether each lies before any fork."""

    honoured: list[tuple[Entry, bool]] = field(default_factory=list)  # the payee's C or S
    shown: list[tuple[Entry, bool]] = field(default_factory=list)  # the payer's record 10
    late: list[tuple[Entry, bool]] = field(default_factory=list)  # the payee's record 14


@dataclass(slots=True)
class Seen:
    """A device's journal as far as it is covered."""

    chain: Chain
    folded: Folded
    unpaid: dict[bytes, int] = field(default_factory=dict)  # hash of a V-closed offer: sequence
    resolved: set[bytes] = field(default_factory=set)  # offers with a late void or a conflict
    offered: set[int] = field(default_factory=set)  # reserved numbers of offers in it
    reserved: list[tuple[int, int, int]] = field(default_factory=list)  # sequence, first, last
    paid: dict[bytes, int] = field(default_factory=dict)  # hash of a payment made: sequence
    checkpointed: int = 0  # last record that a checkpoint in it covers
    synced: int = 0  # last record that a checkpoint covers


@dataclass(slots=True)
class Evidence:
    """The index. Keys: hashes of messages unless said otherwise."""

    archive: Archive
    journals: MutableMapping[bytes, Seen] = field(default_factory=dict)
    payments: dict[bytes, Signed] = field(default_factory=dict)
    by_offer: dict[bytes, set[bytes]] = field(default_factory=dict)  # offer: its payments
    own: dict[bytes, bool] = field(default_factory=dict)  # in the payer's journal; before a fork?
    offers: dict[bytes, Signed] = field(default_factory=dict)
    closings: dict[bytes, Closings] = field(default_factory=dict)  # payment: its end
    # Load, cancel, checkpoint by the device whose journal shows it.
    issued: dict[tuple[bytes, bytes], Signed] = field(default_factory=dict)
    unloads: dict[bytes, tuple[Signed, bool]] = field(default_factory=dict)
    refunds: dict[bytes, Signed] = field(default_factory=dict)
    refunds_given: set[bytes] = field(default_factory=set)
    refunds_taken: dict[bytes, tuple[bytes, bool]] = field(default_factory=dict)
    certificates: dict[bytes, tuple[bytes, bytes]] = field(
        default_factory=dict
    )  # record: dev, raw
    problems: dict[bytes, list[Problem]] = field(default_factory=dict)  # by device
    # Device and what it may say once (duotap.proof): what it said, by hash; one is honest.
    said: dict[tuple[bytes, str, bytes | int], dict[bytes, Signed]] = field(default_factory=dict)


def collect(archive: Archive, reader: Reader, folds: Folds) -> Evidence:
    """Read every covered record once. `reader` and `folds` remember what was done before."""
    evidence = Evidence(archive)
    synced = _synced(archive.issued)
    for device in sorted(archive.devices):
        records = archive.records.get(device, ())
        chain = trace(records, archive.heads.get(device, ()))
        certificate = archive.devices[device].certificate
        covered = synced.get(device, set())
        folded = folds.of(device, chain.trunk, covered, certificate)
        evidence.journals[device] = Seen(chain, folded, synced=max(covered, default=0))
        file_journal(evidence, reader, device, (chain.trunk, chain.disputed, records))
    return evidence


Standings = tuple[Iterable[Archived], Iterable[Archived], Iterable[Archived]]


def file_journal(evidence: Evidence, reader: Reader, device: bytes, given: Standings) -> None:
    """Take in records of one device: those before any fork, those after one, and all that are
    here, covered or not."""
    firm, disputed, every = given
    for is_firm, part in ((True, firm), (False, disputed)):
        for archived in part:
            entry, problems = reader.read(archived)
            evidence.problems.setdefault(device, []).extend(problems)
            _file(evidence, evidence.journals[device], entry, is_firm)
    for archived in every:
        _hear(evidence, reader.read(archived)[0])


def _hear(evidence: Evidence, entry: Entry) -> None:
    """Keep what may be said once, covered or not. Others may have made the record up, not what
    is signed in it."""
    for signed in entry.said():
        key = (signed.kid, *proof.subject(signed))
        evidence.said.setdefault(key, {})[signed.hash] = signed


def _synced(issued: Iterable[Issued]) -> Mapping[bytes, set[int]]:
    found: dict[bytes, set[int]] = {}
    for statement in issued:
        if statement.kind == CHECKPOINT:
            found.setdefault(statement.device, set()).add(covered_by(statement))
    return found


def covered_by(checkpoint: Issued) -> int:
    """Sequence of the last record that it covers."""
    return int(messages.decode(checkpoint.raw, messages.Checkpoint).message.covered)


def _file(evidence: Evidence, seen: Seen, entry: Entry, is_firm: bool) -> None:
    device, kind = entry.record.device, entry.record.kind
    if entry.payment is not None:
        _file_payment(evidence, seen, entry, is_firm)
    if entry.offer is not None:
        evidence.offers[entry.offer.hash] = entry.offer
    if kind == records.CLOSING and entry.closing is not None:
        _closings(evidence, entry.closing).shown.append((entry, is_firm))
    if entry.issued is not None and kind == records.CHECKPOINT and is_firm:
        seen.checkpointed = max(seen.checkpointed, entry.issued.message.covered)
    if entry.issued is not None:
        evidence.issued[device, entry.issued.hash] = entry.issued
    if entry.unload is not None:
        firm = is_firm or evidence.unloads.get(entry.unload.hash, (None, False))[1]
        evidence.unloads[entry.unload.hash] = (entry.unload, firm)
    if entry.refund is not None:
        evidence.refunds[entry.refund.hash] = entry.refund
        if kind == records.REFUND_GIVEN:
            evidence.refunds_given.add(entry.refund.hash)
        else:
            firm = is_firm or evidence.refunds_taken.get(entry.refund.hash, (b"", False))[1]
            evidence.refunds_taken[entry.refund.hash] = (device, firm)
    if is_firm:
        _file_offers(seen, entry)
    if entry.certificate:
        evidence.certificates[entry.record.hash] = (device, entry.certificate)


def _file_offers(seen: Seen, entry: Entry) -> None:
    """What became of a payee's offer numbers."""
    sequence, kind = entry.record.sequence, entry.record.kind
    if entry.unpaid:
        seen.unpaid[entry.unpaid] = sequence
    if entry.offer is not None and kind == records.OFFER:
        number = entry.offer.message.offer_counter
        if any(first <= number <= last for _, first, last in seen.reserved):
            seen.offered.add(number)
    if kind == records.RESERVED:
        seen.reserved.append((sequence, *entry.reserved))


def _file_payment(evidence: Evidence, seen: Seen, entry: Entry, is_firm: bool) -> None:
    payment, kind = entry.payment, entry.record.kind
    assert payment is not None
    evidence.payments[payment.hash] = payment
    evidence.by_offer.setdefault(payment.message.offer_hash, set()).add(payment.hash)
    if kind == records.PAYMENT:
        if is_firm:
            seen.paid[payment.hash] = entry.record.sequence
        evidence.own[payment.hash] = is_firm or evidence.own.get(payment.hash, False)
        return
    if payment.message.payee != entry.record.device:
        return
    if is_firm and kind in (records.LATE_VOID, records.CONFLICT):
        seen.resolved.add(payment.message.offer_hash)
    if entry.closing is not None:
        end = _closings(evidence, entry.closing)
        (end.late if kind == records.LATE_VOID else end.honoured).append((entry, is_firm))


def _closings(evidence: Evidence, closing: Signed) -> Closings:
    return evidence.closings.setdefault(closing.message.payment_hash, Closings())
