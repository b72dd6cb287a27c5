# SPDX-License-Identifier: Apache-2.0
"""Limits of payer and payee: the certificate's, narrowed by the newest policy (PROTOCOL.md §3).

A limit is refused with its own status word before anything is journalled. It knows no radio and
no journal; `used` are the sums of `fold.State` since the record that the last checkpoint covers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import messages, status
from duotap.certificate import CLASS_BOUND, ROLE_STAND
from duotap.consent import CEILING_DEFAULT, STEP_DEFAULT
from duotap.errors import Refusal
from duotap.fields import AMOUNT_MAX, EPOCH_MAX, Limits, NoButton
from duotap.fold import OPEN_PAYMENTS_MAX, SCOPES_MAX

if TYPE_CHECKING:
    from typing import Any

    from duotap.certificate import Certificate
    from duotap.fold import State

# What a device that spends twice can take is what its payees take before the list reaches them.
LIST_AGE_HALVES = 7  # epochs
HALVINGS_MAX = 3  # a stand that gets no list goes on selling for an eighth
EPOCH_BYTES = 4  # of a certificate's serial: the epoch in which it was issued
NEVER = EPOCH_MAX + 1  # expiry of a scope whose load names none


class Effective:
    """Limits in force: the lower of certificate and policy, field by field."""

    def __init__(self, certificate: Certificate, policies: list[Any]) -> None:
        limits, nobutton = certificate.limits, certificate.nobutton
        ceiling = (CEILING_DEFAULT, STEP_DEFAULT)
        for policy in policies:
            if policy.limits is not None:
                limits = Limits(*[min(a, b) for a, b in zip(limits, policy.limits)])
            if policy.nobutton is not None:
                nobutton = NoButton(*[min(a, b) for a, b in zip(nobutton, policy.nobutton)])
            if policy.ceiling is not None:
                ceiling = policy.ceiling
        self.limits: Any = limits
        self.nobutton: Any = nobutton
        self.ceiling, self.step = ceiling


def policies_for(state: State) -> list[Any]:
    """The newest policy for all devices, then the newest for this one, as far as there are any."""
    found = []
    for key in sorted(state.statements):
        if key[0] == 0:
            found.append(messages.decode(state.statements[key][1], messages.Policy).message)
    return found


def check_payment(state: State, limits: Any, amount: int) -> None:
    """Refuse a payment that balance or limits do not allow (9A01 … 9A04, 9A0B)."""
    if len(state.open_payments) >= OPEN_PAYMENTS_MAX:
        raise Refusal(status.TOO_MANY_OPEN, "too many unfinished payments")
    if amount > state.balance():
        raise Refusal(status.ABOVE_BALANCE, "above balance")
    if amount > limits.payment:
        raise Refusal(status.ABOVE_PAYMENT_LIMIT, "above limit of one payment")
    if state.used[0] + 1 > limits.count:
        raise Refusal(status.ABOVE_COUNT, "too many payments: sync")
    if state.used[1] + amount > limits.total:
        raise Refusal(status.ABOVE_SUM, "above sum: sync")


def check_nobutton(state: State, nobutton: Any, payee: Certificate, amount: int) -> None:
    """Refuse what a press must allow first (6985): only stands, small, few."""
    if payee.role != ROLE_STAND or amount > nobutton.payment:
        raise Refusal(status.WRONG_STATE, "press pay first")
    if state.used[4] + amount > nobutton.total or state.used[5] + 1 > nobutton.count:
        raise Refusal(status.WRONG_STATE, "press pay first")


def check_receive(
    state: State, limits: Any, payer: Certificate, amount: int, list_age: int = 0
) -> None:
    """Refuse to be paid more than a payer's class, or this device's purse, allows. `list_age`: of
    the deny list, in epochs; both limits are halved for each LIST_AGE_HALVES of it."""
    if payer.rollback_class == CLASS_BOUND:
        return
    halvings = min(HALVINGS_MAX, list_age // LIST_AGE_HALVES)
    if amount > limits.received >> halvings:
        raise Refusal(status.ABOVE_PAYMENT_LIMIT, "above limit for this card")
    if state.used[2] + amount > limits.received_total >> halvings:
        raise Refusal(status.ABOVE_SUM, "above sum for such cards: sync")


def list_age(state: State, own: Certificate) -> int:
    """Epochs since the newest deny list; without one since this device was certified."""
    certified = int.from_bytes(own.serial[:EPOCH_BYTES], "big")
    return max(0, int(state.epoch - max(state.list_epochs()[-1], certified)))


def check_balance(state: State, limits: Any, amount: int) -> None:
    """Refuse to hold more than the limit, or with what may come back more than can be said."""
    held = state.balance() + amount
    away = sum([messages.total(payment.amounts) for payment in state.open_payments])
    if held > limits.balance or held + away > AMOUNT_MAX:
        raise Refusal(status.ABOVE_BALANCE, "above the limit of the balance")


def check_scopes(state: State, amounts: tuple[tuple[int, int], ...]) -> None:
    """Refuse a ninth scope (9A0F). Own money, which may come any time, and what a void may bring
    back have their places: a head names no more than eight."""
    scopes = {0}
    for payment in state.open_payments:
        scopes.update([scope for scope, _ in payment.amounts])
    scopes.update(state.balances)
    scopes.update([scope for scope, _ in amounts])
    if len(scopes) > SCOPES_MAX:
        raise Refusal(status.SCOPE, "too many scopes")


def unspendable(state: State, certificate: Certificate) -> int:
    """Own money that waits for the next sync, where received value may not be spent again."""
    if certificate.respend or certificate.role == ROLE_STAND:
        return 0
    return state.unsafe


def spend(
    state: State, accepted: tuple[int, ...], amount: int, kept: int = 0
) -> tuple[tuple[int, int], ...]:
    """Which scopes pay: earliest expiry first, then scope id, own money but `kept` last.

    Raises Refusal(9A01) if what the payee takes is not enough.
    """
    usable = [
        (state.expiries.get(scope, NEVER), scope)
        for scope in state.balances
        if scope and scope in accepted and state.expiries.get(scope, NEVER) > state.epoch
    ]
    left = amount
    chosen = {}
    for scope in [scope for _, scope in sorted(usable)] + [0]:
        held = state.balances.get(scope, 0)
        part = min(left, held if scope else max(0, held - kept))
        if part:
            chosen[scope] = part
            left -= part
    if left:
        raise Refusal(status.ABOVE_BALANCE, "above balance for this payee")
    return tuple([(scope, chosen[scope]) for scope in sorted(chosen)])
