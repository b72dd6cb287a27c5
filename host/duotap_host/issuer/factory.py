# SPDX-License-Identifier: Apache-2.0
"""What a factory line is handed: one key, which the root certified for so many devices of one
role, class and balance limit until a day, and what every device of the issuer is given
(PROTOCOL.md §3).

    issuer.json       format, currency, the day of epoch 1
    factory.pem       the key, encrypted (PKCS#8); factory.pub
    factory.keycert   the root's statement about it
    given.cbor        [[root, root], [* keycert], [* statement]]

The directory is all that goes to the factory: it has no other key of the issuer's. It knows no
device and no ledger.
"""

from __future__ import annotations

from pathlib import Path

from duotap import cbor
from duotap.certificate import (
    Certificate,
    KeyCert,
    decode_keycert,
    encode_certificate,
    is_within,
    key_id,
)
from duotap.denylist import EPOCH_BYTES
from duotap.errors import Refusal
from duotap.fields import ROLE_STAND

from duotap_host.issuer import store
from duotap_host.issuer.es256 import SigningKey
from duotap_host.issuer.issuer import DAY_US, FIRST_EPOCH, Constraint, Issuer, number
from duotap_host.issuer.store import IssuerError, KeyStore, Passphrase
from duotap_host.money import show as money

FACTORY = "factory"
KEYCERT = "factory.keycert"
GIVEN = "given.cbor"
CLASSES = ("none", "count", "bound")  # PROTOCOL.md §3


class FactoryKey:
    """The directory on the line. IssuerError when it is damaged or the passphrase is wrong."""

    def __init__(self, directory: Path, passphrase: Passphrase) -> None:
        self._keys = KeyStore(directory, passphrase)
        self.directory = directory
        try:
            self.raw = self._keys.read(KEYCERT)
            self._currency = number(self._keys, "currency")
            self._opened_us = number(self._keys, "opened_us")
            self.keycert: KeyCert = decode_keycert(self.raw, self._currency).message
            roots, keycerts, statements = cbor.decode(self._keys.read(GIVEN))
        except (Refusal, ValueError, TypeError):
            raise IssuerError(f"{directory} is not what a factory was handed") from None
        self.roots: tuple[bytes, ...] = tuple(roots)
        self.keycerts: tuple[bytes, ...] = (*keycerts, self.raw)
        self.statements: tuple[bytes, ...] = tuple(statements)

    @property
    def id(self) -> bytes:
        """Its key id."""
        return key_id(self.keycert.public)

    def unlock(self) -> None:
        """Open the key, so that a wrong passphrase is told before anything."""
        self._keys.key(FACTORY)

    def epoch(self, now_us: int) -> int:
        """The epoch at a moment."""
        return FIRST_EPOCH + max(0, now_us // DAY_US - self._opened_us // DAY_US)

    def sign_certificate(self, fields: Certificate) -> bytes:
        """IssuerError for a device beyond what the key may certify."""
        why = beyond(fields, self.keycert)
        if why:
            raise IssuerError(f"the factory key may not certify this: {why}")
        key = self._keys.key(FACTORY)
        return encode_certificate(fields, key.kid, key.sign, self._currency)


def number_of(certificate: Certificate) -> int:
    """That a factory key has given the device: the end of its serial."""
    return int.from_bytes(certificate.serial[EPOCH_BYTES:], "big")


def beyond(certificate: Certificate, keycert: KeyCert) -> str:
    """What a factory key had no right to, "" where it is within its constraint."""
    if is_within(certificate, keycert.constraint):
        return ""
    count, role, rollback_class, balance, until = keycert.constraint
    number = number_of(certificate)
    if not 1 <= number <= count:
        return f"number {number} of {count}"
    if certificate.role != role:
        return f"a {'stand' if certificate.role == ROLE_STAND else 'card'}"
    if certificate.rollback_class != rollback_class:
        names = CLASSES[certificate.rollback_class], CLASSES[rollback_class]
        return "class {} in the place of {}".format(*names)
    if certificate.limits.balance > balance:
        return f"a balance of {money(certificate.limits.balance)}, above {money(balance)}"
    issued = int.from_bytes(certificate.serial[:EPOCH_BYTES], "big")
    return f"issued in epoch {issued}, and it ended with epoch {until}"


def hand_out(
    directory: Path, passphrase: bytes, issuer: Issuer, constraint: Constraint, now_us: int
) -> None:
    """Make a key and write the directory, as a whole or not at all. `constraint`: number of
    devices, role, rollback class, balance limit, epoch in which the key ends. IssuerError."""
    key = SigningKey.generate()
    keycert = issuer.certify_factory(key.public, constraint)
    today = issuer.sign_epoch(issuer.epoch(now_us))
    given = cbor.encode([list(issuer.roots), list(issuer.keycerts), [today]])
    settings = {"currency": issuer.currency, "opened_us": issuer.opened_us}
    files = {KEYCERT: keycert, GIVEN: given}
    store.create(directory, passphrase, settings, {FACTORY: key}, files)
