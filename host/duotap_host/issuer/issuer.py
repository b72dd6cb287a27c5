# SPDX-License-Identifier: Apache-2.0
"""The issuer: root keys, the working keys that they certify, and what each may sign (PROTOCOL.md
§2, §3, §7).

It signs what it is told to sign; whether it should is the ledger's and the operator's business.
Public halves are there without a passphrase. In a pilot the root's files are moved offline; all
that is lost then is `sign_root`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from duotap import certificate, cose, messages
from duotap.certificate import Certificate, KeyCert, Trust
from duotap.fields import CURRENCY_CNY

from duotap_host.issuer import store
from duotap_host.issuer.bulletin import Bulletin
from duotap_host.issuer.es256 import Draw, SigningKey, verify
from duotap_host.issuer.seal import Seal
from duotap_host.issuer.store import IssuerError, KeyStore, Passphrase

if TYPE_CHECKING:
    from typing import Any

ROOT = "root"
NEXT_ROOT = "next-root"
READER = "reader"
FIRMWARE = "firmware"
USAGES = {
    "certificates": certificate.USAGE_CERTIFICATES,
    "money": certificate.USAGE_MONEY,
    "lists": certificate.USAGE_LISTS,
    "readers": certificate.USAGE_READERS,
    "encryption": certificate.USAGE_ENCRYPTION,
}
SERIAL_BYTES = 8
DAY_US = 86_400_000_000
FIRST_EPOCH = 1  # of the day the issuer begins; a device that has heard nothing is at 0
KEY_EPOCHS = 3 * 366  # life of a working key
PERMIT_EPOCHS = 90  # life of a reader's permit


Constraint = tuple[int, int, int, int, int]  # of a factory key (duotap.certificate.KeyCert)


class Issuer:
    """Signs with the keys of one store. IssuerError when a key is missing or stays closed.

    `draw` gives entropy: the operating system's, unless a simulation is to be repeated.
    """

    def __init__(self, keys: KeyStore, draw: Draw = os.urandom) -> None:
        self._keys = keys
        self._draw = draw
        self.currency = number(keys, "currency")
        self.opened_us = number(keys, "opened_us")
        self.roots = (keys.public(ROOT), keys.public(NEXT_ROOT))
        self.root_id = certificate.key_id(self.roots[0])
        self.keycerts = tuple(keys.read(f"{name}.keycert") for name in USAGES)
        self.encryption = keys.public("encryption")
        self.reader = keys.public(READER)
        self.bulletin = Bulletin(keys.directory / "statements")

    @classmethod
    def create(
        cls,
        directory: Path,
        passphrase: bytes,
        now_us: int,
        currency: int = CURRENCY_CNY,
        draw: Draw = os.urandom,
    ) -> Issuer:
        """Make all keys and write them. IssuerError if the directory holds something.

        No simulation signs images: the firmware key takes nothing of `draw`.
        """
        keys = {name: SigningKey.generate(draw) for name in (ROOT, NEXT_ROOT, *USAGES, READER)}
        keys[FIRMWARE] = SigningKey.generate()
        files = {}
        for name, usage in (*USAGES.items(), (FIRMWARE, certificate.USAGE_FIRMWARE)):
            expiry = FIRST_EPOCH + KEY_EPOCHS
            serial = (os.urandom if name == FIRMWARE else draw)(SERIAL_BYTES)
            keycert = KeyCert(serial, keys[name].public, usage, expiry, None)
            root = keys[ROOT]
            raw = certificate.encode_keycert(keycert, root.kid, root.sign, currency)
            files[f"{name}.keycert"] = raw
        settings = {"currency": currency, "opened_us": now_us}
        store.create(directory, passphrase, settings, keys, files)
        return cls(KeyStore(directory, lambda: passphrase, keys), draw)

    @classmethod
    def open(cls, directory: Path, passphrase: Passphrase, draw: Draw = os.urandom) -> Issuer:
        """`passphrase` is called when the first private key is needed, not before."""
        return cls(KeyStore(directory, passphrase), draw)

    def unlock(self) -> None:
        """Open the key that signs money, so that a wrong passphrase is told before anything."""
        self._keys.key("money")

    def epoch(self, now_us: int) -> int:
        """The epoch at a moment: raised once a day from the day the issuer began."""
        return FIRST_EPOCH + max(0, now_us // DAY_US - self.opened_us // DAY_US)

    def trust(self) -> Trust:
        """The root keys and all working keys, to verify with."""
        trust = Trust(self.roots, verify, self.currency)
        for keycert in self.keycerts:
            trust.add(keycert)
        return trust

    def certify_factory(self, public: bytes, constraint: Constraint) -> bytes:
        """The keycert of a factory key: (number of devices, role, rollback class, balance limit,
        epoch in which it certifies no more). It outlives what it certifies."""
        usage, expiry = certificate.USAGE_FACTORY, constraint[-1] + KEY_EPOCHS
        keycert = KeyCert(self._draw(SERIAL_BYTES), public, usage, expiry, constraint)
        root = self._keys.key(ROOT)
        return certificate.encode_keycert(keycert, root.kid, root.sign, self.currency)

    def sign_certificate(self, fields: Certificate) -> bytes:
        """A device's certificate; an empty serial is replaced by a random one."""
        if not fields.serial:
            fields = fields._replace(serial=self._draw(SERIAL_BYTES))
        key = self._keys.key("certificates")
        return certificate.encode_certificate(fields, key.kid, key.sign, self.currency)

    def sign_firmware(self, payload: bytes) -> tuple[bytes, bytes]:
        """The keycert of the firmware key, and what it signs (duotap_host.flash.signed)."""
        keycert = self._keys.read(f"{FIRMWARE}.keycert")
        key = self._keys.key(FIRMWARE)
        return keycert, cose.encode(payload, key.kid, key.sign)

    def sign_money(self, statement: Any) -> bytes:
        """Load, Cancel or Checkpoint."""
        return self._sign("money", statement, messages.Load, messages.Cancel, messages.Checkpoint)

    def sign_list(self, statement: Any) -> bytes:
        """Policy, Membership, DenyList, Time or Epoch."""
        of_lists = (
            messages.Policy,
            messages.Membership,
            messages.DenyList,
            messages.Time,
            messages.Epoch,
        )
        return self._sign("lists", statement, *of_lists)

    def sign_epoch(self, epoch: int, far: bool = False) -> bytes:
        """The epoch; `far`: with the root's signature, for a device that is 30 behind (§7)."""
        by_root = self.sign_root(messages.Epoch(epoch, None)) if far else None
        return self.sign_list(messages.Epoch(epoch, by_root))

    def sign_root(self, statement: Any) -> bytes:
        """KeyStatement or Reset; an Epoch that is far ahead (PROTOCOL.md §7)."""
        of_root = (messages.KeyStatement, messages.Reset, messages.Epoch)
        return self._sign(ROOT, statement, *of_root)

    def permit(self, expiry: int, reader: bytes = b"") -> bytes:
        """Lets a reader (65 bytes; without one, this machine) pull journals until an epoch."""
        return self._sign(
            "readers", messages.Permit(expiry, reader or self.reader), messages.Permit
        )

    def challenge(self, device: bytes, nonce: bytes) -> bytes:
        """The answer of this machine's reader to a device's nonce."""
        return self._sign(READER, messages.Challenge(device, nonce), messages.Challenge)

    def open_seal(self, device: bytes, ephemeral: bytes) -> Seal:
        """Open what a device seals from now on; `ephemeral` is its answer to OPEN SYNC."""
        return Seal(device, ephemeral, self._keys.key("encryption").private)

    def _sign(self, name: str, message: Any, *allowed: type) -> bytes:
        if type(message) not in allowed:
            raise IssuerError(f"the {name} key does not sign this message")
        key = self._keys.key(name)
        return messages.encode(message, key.kid, key.sign, self.currency)


def number(keys: KeyStore, name: str) -> int:
    """A setting of the store. IssuerError."""
    value = keys.settings.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise IssuerError(f"{keys.directory / store.SETTINGS} has no {name}")
    return value
