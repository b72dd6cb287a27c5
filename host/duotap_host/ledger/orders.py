# SPDX-License-Identifier: Apache-2.0
"""What money keys sign for a device: loads, cancels, checkpoints, numbered without a gap
(PROTOCOL.md §7).

A statement is signed, numbered, stored and debited in one transaction: there is none that the book
does not know. What it says is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from duotap import cbor, messages
from duotap.fields import Limits
from sqlalchemy import Connection, text

from duotap_host.issuer import Issuer
from duotap_host.ledger import kept, registry
from duotap_host.ledger.database import Again
from duotap_host.ledger.interface import Amounts, Device, DeviceState, Refused
from duotap_host.money import show
from duotap_host.reconcile.archive import CANCEL, CHECKPOINT, LOAD, Issued
from duotap_host.reconcile.handover import Base

COLUMNS = "device, number, kind, hash, raw, base, account"
INSERT = (
    f"INSERT INTO statements ({COLUMNS}, request, signed_us)"
    " VALUES (:device, :number, :kind, :hash, :raw, :base, :account, :request, :now)"
)
KINDS = {messages.Load: LOAD, messages.Cancel: CANCEL, messages.Checkpoint: CHECKPOINT}
LARGEST_BASE = 1 << 16  # bytes as stored: eight parts of at most 3,000
NUMBERS, NEXT_ISSUE = 2, 4  # where part 0 of a base says which statement comes next (§8.2)


def issued(
    connection: Connection, device: bytes | None = None, number: int = 0
) -> tuple[Issued, ...]:
    """All statements, or those of one device from a number on, by device and number."""
    if device is None:
        return _found(connection, "")
    return _found(connection, " WHERE device = :device AND number >= :number", device, number)


def numbered(connection: Connection, device: bytes, number: int) -> tuple[Issued, ...]:
    """The statements of one device that bear this number: a load, and a cancel in its place."""
    return _found(connection, " WHERE device = :device AND number = :number", device, number)


def _found(
    connection: Connection, where: str, device: bytes = b"", number: int = 0
) -> tuple[Issued, ...]:
    query = text(f"SELECT {COLUMNS} FROM statements{where}")
    found = []
    values = {"device": device, "number": number} if where else {}
    for row in connection.execute(query, values):
        owner, number, kind, message_hash, raw, base, account = row
        parts = tuple(cbor.decode(bytes(base), LARGEST_BASE))
        found.append(
            Issued(bytes(owner), number, kind, bytes(message_hash), bytes(raw), parts, account)
        )
    return tuple(sorted(found))


def of_request(connection: Connection, device: bytes, request: bytes) -> bytes | None:
    """The statement that this request brought before."""
    query = text("SELECT raw FROM statements WHERE device = :device AND request = :request")
    row = connection.execute(query, {"device": device, "request": request}).first()
    return None if row is None else bytes(row[0])


def load_from(statements: Sequence[Issued], amounts: Amounts, account: str) -> bytes | None:
    """The first load of this kind among them that was not cancelled."""
    cancelled = {statement.number for statement in statements if statement.kind == CANCEL}
    for statement in statements:
        if statement.kind == LOAD and statement.number not in cancelled:
            message = messages.decode(statement.raw, messages.Load).message
            if (message.amounts, statement.account) == (amounts, account):
                return statement.raw
    return None


def check_load(device: Device, limits: Limits, cap: int, due: int, amount: int) -> None:
    """Refused for what the device would refuse for certain; `due`: loaded since its last sync."""
    check_active(device)
    if amount > limits.balance:
        raise Refused(
            f"{show(amount)} is more than the device may hold, which is {show(limits.balance)}"
        )
    if due + amount > cap:
        raise Refused(
            f"{show(amount)} is above the cap of loads, {show(cap)} between two syncs;"
            f" {show(due)} of it is used"
        )


def check_active(device: Device) -> None:
    """Refused for a device that is frozen or retired."""
    if device.state != DeviceState.ACTIVE:
        raise Refused(f"device {device.id.hex()} is {device.state}: nothing is signed for it")


def since_sync(statements: Sequence[Issued]) -> int:
    """Sum of the loads after those that the last checkpoint's base has added up; a cancelled one
    does not count."""
    first = 1
    for statement in statements:
        if statement.kind == CHECKPOINT:
            first = cbor.decode(statement.base[0])[NUMBERS][NEXT_ISSUE]
    cancelled = {statement.number for statement in statements if statement.kind == CANCEL}
    counted = [
        messages.decode(statement.raw, messages.Load).message.amounts
        for statement in statements
        if statement.kind == LOAD
        and statement.number >= first
        and statement.number not in cancelled
    ]
    return sum(map(messages.total, counted))


class Desk:
    """Signs for one device within one transaction."""

    def __init__(
        self, connection: Connection, issuer: Issuer, device: Device, now_us: int
    ) -> None:
        self._connection = connection
        self._issuer = issuer
        self._device = device
        self._now_us = now_us

    def load(self, amounts: Amounts, account: str, request: bytes) -> Issued:
        """Sign and store the next load."""
        self._take_number()
        device = self._device
        message = messages.Load(amounts, device.id, device.next_number, ())
        return self._store(message, account=account, request=request)

    def cancel(self, load: Issued) -> Issued:
        """Sign and store what takes the place of a load; it bears the load's number."""
        return self._store(messages.Cancel(load.device, load.number))

    def checkpoint(self, base: Base) -> Issued:
        """Sign and store the next checkpoint, with its base."""
        self._take_number()
        device = self._device
        message = messages.Checkpoint(
            device.id, device.next_number, base.covered, base.chain_hash, base.base_hash
        )
        return self._store(message, parts=base.parts)

    def _take_number(self) -> None:
        if not registry.take_number(self._connection, self._device):
            check_active(registry.find(self._connection, self._device.id))
            raise Again

    def _store(
        self,
        message: messages.Load | messages.Cancel | messages.Checkpoint,
        parts: tuple[bytes, ...] = (),
        account: str = "",
        request: bytes = b"",
    ) -> Issued:
        raw = self._issuer.sign_money(message)
        kind = KINDS[type(message)]
        message_hash = messages.decode(raw, type(message)).hash
        issued = Issued(self._device.id, message.number, kind, message_hash, raw, parts, account)
        row = {
            **issued._asdict(),
            "base": cbor.encode(list(parts)),
            "request": request or None,
            "now": self._now_us,
        }
        self._connection.execute(text(INSERT), row)
        kept.changed(self._connection, self._device.id)
        return issued
