# SPDX-License-Identifier: Apache-2.0
"""Everything that is archived, looked at once and from the beginning: what follows from it for the
book, for each device and for people. It changes nothing, and takes nothing that was worked out
before: what runs keep (`digest`) has to come to the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from duotap_host.ledger import awards, grounds, kept, orders, registry, vault
from duotap_host.ledger.interface import Finding, Refused
from duotap_host.reconcile import booking, handover, losses, matching
from duotap_host.reconcile.archive import Archive
from duotap_host.reconcile.evidence import Evidence, collect
from duotap_host.reconcile.findings import BLOCKING, FREEZING, Code, find, held
from duotap_host.reconcile.folding import Folds
from duotap_host.reconcile.matching import Position
from duotap_host.reconcile.reading import Reader


class Review(NamedTuple):
    """What follows from an archive."""

    evidence: Evidence
    positions: dict[bytes, Position]
    findings: tuple[Finding, ...]

    @property
    def frozen(self) -> frozenset[bytes]:
        """Devices with a finding that freezes."""
        return frozenset(each.device for each in self.findings if each.code in FREEZING)

    def blocking(self, device: bytes) -> tuple[Finding, ...]:
        """Findings for which no checkpoint is signed."""
        return blocking(self.findings, device)


class Gone(NamedTuple):
    """A device that something is to be paid for."""

    device: bytes
    is_lost: bool  # reported as such
    is_frozen: bool

    def check_due(self, due: int, now: int) -> None:
        """Refused unless the device is lost, its time is over and nobody disputes its value."""
        if not self.is_lost:
            raise Refused(f"device {self.device.hex()} is not reported as lost")
        if self.is_frozen:
            raise Refused(f"device {self.device.hex()} has two histories: its value is in dispute")
        if now < due:
            raise Refused(f"it is epoch {now}; the device is paid for from epoch {due} on")


def blocking(findings: tuple[Finding, ...], device: bytes) -> tuple[Finding, ...]:
    """Findings for which no checkpoint is signed for this device."""
    return tuple(each for each in findings if each.device == device and each.code in BLOCKING)


def review(archive: Archive, reader: Reader, folds: Folds) -> Review:
    """Work it out; `reader` and `folds` remember what was done before."""
    reader.devices = {key: known.public_key for key, known in archive.devices.items()}
    evidence = collect(archive, reader, folds)
    positions = {position.subject: position for position in matching.positions(evidence)}
    findings = {found for _, found in find(evidence, held(evidence, positions.values()))}
    return Review(evidence, positions, tuple(sorted(findings)))


def everything(connection: Connection, reader: Reader) -> Review:
    """Of all that is in the database."""
    devices = registry.everyone(connection)
    issued, paid = orders.issued(connection), awards.everyone(connection)
    return review(vault.archive(connection, devices, issued, paid), reader, Folds())


# What only the book knows: that it could not be corrected, and alarms about devices not in it.
OF_BOOK = (Code.CORRECTION_REFUSED, Code.UNKNOWN_CERTIFICATE, Code.BEYOND_FACTORY)


def differences(connection: Connection, reader: Reader) -> Iterator[str]:
    """Lines that tell where what is kept differs from what everything comes to; none is right."""
    whole = everything(connection, reader)
    known = {each.position.subject: each for each in kept.everything(connection)}
    for subject in sorted(whole.positions.keys() | known.keys()):
        wanted = whole.positions.get(subject, booking.withdrawn(subject))
        at = known[subject].position if subject in known else booking.withdrawn(subject)
        if at != wanted:
            yield f"{subject.hex()}: kept as {_told(at)}, the archive says {_told(wanted)}"
    stand = {each for each in grounds.findings(connection) if each.code not in OF_BOOK}
    found = {each for each in whole.findings if each.code not in OF_BOOK}
    yield from (f"finding without ground: {each.en}" for each in sorted(stand - found))
    yield from (f"finding left out: {each.en}" for each in sorted(found - stand))
    yield from _sums(connection, whole)
    yield from _awaited(connection, whole.evidence)


def _told(position: Position) -> str:
    lines = ", ".join(f"{x.debit} to {x.credit} {x.amount}" for x in position.lines)
    return f"{position.kind} {position.state} ({lines})"


def _sums(connection: Connection, whole: Review) -> Iterator[str]:
    """Sums by purse, and how far each journal goes."""
    positions = whole.positions.values()
    own, every = held(whole.evidence, positions).own, losses.shadows(positions)
    shadows = kept.shadows(connection, whole.evidence.journals)
    for device, seen in whole.evidence.journals.items():
        of = shadows.get(device, kept.Shadow({}, {}))
        for sums, wanted in ((of.own, own.get(device, {})), (of.held, every.get(device, {}))):
            if _plain(sums) != _plain(wanted):
                yield f"device {device.hex()}: sums are {sums}, positions make {wanted}"
        progress = kept.progress(connection, device)
        is_seen = progress.seen or kept.nothing_seen()
        if kept.pack(is_seen, 0) != kept.pack(seen, 0):
            yield f"device {device.hex()}: kept as {is_seen}, the archive says {seen}"


def _plain(sums: Mapping[int, int]) -> dict[int, int]:
    return {scope: amount for scope, amount in sums.items() if amount}


def _awaited(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Payments that are to be handed to their payees."""
    wanted: dict[bytes, set[bytes]] = {}
    for payment in evidence.payments:
        payee = handover.awaited_by(evidence, payment)
        if payee:
            wanted.setdefault(payee, set()).add(payment)
    for device in evidence.journals:
        found = kept.awaited(connection, device)
        if found != wanted.get(device, set()):
            yield f"device {device.hex()} awaits {len(found)} payments, not those of the archive"
