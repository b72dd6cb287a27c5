# SPDX-License-Identifier: Apache-2.0
"""What the doctor looks for in a ledger's book: its schema, keys and certificates that expire, and
devices whose last checkpoint is long ago. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from duotap.certificate import decode_certificate, decode_keycert
from sqlalchemy import text

from duotap_host.doctor import ID_SHOWN, SOON_DAYS, Finding, fail, ok, warn
from duotap_host.ledger import database
from duotap_host.ledger.interface import Device, DeviceState

CHECKPOINT_DAYS_MAX = 30  # the longest time until a deposit (PROTOCOL.md §11.3)
DAY_US = 86_400_000_000
REVISION = "SELECT version_num FROM alembic_version"
CHECKPOINTS = (
    "SELECT device, MAX(signed_us) FROM statements WHERE kind = 'checkpoint' GROUP BY device"
)


def schema(url: str) -> Finding:
    """Whether the database has all migrations."""
    config = Config()
    config.set_main_option("script_location", str(files("duotap_host.ledger") / "migrations"))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    found = _rows(url, REVISION)[0][0]
    if found != wanted:
        told = f"at {found}, this program has {wanted}"
        return fail("migrations", told, "update duotap on this machine")
    return ok("migrations", str(found))


def working_keys(keycerts: Iterable[bytes], epoch: int) -> Iterator[Finding]:
    """When the first of the issuer's keys expires."""
    first = min(decode_keycert(raw).message.expiry for raw in keycerts)
    told = f"expire in epoch {first}, in {first - epoch} days"
    if first - epoch > SOON_DAYS:
        yield ok("working keys", told)
    else:
        remedy = "have the root certify new ones before that day"
        yield (warn if first > epoch else fail)("working keys", told, remedy)


def certificates(devices: Sequence[Device], epoch: int) -> Iterator[Finding]:
    """Devices in use whose certificates expire soon."""
    left = [(days_left(each, epoch), each) for each in devices if _in_use(each)]
    soon = sorted((days, each.id) for days, each in left if days <= SOON_DAYS)
    if not soon:
        yield ok("certificates", f"none of {len(left)} expires within {SOON_DAYS} days")
        return
    days, first = soon[0]
    told = f"{len(soon)} of {len(left)} expire within {SOON_DAYS} days, the first in {days}"
    yield warn("certificates", told, f"replace device {_short(first)} and those that follow it")


def days_left(device: Device, epoch: int) -> int:
    """Until its certificate expires; below 1: it has."""
    expiry: int = decode_certificate(device.certificate).message.expiry
    return expiry - epoch


def checkpoints(url: str, devices: Sequence[Device], now_us: int) -> Iterator[Finding]:
    """Devices in use that were deposited long ago, or never."""
    signed = {bytes(device): int(at_us) for device, at_us in _rows(url, CHECKPOINTS)}
    active = [each for each in devices if _in_use(each)]
    ages = {each.id: age_days(each, signed, now_us) for each in active}
    late = sorted((-days, device) for device, days in ages.items() if days > CHECKPOINT_DAYS_MAX)
    if not late:
        yield ok("checkpoints", f"none is older than {CHECKPOINT_DAYS_MAX} days")
        return
    told = f"{len(late)} of {len(active)} older than {CHECKPOINT_DAYS_MAX} days, one {-late[0][0]}"
    yield warn("checkpoints", told, f"duotap deposit, of device {_short(late[0][1])} first")


def age_days(device: Device, signed: dict[bytes, int], now_us: int) -> int:
    """Since its last checkpoint, or since it was registered."""
    return (now_us - signed.get(device.id, device.registered_us)) // DAY_US


def _in_use(device: Device) -> bool:
    return device.state in (DeviceState.ACTIVE, DeviceState.FROZEN)


def _short(device: bytes) -> str:
    return device.hex()[:ID_SHOWN]


def _rows(url: str, query: str) -> Sequence[tuple[Any, ...]]:
    engine = database.open_engine(url)
    try:
        found = database.read(engine, lambda connection: connection.execute(text(query)).all())
        return [tuple(row) for row in found]
    finally:
        engine.dispose()
