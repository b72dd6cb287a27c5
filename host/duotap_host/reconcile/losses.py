# SPDX-License-Identifier: Apache-2.0
"""What becomes of the value of a device that is lost, dead, damaged or quarantined, and of those
who wait for it (PROTOCOL.md §11.3).

Nothing is paid before a device can have taken its last part in a payment and every counterpart has
had the time to deposit. What is paid then is an *award*: an act of the operator that the archive
keeps, so that reconciling counts it like everything else. It opens no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from duotap import messages

from duotap_host.ledger import codes, ids
from duotap_host.ledger.codes import TransferCode
from duotap_host.reconcile import balances, matching
from duotap_host.reconcile.archive import (
    GUARANTEED,
    LOAD,
    RETURNED_VALUE,
    Award,
    KnownDevice,
    Line,
)
from duotap_host.reconcile.evidence import Evidence
from duotap_host.reconcile.matching import PAYMENT, REFUND, UNDER_WAY, Position

# A journal is deposited a month after its last payment at the latest: from then on a stand is out
# of room and a card at its limits. The margin is for devices whose epoch lags behind.
DEPOSIT_EPOCHS = 30
MARGIN_EPOCHS = 7
GUARANTEE_CAP = 50_000  # of one person for ever, minor units: half of what a card may hold


def due_epoch(device: KnownDevice) -> int:
    """From this epoch on no honest claim against the device is still to come."""
    return int(device.certificate.expiry) + DEPOSIT_EPOCHS + MARGIN_EPOCHS


Shadows = Mapping[bytes, Mapping[int, int]]  # by device and scope


def shadows(positions: Iterable[Position]) -> Shadows:
    """What all positions leave on each purse's shadow."""
    found: dict[bytes, dict[int, int]] = {}
    for position in positions:
        for device, scope, amount in balances.moved(position):
            of = found.setdefault(device, {})
            of[scope] = of.get(scope, 0) + amount
    return found


def debts(awards: Iterable[Award], held: Shadows, positions: Iterable[Position]) -> dict[str, int]:
    """What shadows of devices owe for which something was paid: claims that came after that."""
    awards, positions = tuple(awards), tuple(positions)
    found = {}
    for device in sorted({award.device for award in awards}):
        arrived = sum(_unclaimed(awards, positions, device).values())
        for scope, amount in sorted(held.get(device, {}).items()):
            if amount < 0:
                part = min(arrived, -amount)
                arrived -= part
                if part < -amount:
                    found[codes.purse(device, scope)] = -amount - part
    return found


def _unclaimed(
    awards: Iterable[Award], positions: Iterable[Position], device: bytes
) -> dict[bytes, int]:
    """What is under way to a device and was not paid to anybody else: whatever it spends beyond
    its shadow has come from there."""
    paid = {
        award.about: sum(line.amount for line in award.lines)
        for award in awards
        if award.kind == GUARANTEED
    }
    return {
        position.subject: max(0, position.amount - paid.get(position.subject, 0))
        for position in positions
        if (position.state, position.creditor) == (UNDER_WAY, device)
    }


def _beyond(held: Shadows, device: bytes) -> int:
    """How much a device has spent beyond its shadow."""
    return -sum(min(0, amount) for amount in held.get(device, {}).values())


@dataclass(slots=True)
class _Payer:
    """Pays a home, after what its other devices owe."""

    home: str
    owed: dict[str, int]

    def lines(self, source: str, amount: int, code: TransferCode) -> Iterator[Line]:
        for name in sorted(self.owed):
            part = min(amount, self.owed[name])
            if part:
                self.owed[name] -= part
                amount -= part
                yield Line(source, name, part, TransferCode.NETTED)
        if amount:
            yield Line(source, self.home, amount, code)


def awards(
    evidence: Evidence, positions: Mapping[bytes, Position], held: Shadows, device: bytes
) -> tuple[Award, ...]:
    """What is to be paid for a lost device now that its time is over: the value on its shadow to
    its holder, and from the guarantee what others wait for. What the device has spent beyond its
    shadow shows that so much of this has arrived: nobody waits for that.

    `positions`: at least those under way to and from this device and to those that were paid for
    before; `held`: at least of these devices."""
    paid = evidence.archive.awards
    owed = debts(paid, held, positions.values())
    found = [*_value(evidence, held, owed, device)]
    spent = _guaranteed(evidence)
    due = _due(evidence, positions, device)
    unclaimed = _unclaimed(paid, positions.values(), device)
    arrived = _beyond(held, device) - sum(unclaimed[each] for each in unclaimed if each not in due)
    for subject, home in due.items():
        award = guarantee_subject(subject)
        part = 0
        if positions[subject].creditor == device:
            part = max(0, min(arrived, positions[subject].amount))
            arrived -= part
        amount = min(positions[subject].amount - part, GUARANTEE_CAP - spent.get(home, 0))
        if amount > 0:
            payer = _Payer(home, _owed_by(evidence, owed, home))
            lines = tuple(payer.lines(codes.GUARANTEE, amount, TransferCode.GUARANTEE))
            spent[home] = spent.get(home, 0) + amount
            found.append(Award(award, GUARANTEED, device, subject, home, lines))
    return tuple(found)


def _due(
    evidence: Evidence, positions: Mapping[bytes, Position], device: bytes
) -> dict[bytes, str]:
    """Positions that somebody waits for and was not paid for, with the account that waits."""
    known = {award.subject for award in evidence.archive.awards}
    found = {}
    for subject in sorted(positions):
        home = _waits(evidence, positions[subject], device)
        if home is not None and guarantee_subject(subject) not in known:
            found[subject] = home
    return found


def _value(
    evidence: Evidence, held: Shadows, owed: Mapping[str, int], device: bytes
) -> Iterator[Award]:
    home = matching.home(evidence.archive.devices[device])
    payer = _Payer(home, _owed_by(evidence, owed, home))
    lines: list[Line] = []
    for scope, amount in sorted(held.get(device, {}).items()):
        if amount > 0:
            name = codes.purse(device, scope)
            lines.extend(payer.lines(name, amount, TransferCode.RETURNED_VALUE))
    if lines:
        before = [award for award in evidence.archive.awards if award.device == device]
        subject = ids.digest("returned value", device, len(before))
        yield Award(subject, RETURNED_VALUE, device, bytes(32), home, tuple(lines))


def _owed_by(evidence: Evidence, owed: Mapping[str, int], home: str) -> dict[str, int]:
    found = {}
    for name, amount in owed.items():
        purse = codes.purse_of(name)
        if purse is not None and matching.home(evidence.archive.devices[purse[0]]) == home:
            found[name] = amount
    return found


def _guaranteed(evidence: Evidence) -> dict[str, int]:
    """What each home was paid from the guarantee."""
    found: dict[str, int] = {}
    for award in evidence.archive.awards:
        if award.kind == GUARANTEED:
            amount = sum(line.amount for line in award.lines)
            found[award.home] = found.get(award.home, 0) + amount
    return found


def guarantee_subject(subject: bytes) -> bytes:
    """What the award for a position is about."""
    return ids.digest("guarantee", subject)


def _waits(evidence: Evidence, position: Position, device: bytes) -> str | None:
    """The account of whoever waits for what only this device's journal could tell."""
    if position.state != UNDER_WAY:
        return None
    known = evidence.archive.devices[device]
    if (position.kind, position.debtor) == (PAYMENT, device):
        return matching.home(known) if _is_voided(evidence, position.subject) else None
    if position.creditor != device:
        return None
    if position.kind == LOAD:
        return _loaded_from(evidence, position)
    if position.kind == REFUND:
        return matching.home(known) if position.subject in evidence.refunds_given else None
    if position.kind == PAYMENT:
        for payment_hash in sorted(evidence.by_offer[position.subject]):
            if evidence.own.get(payment_hash):
                payer = evidence.archive.devices[evidence.payments[payment_hash].kid]
                return matching.home(known if _has_receipt(evidence, payment_hash) else payer)
    return None


def _is_voided(evidence: Evidence, offer_hash: bytes) -> bool:
    """The payee's journal shows the void of a payment, which the payer's never will."""
    return any(
        firm
        for payment_hash in evidence.by_offer[offer_hash]
        if payment_hash in evidence.closings
        for _, firm in evidence.closings[payment_hash].late
    )


def _loaded_from(evidence: Evidence, position: Position) -> str | None:
    for issued in evidence.archive.issued:
        subject = matching.load_subject(issued.device, issued.number)
        if issued.kind == LOAD and subject == position.subject:
            return issued.account
    return None


def _has_receipt(evidence: Evidence, payment_hash: bytes) -> bool:
    """The payer's journal shows the payee's receipt: it is the payee's holder who waits."""
    payment = evidence.payments[payment_hash]
    end = evidence.closings.get(payment_hash)
    for entry, firm in () if end is None else end.shown:
        closing = entry.closing
        if firm and closing is not None and isinstance(closing.message, messages.Receipt):
            return bool(closing.kid == payment.message.payee)
    return False


class Owed(NamedTuple):
    """A debt: of which device's holder, how much, and the awards it comes after."""

    device: bytes
    home: str
    amount: int
    awards: tuple[bytes, ...]


def owed(
    held: Shadows,
    awards: Iterable[Award],
    positions: Iterable[Position],
    devices: Mapping[bytes, KnownDevice],
) -> Iterator[Owed]:
    """Claims that came after a device's value was returned. `held`: what all positions leave on
    shadows; `positions`: at least those under way to devices that were paid for."""
    awards = sorted(awards)
    by_device: dict[bytes, int] = {}
    for name, amount in debts(awards, held, positions).items():
        purse = codes.purse_of(name)
        if purse is not None:
            by_device[purse[0]] = by_device.get(purse[0], 0) + amount
    for device, amount in sorted(by_device.items()):
        of = [award.subject for award in awards if award.device == device]
        yield Owed(device, matching.home(devices[device]), amount, tuple(of))
