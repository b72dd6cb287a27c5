# SPDX-License-Identifier: Apache-2.0
"""The town of a run with real keys: ES256 on every device and at the issuer, and the shipped
ledger in SQLite with an account for each holder.

It decides nothing: what happens here was chosen in the model.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from duet.cable_town import issuer
from duotap.certificate import decode_certificate, key_id
from duotap.fields import ROLE_STAND
from duotap.p256_point import N
from duotap_host.issuer import Issuer
from duotap_host.ledger import codes, database, orders, settling
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.opening import create_ledger
from sqlalchemy import text
from sweep.quick_signer import QuickSigner, public_key

from model.bounds import Bounds
from model.device import Live
from model.town import Town

TREASURER = 1_000  # the holder from whose wallet all loads are taken
FUNDED = 1_000
WITHDRAWN = "withdrawn"  # an unload that turned out to come after a fork
HOMES = (AccountCode.WALLET, AccountCode.MERCHANT)
OPENED_US = 1_767_225_600_000_000


class _Plain(NamedTuple):
    """What a signer of OpenSSL is told of the one that it stands for."""

    public: bytes
    sign_ms: int = 1
    verify_ms: int = 1

    def public_key(self) -> bytes:
        return self.public


class _Unhedged:
    """Nothing is added to a nonce: a step that is tried again, as every cut is, signs the same."""

    def read(self, purpose: str, nbytes: int) -> bytes:
        return bytes(nbytes)


class RealKey(QuickSigner):
    """A key of P-256, of the shape of a NamedKey."""

    def __init__(self, name: str) -> None:
        secret = int.from_bytes(sha256(name.encode()).digest(), "big") % N
        self.public = public_key(secret)
        self.kid = key_id(self.public)
        super().__init__(_Plain(self.public), secret, _Unhedged())


class Books:
    """The ledger. Its clock goes on by itself."""

    def __init__(self, by: Issuer) -> None:
        self._now_us = OPENED_US
        self.ledger = create_ledger("sqlite://", by, self._tick)
        self.ledger.open_account(AccountCode.WALLET, TREASURER)
        self.ledger.fund(codes.wallet(TREASURER), FUNDED)

    def _tick(self) -> int:
        self._now_us += 1
        return self._now_us

    def enrol(self, certificate: bytes) -> None:
        """Enter a device and open the account of its holder."""
        fields = decode_certificate(certificate).message
        is_stand = fields.role == ROLE_STAND
        code = AccountCode.MERCHANT if is_stand else AccountCode.WALLET
        self.ledger.open_account(code, fields.holder)
        self.ledger.register_device(certificate)

    def load(self, device: bytes, amount: int) -> bytes:
        return self.ledger.issue_load(device, ((0, amount),), codes.wallet(TREASURER))

    def deposit(self, live: Live, device: bytes, with_head: bool) -> None:
        """A visit: all records that the device has, and a head over a challenge of this ledger."""
        challenge = self.ledger.new_challenge(device)
        statements, head = live.deposit(challenge)
        self.ledger.deposit(device, statements)
        if head and with_head:
            self.ledger.put_head(head)

    def ends(self) -> dict[bytes, str]:
        """What is booked of each subject, but for what was taken back altogether."""
        every = "SELECT subject FROM settlements"
        with self.ledger.engine.connect() as connection:
            subjects = [bytes(row[0]) for row in connection.execute(text(every))]
        booked = database.read(self.ledger.engine, lambda c: settling.booked(c, subjects))
        return {subject: each.state for subject, each in booked.items() if each.state != WITHDRAWN}

    def purse(self, device: bytes) -> int:
        return self.ledger.account(codes.purse(device)).balance

    def homes(self) -> int:
        """What all holders and merchants have whose devices take part."""
        found = [each for each in self.ledger.accounts() if each.code in HOMES]
        return sum(each.balance for each in found if each.holder != TREASURER)

    def parts(self, raw: bytes) -> tuple[bytes, ...]:
        """The base that a statement was signed over."""
        issued = database.read(self.ledger.engine, orders.issued)
        return next(each.base for each in issued if each.raw == raw)


class RealTown(Town):
    """Its loads are issued by the ledger."""

    def __init__(self, bounds: Bounds, by: Issuer) -> None:
        self.books = Books(by)
        super().__init__(bounds, RealKey, by)

    def publics(self) -> tuple[bytes, ...]:
        """None: its ledger knows them."""
        return ()

    def close(self) -> None:
        self.books.ledger.close()

    def _enrol(self) -> list[bytes]:
        for certificate in self.certificates:
            self.books.enrol(certificate)
        loads = zip(self.ids, (spec.loaded for spec in self.bounds.specs), strict=True)
        return [self.books.load(device, amount) for device, amount in loads if amount]


def new_issuer() -> Issuer:
    """One for all towns of a process."""
    return issuer("model")
