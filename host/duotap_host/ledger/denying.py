# SPDX-License-Identifier: Apache-2.0
"""The deny list in the ledger's book: whom it lists, and what was published (PROTOCOL.md §13).

Listed are devices that the operator named, and those that are frozen, lost or retired. A list says
how that was when its epoch began; a published one is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from duotap import messages
from duotap.certificate import decode_certificate
from duotap.denylist import ID_BYTES, issued_in
from sqlalchemy import Connection, Engine, text

from duotap_host.deny import builder
from duotap_host.deny.builder import TooMany
from duotap_host.issuer import Issuer
from duotap_host.ledger import database, registry
from duotap_host.ledger.books import DenyLists
from duotap_host.ledger.interface import DeviceState, Refused

LISTED_STATES = (DeviceState.FROZEN, DeviceState.LOST, DeviceState.RETIRED)
SPAN_MAX = 30  # published lists that a delta may go back; older ones are forgotten
DENY = (
    "INSERT INTO denied (device, denied_us) VALUES (:device, :now) ON CONFLICT (device) DO NOTHING"
)
PUT = (
    'INSERT INTO lists (epoch, listed, "full", "set", delta, published_us)'
    " VALUES (:epoch, :listed, :full, :set, :delta, :now)"
)
NEWEST = 'SELECT epoch, listed, "full", "set", delta FROM lists ORDER BY epoch DESC LIMIT 1'
BEFORE = "SELECT epoch, listed FROM lists ORDER BY epoch DESC"
FORGET = "DELETE FROM lists WHERE epoch < :epoch"


def deny(connection: Connection, device: bytes, now_us: int) -> None:
    """List a device from the next list on. NotFound."""
    registry.find(connection, device)
    connection.execute(text(DENY), {"device": device, "now": now_us})


def allow(connection: Connection, device: bytes) -> None:
    """The operator lists it no more. Refused while its state does."""
    state = registry.find(connection, device).state
    if state in LISTED_STATES:
        raise Refused(f"device {device.hex()} is {state}, and listed for that")
    connection.execute(text("DELETE FROM denied WHERE device = :device"), {"device": device})


def denied(connection: Connection) -> frozenset[bytes]:
    """Who is on the next list."""
    named = {bytes(row[0]) for row in connection.execute(text("SELECT device FROM denied"))}
    states = {d.id for d in registry.everyone(connection) if d.state in LISTED_STATES}
    return frozenset(named | states)


def newest(connection: Connection) -> DenyLists | None:
    """What was published last."""
    row = connection.execute(text(NEWEST)).first()
    if row is None:
        return None
    count = len(bytes(row[1])) // ID_BYTES
    return DenyLists(row[0], count, bytes(row[2]), bytes(row[3]), bytes(row[4]))


def publish(connection: Connection, issuer: Issuer, epoch: int, now_us: int) -> DenyLists:
    """Sign the lists of this epoch; once they are there, they stay. Refused if the list does not
    fit a device."""
    known = newest(connection)
    if known is not None and known.epoch >= epoch:
        return known
    issued = _issued_before(connection, epoch)
    listed = sorted(denied(connection) & set(issued))
    try:
        full = builder.full(listed, issued)
    except TooMany as error:
        raise Refused(str(error)) from None
    signed = issuer.sign_list(messages.DenyList(epoch, 0, 0, full.content))
    delta = _delta(connection, issuer, epoch, set(listed), issued)
    row = {
        "epoch": epoch,
        "listed": b"".join(listed),
        "full": signed,
        "set": full.set,
        "delta": delta,
        "now": now_us,
    }
    connection.execute(text(PUT), row)
    kept = sorted(row[0] for row in connection.execute(text(BEFORE)))[-SPAN_MAX:]
    connection.execute(text(FORGET), {"epoch": kept[0]})
    return DenyLists(epoch, len(listed), signed, full.set, delta)


def _issued_before(connection: Connection, epoch: int) -> list[bytes]:
    """A set answers for no younger certificate, so no younger one is listed."""
    return [
        device.id
        for device in registry.everyone(connection)
        if issued_in(decode_certificate(device.certificate).message) < epoch
    ]


def _delta(
    connection: Connection, issuer: Issuer, epoch: int, listed: set[bytes], issued: Sequence[bytes]
) -> bytes:
    """From as far back as fits a tap: who missed some days goes on as well. Empty if a day's
    changes do not fit, or there was no list before."""
    found = b""
    for start, before in connection.execute(text(BEFORE)).fetchall():
        old = _split(bytes(before))
        try:
            content = builder.delta(listed - old, old - listed, issued)
        except TooMany:
            break
        found = issuer.sign_list(messages.DenyList(epoch, 1, start, content))
    return found


def _split(ids: bytes) -> set[bytes]:
    return {ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)}


class LocalDenyBook:
    """`interface.DenyBook` over a ledger's database."""

    def __init__(self, engine: Engine, issuer: Issuer, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._issuer = issuer
        self._clock = clock

    def deny(self, device: bytes) -> None:
        database.transact(self._engine, lambda c: deny(c, device, self._clock()))

    def allow(self, device: bytes) -> None:
        database.transact(self._engine, lambda c: allow(c, device))

    def denied(self) -> frozenset[bytes]:
        return database.read(self._engine, denied)

    def publish(self) -> DenyLists:
        now = self._clock()
        epoch = self._issuer.epoch(now)
        self._issuer.unlock()
        return database.transact(self._engine, lambda c: publish(c, self._issuer, epoch, now))

    def newest(self) -> DenyLists | None:
        return database.read(self._engine, newest)
