# SPDX-License-Identifier: Apache-2.0
"""What became of each payment, load, unload and refund: the position of its money, as far as the
evidence goes (records: PROTOCOL.md §8).

A payment ends up in one of four places:
1. under way: the payer signed, nothing more is shown;
2. credited: the payee's journal shows C, and its purse has the money;
3. taken: the stand's journal shows S, or the payer's journal shows the stand's receipt;
4. returned: the payer's journal shows the payee's void.
A void outweighs whatever else the payee signed: the payer's purse has the money again, and two
different answers prove the payee's fault. Records after a fork of their device close nothing, but
a signature still debits who signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from duotap import messages, records
from duotap.certificate import CLASS_BOUND as CLASS_BOUND
from duotap.cose import Signed
from duotap.fields import CREDITED as VERDICT_CREDITED
from duotap.fields import ROLE_PERSON, ROLE_STAND
from duotap.fields import TAKEN as VERDICT_TAKEN

from duotap_host.ledger import codes, ids
from duotap_host.ledger.codes import OWN_MONEY, TransferCode
from duotap_host.reconcile.archive import (
    CANCEL,
    GUARANTEED,
    LOAD,
    Award,
    Issued,
    KnownDevice,
    Line,
)
from duotap_host.reconcile.evidence import Closings, Evidence
from duotap_host.reconcile.reading import Entry

UNDER_WAY, CREDITED, TAKEN, RETURNED = "under way", "credited", "taken", "returned"
LOADED, CANCELLED, UNLOADED, REFUNDED = "loaded", "cancelled", "unloaded", "refunded"
SENT_HOME = "sent home"  # a refund that the journal of the device that paid is past
PAID, OVERTAKEN = "paid", "overtaken"
PAYMENT, UNLOAD, REFUND, AWARD = "payment", "unload", "refund", "award"
NOBODY = bytes(16)


class Position(NamedTuple):
    """Where the money of one subject is, as the transfers that lead there."""

    subject: bytes
    kind: str
    state: str
    lines: tuple[Line, ...]
    amount: int
    debtor: bytes  # device whose purse is debited
    creditor: bytes  # device whose holder is to get it


def positions(evidence: Evidence) -> Iterator[Position]:
    """Of everything that the evidence speaks of, in an order that hangs on nothing else."""
    under_way = set()
    for position in _signed(evidence):
        if position.state == UNDER_WAY:
            under_way.add(position.subject)
        yield position
    for award in sorted(evidence.archive.awards):
        yield award_position(award, award.about in under_way)


def _signed(evidence: Evidence) -> Iterator[Position]:
    for offer_hash in sorted(evidence.by_offer):
        yield _payment(evidence, offer_hash)
    yield from _loads(evidence)
    for unload_hash in sorted(evidence.unloads):
        yield from _unload(evidence, unload_hash)
    for refund_hash in sorted(evidence.refunds):
        yield from _refund(evidence, refund_hash)


def award_position(award: Award, is_under_way: bool) -> Position:
    """Paid, but for what was guaranteed and came to another end after all: that is taken back."""
    is_overtaken = award.kind == GUARANTEED and not is_under_way
    lines = () if is_overtaken else award.lines
    amount = sum(line.amount for line in award.lines)
    state = OVERTAKEN if is_overtaken else PAID
    return Position(award.subject, AWARD, state, lines, amount, award.device, award.device)


def _payment(evidence: Evidence, offer_hash: bytes) -> Position:
    """One offer is paid once: of several payments that name it, the one that was closed counts."""
    candidates = sorted(evidence.by_offer[offer_hash])
    ends = [(end_of(evidence, evidence.payments[each]), each) for each in candidates]
    order = (RETURNED, CREDITED, TAKEN, UNDER_WAY)
    state, chosen = min(ends, key=lambda end: (order.index(end[0]), end[1]))
    payment = evidence.payments[chosen]
    message = payment.message
    lines = [
        Line(codes.purse(payment.kid, scope), codes.UNDER_WAY, amount, TransferCode.PAYMENT)
        for scope, amount in message.amounts
    ]
    lines.extend(_closed(evidence, payment, state))
    amount = messages.total(message.amounts)
    subject = offer_hash
    return Position(subject, PAYMENT, state, tuple(lines), amount, payment.kid, message.payee)


def _closed(evidence: Evidence, payment: Signed, state: str) -> Iterator[Line]:
    message, amount = payment.message, messages.total(payment.message.amounts)
    if state == RETURNED:
        for scope, part in message.amounts:
            purse = codes.purse(payment.kid, scope)
            yield Line(codes.UNDER_WAY, purse, part, TransferCode.RETURN)
    elif state == CREDITED:
        purse = codes.purse(message.payee, OWN_MONEY)
        yield Line(codes.UNDER_WAY, purse, amount, TransferCode.CREDIT)
    elif state == TAKEN:
        merchant = codes.merchant(evidence.archive.devices[message.payee].certificate.holder)
        yield Line(codes.UNDER_WAY, merchant, amount, TransferCode.ACCOUNT)


def end_of(evidence: Evidence, payment: Signed) -> str:
    """Which of the four ends the payment has come to."""
    payee = evidence.archive.devices.get(payment.message.payee)
    end = evidence.closings.get(payment.hash)
    if end is None or payee is None:
        return UNDER_WAY
    if shown(end, payment, messages.Void):
        return RETURNED
    is_stand = payee.certificate.role == ROLE_STAND
    if any(firm and is_right_closing(entry, payee) for entry, firm in end.honoured):
        return TAKEN if is_stand else CREDITED
    is_forked = evidence.journals[payee.id].chain.forked_at
    if is_stand and not is_forked and shown(end, payment, messages.Receipt):
        return TAKEN
    return UNDER_WAY


def is_right_closing(entry: Entry, payee: KnownDevice) -> bool:
    """A person's device closes with C and says "credited", a stand with S and "taken"."""
    assert entry.closing is not None
    right = (records.CREDIT, VERDICT_CREDITED)
    if payee.certificate.role == ROLE_STAND:
        right = (records.ACCOUNT, VERDICT_TAKEN)
    return (entry.record.kind, entry.closing.message.verdict) == right


def shown(end: Closings, payment: Signed, of: type[messages.Void | messages.Receipt]) -> bool:
    """The payer's journal shows the payee's void, or its receipt "taken", before any fork."""
    for entry, firm in end.shown:
        closing = entry.closing
        if closing is None or not firm or entry.record.device != payment.kid:
            continue
        if closing.kid == payment.message.payee and type(closing.message) is of:
            verdict = getattr(closing.message, "verdict", VERDICT_TAKEN)
            if verdict == VERDICT_TAKEN:
                return True
    return False


def load_subject(device: bytes, number: int) -> bytes:
    """What the transfers of a load and of the cancel in its place are about."""
    return ids.digest("load", device, number)


def load_position(load: Issued, state: str) -> Position:
    """A load under way, loaded or cancelled."""
    message = messages.decode(load.raw, messages.Load).message
    amount = messages.total(message.amounts)
    lines = [Line(load.account, codes.LOADS_UNDER_WAY, amount, TransferCode.LOAD)]
    if state == LOADED:
        for scope, part in message.amounts:
            purse = codes.purse(load.device, scope)
            lines.append(Line(codes.LOADS_UNDER_WAY, purse, part, TransferCode.LOADED))
    elif state == CANCELLED:
        lines.append(Line(codes.LOADS_UNDER_WAY, load.account, amount, TransferCode.CANCELLED))
    subject = load_subject(load.device, load.number)
    return Position(subject, LOAD, state, tuple(lines), amount, NOBODY, load.device)


def _loads(evidence: Evidence) -> Iterable[Position]:
    """Loaded or cancelled by what the device's journal shows; a load outweighs a cancel."""
    ended: dict[tuple[bytes, int], str] = {}
    for statement in evidence.archive.issued:
        if (statement.device, statement.hash) not in evidence.issued:
            continue
        key = (statement.device, statement.number)
        if statement.kind == LOAD:
            ended[key] = LOADED
        elif statement.kind == CANCEL:
            ended.setdefault(key, CANCELLED)
    for statement in sorted(evidence.archive.issued):
        if statement.kind == LOAD:
            key = (statement.device, statement.number)
            yield load_position(statement, ended.get(key, UNDER_WAY))


def _unload(evidence: Evidence, unload_hash: bytes) -> Iterator[Position]:
    """Booked once the device's journal shows it, before any fork."""
    unload, firm = evidence.unloads[unload_hash]
    device = evidence.archive.devices[unload.kid]
    if not firm:
        return
    lines = [
        Line(codes.purse(device.id, scope), home(device), amount, TransferCode.UNLOAD)
        for scope, amount in unload.message.amounts
    ]
    amount = messages.total(unload.message.amounts)
    yield Position(unload_hash, UNLOAD, UNLOADED, tuple(lines), amount, device.id, device.id)


def home(device: KnownDevice) -> str:
    """The account of the holder or merchant of a device."""
    of = codes.wallet if device.certificate.role == ROLE_PERSON else codes.merchant
    return of(device.certificate.holder)


def _refund(evidence: Evidence, refund_hash: bytes) -> Iterator[Position]:
    """Under way from the stand's signature, back in the purse that paid when its journal shows
    it."""
    refund = evidence.refunds[refund_hash]
    payment = evidence.payments.get(refund.message.payment_hash)
    if payment is None or payment.message.payee != refund.kid:
        return
    taker, firm = evidence.refunds_taken.get(refund_hash, (NOBODY, False))
    is_taken = firm and taker == payment.kid
    lines, total = [], messages.total(refund.message.amounts)
    for scope, amount in refund.message.amounts:
        stand, purse = codes.purse(refund.kid, scope), codes.purse(payment.kid, scope)
        lines.append(Line(stand, codes.UNDER_WAY, amount, TransferCode.REFUND))
        if is_taken:
            lines.append(Line(codes.UNDER_WAY, purse, amount, TransferCode.REFUNDED))
    state = REFUNDED if is_taken else UNDER_WAY
    if not is_taken and is_past(evidence, payment):
        state = SENT_HOME
        to = home(evidence.archive.devices[payment.kid])
        lines.append(Line(codes.UNDER_WAY, to, total, TransferCode.REFUNDED))
    yield Position(refund_hash, REFUND, state, tuple(lines), total, refund.kid, payment.kid)


def is_past(evidence: Evidence, payment: Signed) -> bool:
    """The payer's journal has a checkpoint over this payment: it takes no refund of it any more,
    and what it took before is before that checkpoint's own record."""
    seen = evidence.journals[payment.kid]
    paid_at = seen.paid.get(payment.hash, 0)
    return not seen.chain.forked_at and 0 < paid_at <= seen.checkpointed
