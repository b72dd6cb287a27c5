# SPDX-License-Identifier: Apache-2.0
"""What positions make of each purse's shadow, to be held against what the device's own records add
up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from duotap_host.ledger import codes
from duotap_host.reconcile.evidence import Evidence
from duotap_host.reconcile.matching import AWARD, PAYMENT, REFUND, Position

ByScope = dict[int, int]


def of_purses(evidence: Evidence, positions: Iterable[Position]) -> dict[bytes, ByScope]:
    """Balance by scope of each device, zeros left out. Signatures of a device that its own journal
    has not come to yet are left out for that device, and what was paid for a lost one."""
    held: dict[bytes, ByScope] = {}
    for position in positions:
        for device, scope, amount in own(position, is_ahead(evidence, position)):
            of = held.setdefault(device, {})
            of[scope] = of.get(scope, 0) + amount
    return {device: without_zeros(of) for device, of in held.items()}


def without_zeros(of: ByScope) -> ByScope:
    """As a purse counts."""
    return {scope: amount for scope, amount in of.items() if amount}


def moved(position: Position) -> Iterator[tuple[bytes, int, int]]:
    """What it adds to purses: device, scope, amount."""
    for line in position.lines:
        for name, amount in ((line.debit, -line.amount), (line.credit, line.amount)):
            purse = codes.purse_of(name)
            if purse is not None:
                yield *purse, amount


def own(position: Position, ahead: bool) -> Iterator[tuple[bytes, int, int]]:
    """The part of it that devices' own records should show; `ahead` as `is_ahead` says."""
    if position.kind != AWARD:
        for device, scope, amount in moved(position):
            if not ahead or device != position.debtor:
                yield device, scope, amount


def is_ahead(evidence: Evidence, position: Position) -> bool:
    """It debits a purse for a signature that the device's own covered journal is not yet at."""
    seen = evidence.journals.get(position.debtor)
    if seen is None:
        return False
    state = seen.folded.state
    if position.kind == PAYMENT:
        payments = evidence.by_offer[position.subject]
        counters = [evidence.payments[each].message.payment_counter for each in payments]
        return not payments & evidence.own.keys() and min(counters) >= state.next_payment
    if position.kind == REFUND and position.subject not in evidence.refunds_given:
        counter: int = evidence.refunds[position.subject].message.refund_counter
        return counter >= state.next_refund
    return False
