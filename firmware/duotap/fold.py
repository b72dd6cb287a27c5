# SPDX-License-Identifier: Apache-2.0
"""The fold: what the records of a journal add up to (PROTOCOL.md §8).

`State` is changed by `apply` only, one record at a time; the purse of a running device, the fold
at boot and the ledger's fold of archived records are the same code. It trusts its records: whoever
commits one has checked it before. It knows no flash, no radio, no key, no clock and no policy.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import messages, records
from duotap.certificate import CLASS_BOUND, decode_keycert, key_id
from duotap.errors import Broken

if TYPE_CHECKING:
    from typing import Any

OPEN_PAYMENTS_MAX = 8  # the open list fits one record of a base
SCOPES_MAX = 8  # a full purse pays with all its scopes in one message

STATEMENTS = (
    messages.Policy,
    messages.Membership,
    messages.DenyList,
    messages.Time,
    messages.Epoch,
    messages.KeyStatement,
    messages.Reset,
)

OpenOffer = namedtuple(
    "OpenOffer", ("sequence", "hash", "payer", "payment_counter", "counter", "amount", "raw")
)
OpenPayment = namedtuple(
    "OpenPayment",
    ("offer_hash", "payment_hash", "payee", "counter", "amounts", "raw"),
)


def open_offer(sequence: int, raw: bytes) -> OpenOffer:
    """An offer's message as the purse keeps it while it is open. Raises Malformed."""
    signed = messages.decode(raw, messages.Offer)
    offer = signed.message
    return OpenOffer(
        sequence,
        signed.hash,
        offer.payer,
        offer.payment_counter,
        offer.offer_counter,
        offer.amount,
        signed.raw,
    )


def open_payment(raw: bytes) -> OpenPayment:
    """A payment's message as the purse keeps it while it is open. Raises Malformed."""
    signed = messages.decode(raw, messages.Payment)
    payment = signed.message
    return OpenPayment(
        payment.offer_hash,
        signed.hash,
        payment.payee,
        payment.payment_counter,
        payment.amounts,
        signed.raw,
    )


class State:
    """Balances, counters and what is open; all integers of PROTOCOL.md §1."""

    def __init__(self) -> None:
        self.balances: dict[int, int] = {}
        self.expiries: dict[int, int] = {}
        self.next_payment = 1
        self.next_offer = 1
        self.next_refund = 1
        self.next_unload = 1
        self.next_issue = 1
        self.epoch = 0
        self.open_offer: OpenOffer | None = None
        self.open_payments: list[OpenPayment] = []
        # Since sync: payments, their sum, received from classes none and count, loaded; since the
        # last press: sum and number of payments made without one.
        self.used = [0, 0, 0, 0, 0, 0]
        self.unsafe = 0  # received (C or S) after the record that the last checkpoint covers
        self.identity_at = 0  # sequence of the newest identity record, or of what carried it on
        self.statements: dict[tuple[int, bytes], tuple[int, bytes]] = {}  # subject: sequence, raw
        # Lists stay in the journal: sequence, epoch and bytes of the full one, and by its epoch
        # sequence, first epoch and bytes of each delta that goes on from there.
        self.full_list = (0, 0, 0)
        self.deltas: dict[int, tuple[int, int, int]] = {}
        self.last_issue = b""  # hash of the last statement of a money key
        self.last_closed = (b"", b"")  # offer that C or S closed last: hash, payer
        self.last_unpaid = (b"", b"")  # offer that V closed last: hash, payer
        self.unpaid = 0  # offers that V closed after the record that the last checkpoint covers
        self.spare = (1, 0)  # reserved offer numbers left: next and last; none after a boot

    def balance(self) -> int:
        """Own money and all scopes together, minor units."""
        return sum(self.balances.values())

    def numbers(self) -> list[int]:
        """Next payment, offer, refund, unload and issuer number."""
        return [
            self.next_payment,
            self.next_offer,
            self.next_refund,
            self.next_unload,
            self.next_issue,
        ]

    def find_payment(self, offer_hash: bytes) -> OpenPayment | None:
        """The open payment of an offer, if there is one."""
        for payment in self.open_payments:
            if payment.offer_hash == offer_hash:
                return payment
        return None

    def list_epochs(self) -> list[int]:
        """Epochs of the lists in force, ascending: the full one's (0: none), then of the deltas
        that follow from it. What is above the own epoch is from before a reset."""
        known = [self.full_list[1] if self.full_list[1] <= self.epoch else 0]
        for epoch in sorted(self.deltas):
            if self.deltas[epoch][1] <= known[-1] < epoch <= self.epoch:
                known.append(epoch)
        return known

    def add(self, amounts: tuple[tuple[int, int], ...]) -> None:
        """Credit each scope."""
        for scope, amount in amounts:
            self.balances[scope] = self.balances.get(scope, 0) + amount

    def take(self, amounts: tuple[tuple[int, int], ...]) -> None:
        """Debit each scope; raises Broken before anything changes if one is short."""
        for scope, amount in amounts:
            if self.balances.get(scope, 0) < amount:
                raise Broken("balance below zero")
        for scope, amount in amounts:
            self.balances[scope] -= amount
            if not self.balances[scope]:
                del self.balances[scope]


def _identity(state: State, sequence: int, body: bytes) -> None:
    state.identity_at = sequence


def _statement(state: State, sequence: int, body: bytes) -> None:
    _keep(state, sequence, body)
    pass_time(state, body)


def _keep(state: State, sequence: int, body: bytes) -> None:
    message = messages.decode(body, *STATEMENTS).message
    if isinstance(message, messages.DenyList):
        _keep_list(state, sequence, message, len(body))
    else:
        state.statements[subject(message)] = (sequence, body)


def _keep_list(state: State, sequence: int, message: Any, size: int) -> None:
    """What it says better is forgotten: by a full list all that is older, by a delta those that
    it spans."""
    for epoch in sorted(state.deltas):
        spanned = not message.delta or message.from_epoch <= state.deltas[epoch][1]
        if epoch <= message.epoch and spanned:
            del state.deltas[epoch]
    if message.delta:
        state.deltas[message.epoch] = (sequence, message.from_epoch, size)
    else:
        state.full_list = (sequence, message.epoch, size)


def pass_time(state: State, body: bytes) -> None:
    """What a statement does to the epoch, and only when it is new: one that was carried says
    again what was true before."""
    message = messages.decode(body, *STATEMENTS).message
    epoch = getattr(message, "epoch", 0)
    if isinstance(message, messages.Reset) or epoch > state.epoch:
        state.epoch = epoch


def subject(message: Any) -> tuple[int, bytes]:
    """What a statement is about; the newest of each subject counts, a working key is one."""
    kind = STATEMENTS.index(type(message))
    if isinstance(message, messages.KeyStatement):
        return kind, key_id(decode_keycert(message.keycert).message.public)
    return kind, getattr(message, "device", None) or b""


def _load(state: State, sequence: int, body: bytes) -> None:
    signed = messages.decode(body, messages.Load)
    load = signed.message
    state.add(load.amounts)
    for scope, epoch in load.expiries:
        state.expiries[scope] = epoch
    state.used[3] += messages.total(load.amounts)
    _issued(state, signed)


def _cancel(state: State, sequence: int, body: bytes) -> None:
    _issued(state, messages.decode(body, messages.Cancel))


def _checkpoint(state: State, sequence: int, body: bytes) -> None:
    _issued(state, messages.decode(body, messages.Checkpoint))


def _issued(state: State, signed: Any) -> None:
    state.next_issue = signed.message.number + 1
    state.last_issue = signed.hash


def _offer(state: State, sequence: int, body: bytes) -> None:
    state.open_offer = open_offer(sequence, body)
    state.next_offer = max(state.next_offer, state.open_offer.counter + 1)


def _payment(state: State, sequence: int, body: bytes) -> None:
    raw, _, pressed = records.unpack(records.PAYMENT, body)
    payment = open_payment(raw)
    amount = messages.total(payment.amounts)
    state.take(payment.amounts)
    state.open_payments.append(payment)
    state.next_payment = payment.counter + 1
    state.used[0] += 1
    state.used[1] += amount
    state.used[4] = 0 if pressed else state.used[4] + amount
    state.used[5] = 0 if pressed else state.used[5] + 1


def _closing(state: State, sequence: int, body: bytes) -> None:
    message = messages.decode(body, messages.Receipt, messages.Void).message
    for payment in state.open_payments:
        if payment.payment_hash == message.payment_hash:
            state.open_payments.remove(payment)
            if isinstance(message, messages.Void):
                state.add(payment.amounts)
            return
    raise Broken("closing without a payment")


def _credit(state: State, sequence: int, body: bytes) -> None:
    payment = _received(state, records.CREDIT, body)
    state.add(((0, messages.total(payment.amounts)),))
    state.unsafe += messages.total(payment.amounts)


def _account(state: State, sequence: int, body: bytes) -> None:
    payment = _received(state, records.ACCOUNT, body)
    state.unsafe += messages.total(payment.amounts)


def _received(state: State, kind: int, body: bytes) -> Any:
    raw, _, rollback_class = records.unpack(kind, body)
    payment = messages.decode(raw, messages.Payment).message
    if state.open_offer is None or state.open_offer.hash != payment.offer_hash:
        raise Broken("credit without its offer")
    state.last_closed = (state.open_offer.hash, state.open_offer.payer)
    state.open_offer = None
    if rollback_class != CLASS_BOUND:
        state.used[2] += messages.total(payment.amounts)
    return payment


def _unpaid(state: State, sequence: int, body: bytes) -> None:
    _, offer_hash = records.unpack(records.UNPAID, body)
    if state.open_offer is None or state.open_offer.hash != offer_hash:
        raise Broken("void without its offer")
    state.last_unpaid = (state.open_offer.hash, state.open_offer.payer)
    state.open_offer = None
    state.unpaid += 1


def _reserved(state: State, sequence: int, body: bytes) -> None:
    state.next_offer = records.unpack(records.RESERVED, body)[1] + 1


def _kept(state: State, sequence: int, body: bytes) -> None:
    """Proofs, base parts and ticks: in the journal, not in the purse."""


def _refund_given(state: State, sequence: int, body: bytes) -> None:
    refund = messages.decode(body, messages.Refund).message
    state.take(refund.amounts)
    state.next_refund = refund.refund_counter + 1


def _refund_taken(state: State, sequence: int, body: bytes) -> None:
    state.add(messages.decode(body, messages.Refund).message.amounts)


def _unload(state: State, sequence: int, body: bytes) -> None:
    unload = messages.decode(body, messages.Unload).message
    state.take(unload.amounts)
    state.next_unload = unload.unload_counter + 1


def _carried(state: State, sequence: int, body: bytes) -> None:
    kind, inner = records.unpack(records.CARRIED, body)
    rule = _keep if kind == records.STATEMENT else _identity
    rule(state, sequence, inner)


APPLY = {
    records.IDENTITY: _identity,
    records.STATEMENT: _statement,
    records.LOAD: _load,
    records.CANCEL: _cancel,
    records.BASE_PART: _kept,
    records.CHECKPOINT: _checkpoint,
    records.OFFER: _offer,
    records.PAYMENT: _payment,
    records.CLOSING: _closing,
    records.CREDIT: _credit,
    records.ACCOUNT: _account,
    records.UNPAID: _unpaid,
    records.LATE_VOID: _kept,
    records.CONFLICT: _kept,
    records.REFUND_GIVEN: _refund_given,
    records.REFUND_TAKEN: _refund_taken,
    records.UNLOAD: _unload,
    records.CARRIED: _carried,
    records.TICKS: _kept,
    records.RESERVED: _reserved,
}


def apply(state: State, sequence: int, kind: int, body: bytes) -> None:
    """Change `state` by one record.

    Raises Broken if the record cannot follow what is there: the journal is then not this device's.
    """
    try:
        rule = APPLY[kind]
    except KeyError:
        raise Broken("unknown record type") from None
    rule(state, sequence, bytes(body))
