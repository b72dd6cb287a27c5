# SPDX-License-Identifier: Apache-2.0
"""The ledger in a database: `interface.Ledger` over SQLite or PostgreSQL.

Each method is one transaction or a few that may be repeated; the work is done by the modules
beside this one. It prints nothing and asks nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from duotap import messages
from duotap.certificate import decode_certificate, decode_keycert, key_id
from sqlalchemy import Connection, Engine

from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import verify
from duotap_host.ledger import (
    accounts,
    awards,
    codes,
    database,
    grounds,
    ids,
    orders,
    registry,
    retiring,
    settling,
    vault,
)
from duotap_host.ledger import trial as trials
from duotap_host.ledger.certifiers import Certifiers
from duotap_host.ledger.codes import AccountCode, TransferCode
from duotap_host.ledger.denying import LocalDenyBook
from duotap_host.ledger.interface import (
    Account,
    Amounts,
    Deposited,
    Device,
    Finding,
    Handover,
    HeadTaken,
    Loss,
    LossReason,
    NotFound,
    Paid,
    Place,
    Reconciled,
    Refused,
    Result,
    Transfer,
    Trial,
)
from duotap_host.ledger.post import post
from duotap_host.ledger.runs import Runs
from duotap_host.money import show
from duotap_host.reconcile import booking, losses, matching
from duotap_host.reconcile.archive import CANCEL, LOAD

RUNS_MAX = 12  # reconciling begins anew when another run came between
MOVES_MAX = 1000  # of one transaction; bounds the time that accounts stay locked
REQUEST_MAX = 32
BUSY = "other runs kept coming between; nothing is lost, try again"
FUND_MAX = 10**14  # minor units: tens of thousands of fundings fit the 64 bits of a column

FUNDED = (*accounts.NAMES, AccountCode.GUARANTEE)

Clock = Callable[[], int]
T = TypeVar("T")


def now_us() -> int:
    """The operator's clock."""
    return time.time_ns() // 1000


class LocalLedger:
    """Made by `opening.create_ledger` and `opening.open_ledger`."""

    def __init__(self, engine: Engine, issuer: Issuer, clock: Clock) -> None:
        self.engine = engine
        self.issuer = issuer
        self.currency = issuer.currency
        self._clock = clock
        working = [decode_keycert(raw).message.public for raw in issuer.keycerts]
        keys = {key_id(public): public for public in (*issuer.roots, *working)}
        self._runs = Runs(engine, issuer.currency, keys, verify, clock)
        self.deny_book = LocalDenyBook(engine, issuer, clock)
        self.certifiers = Certifiers(engine, issuer, clock)

    def close(self) -> None:
        """Give the database back."""
        self.engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        return database.read(self.engine, work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return database.transact(self.engine, work)

    # Accounts

    def open_account(self, code: AccountCode, holder: int, title: str = "") -> Account:
        ledger, now = self.currency, self._clock()
        return self._write(lambda c: accounts.open_account(c, ledger, code, holder, title, now))

    def account(self, name: str) -> Account:
        return self._read(lambda c: accounts.find(c, name))

    def accounts(self) -> Sequence[Account]:
        return self._read(accounts.everyone)

    def fund(self, name: str, amount: int, request: bytes = b"") -> Account:
        if not 0 < amount <= FUND_MAX:
            raise Refused(f"an amount is 0.01 to {show(FUND_MAX)}")
        key = ids.derived("fund", name, request) if request else ids.random_id()
        return self._write(lambda c: self._fund(c, name, amount, key))

    def _fund(self, connection: Connection, name: str, amount: int, key: bytes) -> Account:
        account = accounts.find(connection, name)
        if account.code not in FUNDED:
            raise Refused(f"{name} is not funded by hand")
        issuance = accounts.find(connection, codes.ISSUANCE)
        transfer = Transfer(key, issuance.id, account.id, amount, TransferCode.FUND)
        (result,) = post(connection, self.currency, [transfer], self._clock())
        if not result.stands:
            raise Refused(f"{name} cannot be funded with {show(amount)}: {result}")
        return accounts.find(connection, name)

    def post(self, transfers: Sequence[Transfer]) -> Sequence[Result]:
        return self._write(lambda c: post(c, self.currency, transfers, self._clock()))

    # Devices

    def register_device(self, certificate: bytes) -> Device:
        ledger, certifiers, now = self.currency, self.certifiers, self._clock()

        def work(connection: Connection) -> Device:
            device = registry.register(connection, ledger, certifiers, certificate, now)
            return registry.find(connection, device)

        return self._write(work)

    def device(self, device: bytes) -> Device:
        return self._read(lambda c: registry.find(c, device))

    def devices(self) -> Sequence[Device]:
        return self._read(registry.everyone)

    # What money keys sign

    def issue_load(
        self, device: bytes, amounts: Amounts, account: str, request: bytes = b""
    ) -> bytes:
        if len(request) > REQUEST_MAX:
            raise Refused(f"a request is at most {REQUEST_MAX} bytes")
        if any(amount <= 0 for _, amount in amounts) or not amounts:
            raise Refused("a load is at least 0.01")
        self.issuer.unlock()
        return self._write(lambda c: self._load(c, device, amounts, account, request))

    def _load(
        self, connection: Connection, key: bytes, amounts: Amounts, account: str, request: bytes
    ) -> bytes:
        device = registry.find(connection, key)
        known = orders.of_request(connection, key, request) if request else None
        if known is not None:
            return known
        source = accounts.find(connection, account)
        amount = messages.total(amounts)
        certificate = decode_certificate(device.certificate).message
        due = orders.since_sync(orders.issued(connection, key))
        orders.check_load(device, certificate.limits, certificate.load_cap, due, amount)
        if source.code not in accounts.NAMES:
            raise Refused(f"{account} is no wallet or merchant's account")
        desk = orders.Desk(connection, self.issuer, device, self._clock())
        load = desk.load(amounts, account, request)
        position = matching.load_position(load, matching.UNDER_WAY)
        move = booking.difference(position, booking.NOTHING)
        (result,) = settling.book(connection, self.currency, [move], self._clock())
        if not result.stands:
            raise Refused(
                f"{account} holds {show(source.available)}, which is not enough for {show(amount)}"
            )
        return load.raw

    def load_under_way(self, device: bytes, amounts: Amounts, account: str) -> bytes | None:
        self.device(device)
        return orders.load_from(self._runs.due(device), amounts, account)

    def issue_cancel(self, device: bytes, number: int) -> bytes:
        self.issuer.unlock()

        def work(connection: Connection) -> bytes:
            owner = registry.find(connection, device)
            of = {s.kind: s for s in orders.issued(connection, device) if s.number == number}
            if CANCEL in of:
                return of[CANCEL].raw
            if LOAD not in of:
                raise NotFound(f"there is no load {number} for device {device.hex()}")
            subject = matching.load_subject(device, number)
            before = settling.booked(connection, [subject])[subject]
            if before.state != matching.UNDER_WAY:
                raise Refused(f"load {number} is {before.state} already")
            desk = orders.Desk(connection, self.issuer, owner, self._clock())
            return desk.cancel(of[LOAD]).raw

        return self._write(work)

    def issue_checkpoint(self, device: bytes) -> bytes | None:
        self.issuer.unlock()
        owner = self.device(device)
        orders.check_active(owner)
        outstanding, base = self._runs.next_base(device)
        if outstanding is not None:
            return outstanding.raw
        if base is None:
            return None
        return self._write(
            lambda c: orders.Desk(c, self.issuer, owner, self._clock()).checkpoint(base).raw
        )

    # Journals

    def new_challenge(self, device: bytes) -> bytes:
        def work(connection: Connection) -> bytes:
            registry.find(connection, device)
            return vault.new_challenge(connection, device, self._clock())

        return self._write(work)

    def next_missing(self, device: bytes) -> int:
        return self._read(lambda c: self._missing(c, device)).missing

    def _missing(self, connection: Connection, device: bytes) -> HeadTaken:
        registry.find(connection, device)
        return self._runs.missing(connection, device)

    def deposit(self, device: bytes, statements: Sequence[bytes]) -> Deposited:
        try:
            self.device(device)
        except NotFound:
            self._alarm(device, statements)
            raise
        now = self._clock()
        return self._write(lambda c: vault.put_records(c, device, statements, now))

    def _alarm(self, device: bytes, statements: Sequence[bytes]) -> None:
        """A device with a certificate of this issuer that the book does not know."""
        found = self._read(lambda c: self.certifiers.alarm(c, device, statements))
        if found is not None:
            now = self._clock()
            self._write(lambda c: grounds.stand(c, found, now))

    def put_head(self, raw: bytes) -> HeadTaken:
        def work(connection: Connection) -> HeadTaken:
            return self._missing(connection, vault.put_head(connection, raw, self._clock()))

        return self._write(work)

    def next_statements(self, device: bytes) -> Sequence[Handover]:
        self.device(device)
        return self._runs.handovers(device)

    def retire(self, device: bytes) -> None:
        self.device(device)
        state, is_frozen = self._runs.standing(device)
        self._write(lambda c: retiring.retire(c, state, is_frozen, device))

    # Lost devices

    def report_lost(self, device: bytes, reason: LossReason) -> int:
        self._write(lambda c: awards.report(c, device, reason, self._clock()))
        return self.due_epoch(device)

    def report_found(self, device: bytes) -> None:
        self._write(lambda c: awards.withdraw(c, device))

    def losses(self) -> Sequence[Loss]:
        return self._read(awards.losses)

    def due_epoch(self, device: bytes) -> int:
        return losses.due_epoch(registry.known([self.device(device)])[device])

    def pay_lost(self, device: bytes) -> Sequence[Paid]:
        due, now = self.due_epoch(device), self.issuer.epoch(self._clock())
        self._runs.check_due(device, due, now)
        return self._runs.pay_lost(device)

    # Settlement

    def reconcile(self) -> Reconciled:
        return self._runs.reconcile()

    def reconcile_anew(self) -> tuple[Reconciled, Sequence[str]]:
        differences = self._runs.differences()
        self._runs.begin_anew()
        return self._runs.reconcile(), differences

    def findings(self) -> Sequence[Finding]:
        return self._runs.findings()

    def evidence(self, evidence_id: str) -> tuple[Finding, tuple[Place, ...]]:
        found = self._finding(evidence_id)
        return found, self._runs.evidence(found)

    def proof(self, evidence_id: str) -> bytes:
        found = self._finding(evidence_id)
        raw = self._runs.proof(found, self.certifiers.keycerts())
        if raw is None:
            raise Refused(f"no two signatures prove this: {found.en}")
        return raw

    def _finding(self, evidence_id: str) -> Finding:
        for found in self.findings():
            if found.evidence_id == evidence_id:
                return found
        raise NotFound(f"there is no finding with the evidence {evidence_id}")

    def check(self) -> Trial:
        return self._read(trials.check)
