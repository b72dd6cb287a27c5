# SPDX-License-Identifier: Apache-2.0
"""A small town for tests of the ledger: an issuer, a ledger in a file, and devices on paper."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from duotap import cbor
from duotap_host.issuer import Issuer, pkcs8
from duotap_host.ledger import codes
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.database import open_engine
from duotap_host.ledger.interface import Finding, Kind
from duotap_host.ledger.local import LocalLedger
from duotap_host.ledger.opening import create_ledger
from host.paper_device import PaperDevice, person, stand
from sqlalchemy import Connection

PASSPHRASE = b"correct horse"
DAY_US = 86_400_000_000
OPENED_US = 20_000 * DAY_US


@cache
def issuer() -> Issuer:
    """One for all tests, behind a passphrase that is quick to stretch."""
    before = pkcs8.SCRYPT_N, pkcs8.SCRYPT_P
    pkcs8.SCRYPT_N, pkcs8.SCRYPT_P = 2, 1
    try:
        return Issuer.create(Path(mkdtemp()) / "keys", PASSPHRASE, OPENED_US)
    finally:
        pkcs8.SCRYPT_N, pkcs8.SCRYPT_P = before


class Town:
    """`now` ticks at each look, so that no test hangs on the machine's clock."""

    def __init__(self, url: str = "sqlite://") -> None:
        self.issuer = issuer()
        self.now = OPENED_US
        self.ledger: LocalLedger = create_ledger(url, self.issuer, self._tick)

    def _tick(self) -> int:
        self.now += 1
        return self.now

    def twin(self) -> Town:
        """Another ledger in memory that is just as far, and goes its own way from here."""
        other = Town.__new__(Town)
        other.issuer, other.now = self.issuer, self.now
        engine = open_engine("sqlite://")
        with self.ledger.engine.connect() as ours, engine.connect() as theirs:
            _driver(ours).backup(_driver(theirs))
        other.ledger = LocalLedger(engine, self.issuer, other._tick)
        return other

    def holder(self, number: int, amount: int = 100_000) -> PaperDevice:
        """A person with money at the ledger and a card."""
        self.ledger.open_account(AccountCode.WALLET, number)
        if amount:
            self.ledger.fund(codes.wallet(number), amount)
        return self.card(number)

    def card(self, holder: int) -> PaperDevice:
        device = person(self.issuer, holder)
        self.ledger.register_device(device.certificate)
        return device

    def merchant(self, number: int) -> PaperDevice:
        self.ledger.open_account(AccountCode.MERCHANT, number)
        device = stand(self.issuer, number)
        self.ledger.register_device(device.certificate)
        return device

    def load(self, device: PaperDevice, amount: int, holder: int) -> None:
        """From the holder's wallet into the purse."""
        raw = self.ledger.issue_load(device.id, ((0, amount),), codes.wallet(holder))
        device.take(raw)

    def pull(self, device: PaperDevice) -> None:
        """A whole deposit: journal and head."""
        first = self.ledger.next_missing(device.id)
        self.ledger.deposit(device.id, device.statements[first - 1 :])
        self.head(device)

    def head(self, device: PaperDevice) -> None:
        self.ledger.put_head(device.head(self.ledger.new_challenge(device.id)))

    def forwarded(self, device: PaperDevice) -> list[bytes]:
        """The messages that the device would be forwarded."""
        handed = self.ledger.next_statements(device.id)
        return [cbor.decode(each.raw)[0] for each in handed if each.kind == Kind.FORWARD]

    def balance(self, name: str) -> int:
        return self.ledger.account(name).balance

    def purse(self, device: PaperDevice) -> int:
        return self.balance(codes.purse(device.id))

    def balances(self) -> dict[str, int]:
        """All balances by name; the one thing that no order of deposits may change."""
        return {account.name: account.balance for account in self.ledger.accounts()}

    def right(self) -> None:
        """The trial balance closes."""
        trial = self.ledger.check()
        assert trial.failures == ()
        assert trial.debits == trial.credits


def _driver(connection: Connection) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def codes_of(findings: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in findings]
