# SPDX-License-Identifier: Apache-2.0
"""The ledger's own book of devices: who was certified, for whom, and what the ledger still does
for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from duotap.certificate import decode_certificate, key_id
from duotap.fields import ROLE_PERSON
from sqlalchemy import Connection, text

from duotap_host.ledger import accounts, codes, kept
from duotap_host.ledger.certifiers import Certifiers
from duotap_host.ledger.interface import (
    Device,
    DeviceState,
    NotFound,
    Refused,
)
from duotap_host.reconcile.archive import KnownDevice

COLUMNS = (
    "id, public_key, certificate, role, rollback_class, holder, state, next_number, registered_us"
)
INSERT = (
    f"INSERT INTO devices ({COLUMNS}) VALUES (:id, :public, :certificate, :role, :class, :holder,"
    " 'active', 1, :now) ON CONFLICT (id) DO NOTHING"
)
TAKE_NUMBER = (
    "UPDATE devices SET next_number = next_number + 1"
    " WHERE id = :id AND next_number = :number AND state = 'active'"
)
SET_STATE = "UPDATE devices SET state = :new WHERE id = :id AND state = :old"
SERVED = (DeviceState.ACTIVE, DeviceState.FROZEN)


def register(
    connection: Connection, ledger: int, certifiers: Certifiers, raw: bytes, now_us: int
) -> bytes:
    """Enter a device and open its shadow; returns its id."""
    certificate = certifiers.take(connection, raw)
    home = codes.wallet if certificate.role == ROLE_PERSON else codes.merchant
    accounts.find(connection, home(certificate.holder))
    device = key_id(certificate.public)
    row = {
        "id": device,
        "public": certificate.public,
        "certificate": raw,
        "role": certificate.role,
        "class": certificate.rollback_class,
        "holder": certificate.holder,
        "now": now_us,
    }
    is_new = connection.execute(text(INSERT), row).rowcount == 1
    if is_new:
        kept.changed(connection, device)
    if not is_new and find(connection, device).certificate != raw:
        raise Refused(f"device {device.hex()} was certified before, by another certificate")
    accounts.open_purses(connection, ledger, [codes.purse(device)], now_us)
    return device


def find(connection: Connection, device: bytes) -> Device:
    """By id. NotFound."""
    query = text(f"SELECT {COLUMNS} FROM devices WHERE id = :id")
    row = connection.execute(query, {"id": device}).first()
    if row is None:
        raise NotFound(f"device {device.hex()} is not in this ledger's book")
    return _device(row)


def everyone(connection: Connection) -> tuple[Device, ...]:
    """All devices, oldest first."""
    query = text(f"SELECT {COLUMNS} FROM devices")
    found = map(_device, connection.execute(query))
    return tuple(sorted(found, key=lambda device: (device.registered_us, device.id)))


def _device(row: Sequence[object]) -> Device:
    key, public, certificate, role, rollback_class, holder, state, number, registered_us = row
    assert isinstance(role, int)
    assert isinstance(rollback_class, int)
    assert isinstance(holder, int)
    assert isinstance(number, int)
    assert isinstance(registered_us, int)
    return Device(
        _bytes(key),
        _bytes(public),
        _bytes(certificate),
        role,
        rollback_class,
        holder,
        DeviceState(str(state)),
        number,
        registered_us,
    )


def _bytes(value: object) -> bytes:
    assert isinstance(value, (bytes, memoryview))
    return bytes(value)


def known(devices: Collection[Device]) -> Mapping[bytes, KnownDevice]:
    """The devices as reconciling sees them."""
    return {
        device.id: KnownDevice(
            device.id,
            device.public_key,
            decode_certificate(device.certificate).message,
            device.certificate,
        )
        for device in devices
    }


def take_number(connection: Connection, device: Device) -> bool:
    """Use up the device's next statement number; False if another did, or it is not active."""
    row = {"id": device.id, "number": device.next_number}
    return connection.execute(text(TAKE_NUMBER), row).rowcount == 1


def lose(connection: Connection, key: bytes) -> None:
    """This device is lost from now on. Refused if it is retired."""
    device = find(connection, key)
    if device.state == DeviceState.RETIRED:
        raise Refused(f"device {key.hex()} is retired: there is nothing to lose")
    if device.state in SERVED:
        row = {"id": key, "old": device.state, "new": DeviceState.LOST}
        connection.execute(text(SET_STATE), row)


def serve(connection: Connection, key: bytes) -> None:
    """This device is not lost any more; the next reconciling freezes it if it must."""
    row = {"id": key, "old": DeviceState.LOST, "new": DeviceState.ACTIVE}
    connection.execute(text(SET_STATE), row)


def freeze(connection: Connection, key: bytes, is_frozen: bool) -> None:
    """Freeze a device that is served, or serve it again."""
    old, new = DeviceState.FROZEN, DeviceState.ACTIVE
    if is_frozen:
        old, new = new, old
    connection.execute(text(SET_STATE), {"id": key, "old": old, "new": new})
