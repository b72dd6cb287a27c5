# SPDX-License-Identifier: Apache-2.0
"""Lost devices in the ledger's book, and what was paid for them (PROTOCOL.md §11.3).

Rows are written once, but for a device that is found before anything was paid for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from duotap import cbor
from sqlalchemy import Connection, text

from duotap_host.ledger import kept, registry, settling
from duotap_host.ledger.codes import TransferCode
from duotap_host.ledger.interface import Loss, LossReason, Paid, Refused
from duotap_host.reconcile import booking, matching
from duotap_host.reconcile.archive import Award, Line

if TYPE_CHECKING:
    from typing import Any

LINES_MAX = 1 << 16  # bytes as stored: eight scopes and what is netted
REPORT = (
    "INSERT INTO losses (device, reason, reported_us) VALUES (:device, :reason, :now)"
    " ON CONFLICT (device) DO NOTHING"
)
PUT_AWARD = (
    "INSERT INTO awards (subject, kind, device, about, home, lines, paid_us)"
    " VALUES (:subject, :kind, :device, :about, :home, :lines, :now)"
    " ON CONFLICT (subject) DO NOTHING"
)
AWARDS = "SELECT subject, kind, device, about, home, lines FROM awards"
OF_DEVICES = AWARDS + " WHERE device IN ({keys})"
ABOUT = AWARDS + " WHERE about IN ({keys})"
LOSSES = "SELECT device, reason, reported_us FROM losses"


def report(connection: Connection, device: bytes, reason: LossReason, now_us: int) -> None:
    """Note a loss; the first report counts. Refused if the device is retired."""
    registry.lose(connection, device)
    row = {"device": device, "reason": str(reason), "now": now_us}
    connection.execute(text(REPORT), row)


def withdraw(connection: Connection, device: bytes) -> None:
    """It was found. Refused once something was paid for it."""
    if any(award.device == device for award in everyone(connection)):
        raise Refused(f"device {device.hex()} was paid for already: replace it")
    registry.serve(connection, device)
    kept.changed(connection, device)
    connection.execute(text("DELETE FROM losses WHERE device = :device"), {"device": device})


def losses(connection: Connection) -> tuple[Loss, ...]:
    """All that are reported, by device."""
    rows = connection.execute(text(LOSSES))
    return tuple(sorted(Loss(bytes(row[0]), LossReason(row[1]), row[2]) for row in rows))


def pay(
    connection: Connection, ledger: int, found: Sequence[Award], now_us: int
) -> tuple[Paid, ...]:
    """Keep awards and book them, all or none. Stale if one is known; Refused where the guarantee
    does not hold enough."""
    moves = []
    for award in found:
        if not _put(connection, award, now_us):
            raise settling.Stale
        position = matching.award_position(award, True)
        moves.append(booking.difference(position, booking.NOTHING))
    results = settling.book(connection, ledger, moves, now_us)
    if not all(result.stands for result in results):
        raise Refused("the guarantee does not hold enough: fund it, then pay again")
    lines = [line for award in found for line in award.lines]
    return tuple(Paid(line.debit, line.credit, line.amount) for line in lines)


def _put(connection: Connection, award: Award, now_us: int) -> bool:
    lines = [
        [line.debit.encode(), line.credit.encode(), line.amount, int(line.code)]
        for line in award.lines
    ]
    row = {**award._asdict(), "lines": cbor.encode(lines), "now": now_us}
    kept.changed(connection, award.device)
    return connection.execute(text(PUT_AWARD), row).rowcount == 1


def everyone(connection: Connection) -> tuple[Award, ...]:
    """All awards, by subject."""
    return _awards(connection.execute(text(AWARDS)))


def of_devices(connection: Connection, devices: Iterable[bytes]) -> tuple[Award, ...]:
    """What was paid for these."""
    return _awards(kept.select(connection, OF_DEVICES, devices))


def about(connection: Connection, subjects: Iterable[bytes]) -> tuple[Award, ...]:
    """What was paid to those who wait for these."""
    return _awards(kept.select(connection, ABOUT, subjects))


def _awards(rows: Iterable[Any]) -> tuple[Award, ...]:
    found = []
    for subject, kind, device, about, home, raw in rows:
        lines = tuple(
            Line(debit.decode(), credit.decode(), amount, TransferCode(code))
            for debit, credit, amount, code in cbor.decode(bytes(raw), LINES_MAX)
        )
        found.append(Award(bytes(subject), kind, bytes(device), bytes(about), home, lines))
    return tuple(sorted(found))
