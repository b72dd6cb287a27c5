# SPDX-License-Identifier: Apache-2.0
"""What positions make of each purse's shadow, to be held against what the device's own records add
up to."""

from __future__ import annotations

from collections.abc import Iterable

from duotap_host.ledger import codes
from duotap_host.reconcile.evidence import Evidence
from duotap_host.reconcile.matching import AWARD, PAYMENT, REFUND, Position

ByScope = dict[int, int]


def of_purses(evidence: Evidence, positions: Iterable[Position]) -> dict[bytes, ByScope]:
    """Balance by scope of each device, zeros left out. Signatures of a device that its own journal
    has not come to yet are left out for that device, and what was paid for a lost one."""
    held: dict[bytes, ByScope] = {}
    for position in positions:
        if position.kind == AWARD:
            continue
        ahead = position.debtor if is_ahead(evidence, position) else None
        for line in position.lines:
            for name, amount in ((line.debit, -line.amount), (line.credit, line.amount)):
                purse = codes.purse_of(name)
                if purse is not None and purse[0] != ahead:
                    of = held.setdefault(purse[0], {})
                    of[purse[1]] = of.get(purse[1], 0) + amount
    return {
        device: {scope: amount for scope, amount in of.items() if amount}
        for device, of in held.items()
    }


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
