# SPDX-License-Identifier: Apache-2.0
"""The issuer of a run and its devices as they leave the factory, loaded."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from duotap import certificate, messages, records
from duotap.certificate import CLASS_COUNT, Certificate, KeyCert, key_id
from duotap.device import Device
from duotap.fields import ROLE_STAND, NoButton
from duotap.journal import Journal
from duotap.purse import Purse
from duotap.statements import Statements
from duotap_host.virtual.nor import SECTOR, VirtualNor

from model.bounds import Bounds
from model.keys import Guarded, Key, NamedKey, guard_at, guard_of
from model.swift import remember

FIRMWARE = sha256(b"firmware").digest()
EXPIRY = 1_000
TICKS = 64  # that a device of class count has left
BLOCKS = 20  # the smallest journal that has room for the reserve and a story
Flash = tuple[bytes, ...]  # of sectors


class NamedIssuer:
    """An issuer whose keys are named keys; of the shape that duotap_host.issuer.Issuer has."""

    def __init__(self) -> None:
        self._root = NamedKey("root")
        self._working = {usage: NamedKey(f"working {usage}") for usage in range(1, 6)}
        self.roots = (self._root.public, NamedKey("next root").public)
        self.keycerts = tuple(self._keycert(usage) for usage in self._working)
        self.publics = (*self.roots, *(key.public for key in self._working.values()))

    def _keycert(self, usage: int) -> bytes:
        public = self._working[usage].public
        made = KeyCert(public[1:9], public, usage, EXPIRY, None)
        return certificate.encode_keycert(made, self._root.kid, self._root.sign)

    def sign_certificate(self, fields: Certificate) -> bytes:
        key = self._working[certificate.USAGE_CERTIFICATES]
        return certificate.encode_certificate(fields, key.kid, key.sign)

    def sign_money(self, statement: Any) -> bytes:
        key = self._working[certificate.USAGE_MONEY]
        return messages.encode(statement, key.kid, key.sign)


class Town:
    """Keys, certificates and the flash that each device begins with. `key(name)` makes keys, of
    the kind that `issuer` has."""

    def __init__(
        self, bounds: Bounds, key: Callable[[str], Key] = NamedKey, issuer: Any = None
    ) -> None:
        remember()
        self.bounds = bounds
        self.issuer = NamedIssuer() if issuer is None else issuer
        self.keys = [key(spec.name) for spec in bounds.specs]
        self.ids = [key_id(each.public) for each in self.keys]
        self.who = {device: who for who, device in enumerate(self.ids)}
        self.certificates = [
            self.issuer.sign_certificate(self._fields(who)) for who in range(len(self.ids))
        ]
        self.loads = self._enrol()

    def publics(self) -> tuple[bytes, ...]:
        """All keys of the issuer."""
        return tuple(self.issuer.publics)

    def _enrol(self) -> list[bytes]:
        """What is in the purses at the start, as loads."""
        return [
            self.issuer.sign_money(messages.Load(((0, spec.loaded),), device, 1, ()))
            for spec, device in zip(self.bounds.specs, self.ids, strict=True)
            if spec.loaded
        ]

    def _fields(self, who: int) -> Certificate:
        spec, public = self.bounds.specs[who], self.keys[who].public
        name = spec.name if spec.role == ROLE_STAND else None
        return Certificate(
            *(public[1:9], public, spec.role, spec.rollback_class, who + 1, None, name, ()),
            *(spec.limits, NoButton(0, 0, 0), 100, True, EXPIRY, FIRMWARE),
            TICKS if spec.rollback_class == CLASS_COUNT else None,
        )

    def signer(self, who: int, at: Any = None) -> Any:
        """A device's signer, with its guard at what it was before."""
        guard = guard_of(self.bounds.specs[who].rollback_class, at)
        return self.keys[who] if guard is None else Guarded(self.keys[who], guard)

    def new_flash(self, who: int) -> tuple[Flash, Any]:
        """Formatted, certified and loaded as the run says; and the guard."""
        chip = VirtualNor(BLOCKS)
        journal = Journal(chip)
        journal.format()
        purse = Purse(journal)
        purse.boot()
        signer = self.signer(who)
        device = Device(purse, signer, FIRMWARE)
        issuer, raw = self.issuer, self.certificates[who]
        purse.commit(records.IDENTITY, raw, list(issuer.roots), list(issuer.keycerts))
        device.adopt()
        for load in self.loads:
            if messages.decode(load, messages.Load).message.device == self.ids[who]:
                Statements(device).take(load)
        return sectors(chip), guard_at(getattr(signer, "guard", None))


def sectors(chip: VirtualNor) -> Flash:
    """The content of a chip; sectors that are erased are one object."""
    content = chip.snapshot()
    found = (content[at : at + SECTOR] for at in range(0, len(content), SECTOR))
    return tuple(ERASED if sector == ERASED else sector for sector in found)


ERASED = b"\xff" * SECTOR
