# SPDX-License-Identifier: Apache-2.0
"""Everything that is archived, looked at once: what follows from it for the book, for each device
and for people. It changes nothing."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from duotap_host.ledger import awards, orders, registry, settling, vault
from duotap_host.ledger.interface import DeviceState, Finding, Refused
from duotap_host.reconcile import booking, matching
from duotap_host.reconcile.archive import Archive
from duotap_host.reconcile.booking import Booked, Move
from duotap_host.reconcile.evidence import Evidence, collect
from duotap_host.reconcile.findings import BLOCKING, FREEZING, find
from duotap_host.reconcile.folding import Folds
from duotap_host.reconcile.matching import Position
from duotap_host.reconcile.reading import Reader


class Material(NamedTuple):
    """What is in the database."""

    booked: dict[bytes, Booked]
    archive: Archive
    retired: frozenset[bytes]
    lost: frozenset[bytes]


class Review(NamedTuple):
    """What follows from it."""

    booked: dict[bytes, Booked]
    evidence: Evidence
    positions: dict[bytes, Position]
    findings: tuple[Finding, ...]
    frozen: frozenset[bytes]  # devices with a finding that freezes, and retired ones
    lost: frozenset[bytes]

    def moves(self) -> list[Move]:
        """What is still to be booked."""
        return booking.moves(self.positions, self.booked)

    def check_due(self, device: bytes, due: int, now: int) -> None:
        """Refused unless the device is lost, its time is over and nobody disputes its value."""
        if device not in self.lost:
            raise Refused(f"device {device.hex()} is not reported as lost")
        if device in self.frozen:
            raise Refused(f"device {device.hex()} has two histories: its value is in dispute")
        if now < due:
            raise Refused(f"it is epoch {now}; the device is paid for from epoch {due} on")

    def blocking(self, device: bytes) -> tuple[Finding, ...]:
        """Findings for which no checkpoint is signed."""
        return tuple(
            found for found in self.findings if found.device == device and found.code in BLOCKING
        )


def material(connection: Connection) -> Material:
    """Read it all. What is booked is read first: it rests on no evidence that is read later."""
    booked = settling.booked(connection)
    devices = registry.everyone(connection)
    issued, paid = orders.issued(connection), awards.everyone(connection)
    archive = vault.archive(connection, devices, issued, paid)
    retired = (device.id for device in devices if device.state == DeviceState.RETIRED)
    lost = (device.id for device in devices if device.state == DeviceState.LOST)
    return Material(booked, archive, frozenset(retired), frozenset(lost))


def review(found: Material, reader: Reader, folds: Folds) -> Review:
    """Work it out; `reader` and `folds` remember what was done before."""
    reader.devices = {key: known.public_key for key, known in found.archive.devices.items()}
    evidence = collect(found.archive, reader, folds)
    positions = {position.subject: position for position in matching.positions(evidence)}
    findings = find(evidence, positions.values())
    frozen = found.retired | {each.device for each in findings if each.code in FREEZING}
    return Review(found.booked, evidence, positions, findings, frozen, found.lost)
