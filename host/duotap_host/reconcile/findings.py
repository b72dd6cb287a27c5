# SPDX-License-Identifier: Apache-2.0
"""What contradicts: every finding of a run, as a code, the device it is about, the evidence, and a
sentence in English and in Chinese.

A finding says what was found and proves it where two signatures do; who is to blame for how much
is the operator's to decide. The same archive gives the same findings in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from duotap import messages, proof
from duotap.cose import Signed

from duotap_host.ledger.interface import Finding
from duotap_host.money import show as money
from duotap_host.reconcile import balances, folding, losses, matching, reading, texts, topics
from duotap_host.reconcile.balances import ByScope
from duotap_host.reconcile.evidence import Evidence, Seen
from duotap_host.reconcile.matching import Position


class Code(StrEnum):
    """All codes. Those of FREEZING stop loads, checkpoints and what is handed to the device."""

    FORK = "fork"
    DUPLICATE_PAYMENT = "duplicate_payment"
    DUPLICATE_OFFER = "duplicate_offer"
    VOID_AND_HONOURED = "void_and_honoured"
    UNKNOWN_LOAD = "unknown_load"
    UNKNOWN_CERTIFICATE = "unknown_certificate"
    BEYOND_FACTORY = "beyond_factory"
    UNKNOWN_KEY = reading.UNKNOWN_KEY
    BAD_SIGNATURE = reading.BAD_SIGNATURE
    DAMAGED = reading.DAMAGED
    GAP = "gap"
    AMOUNT_MISMATCH = "amount_mismatch"
    WRONG_CLOSING = "wrong_closing"
    WRONG_REFUND = "wrong_refund"
    OVER_REFUNDED = "over_refunded"
    OVER_LIMIT = "over_limit"
    OVER_RECEIVED_LIMIT = "over_received_limit"
    OVER_COUNT = folding.OVER_COUNT
    OVER_TOTAL = folding.OVER_TOTAL
    OVER_RECEIVED_TOTAL = folding.OVER_RECEIVED_TOTAL
    EXPIRED = folding.EXPIRED
    OVERSPENT = "overspent"
    HEAD_DIFFERS = "head_differs"
    BALANCE_DIFFERS = "balance_differs"
    FIRMWARE_DIFFERS = "firmware_differs"
    CORRECTION_REFUSED = "correction_refused"
    DEBT = "debt"


FREEZING = frozenset(
    (Code.FORK, Code.DUPLICATE_PAYMENT, Code.DUPLICATE_OFFER, Code.VOID_AND_HONOURED)
)
# A checkpoint would make the ledger vouch for a purse that it cannot explain.
BLOCKING = FREEZING | {
    Code.UNKNOWN_LOAD,
    Code.UNKNOWN_CERTIFICATE,
    Code.BAD_SIGNATURE,
    Code.DAMAGED,
    Code.OVERSPENT,
    Code.HEAD_DIFFERS,
    Code.BALANCE_DIFFERS,
    Code.FIRMWARE_DIFFERS,
}


def finding(code: Code, device: bytes, evidence: Iterable[bytes], **values: object) -> Finding:
    """One finding; the sentence of its code, filled in."""
    en, zh = texts.SENTENCES[code]
    values["device"] = texts.short(device)
    return Finding(code, device, tuple(evidence), en.format(**values), zh.format(**values))


class Held(NamedTuple):
    """What is booked for purses, as far as findings compare it: `own` is what a device's own
    records should add up to, `debts` what lost devices owe (`losses`)."""

    own: Mapping[bytes, ByScope]
    debts: Iterable[losses.Owed]


def held(evidence: Evidence, positions: Iterable[Position]) -> Held:
    """Of all devices."""
    positions = tuple(positions)
    archive = evidence.archive
    shadows = losses.shadows(positions)
    debts = losses.owed(shadows, archive.awards, positions, archive.devices)
    return Held(balances.of_purses(evidence, positions), tuple(debts))


Sourced = tuple[bytes, Finding]  # the topic that brought it, and the finding


def find(evidence: Evidence, held: Held) -> Iterator[Sourced]:
    """Every finding with the topic that it follows from; two topics may bring the same one."""
    yield from _histories(evidence)
    yield from _firmware(evidence)
    yield from _remarks(evidence)
    yield from _problems(evidence)
    yield from _contradictions(evidence)
    yield from _closings(evidence)
    yield from _issued(evidence)
    yield from _certificates(evidence)
    yield from _payments(evidence)
    yield from _refunds(evidence)
    yield from _balances(evidence, held.own)
    yield from _debts(held.debts)


def _histories(evidence: Evidence) -> Iterator[Sourced]:
    for device, seen in evidence.journals.items():
        for found in _history(device, seen):
            yield topics.device(device), found


def _firmware(evidence: Evidence) -> Iterator[Sourced]:
    """A device keeps its key only as long as the firmware that it was certified with."""
    for device, seen in evidence.journals.items():
        certified = evidence.archive.devices[device].certificate.firmware
        for each in (seen.chain.head, seen.chain.other):
            runs = messages.decode(each.raw, messages.Head).message.firmware if each else certified
            if each is not None and runs != certified:
                values = {"runs": texts.short(runs), "ours": texts.short(certified)}
                found = finding(Code.FIRMWARE_DIFFERS, device, [each.hash], **values)
                yield topics.device(device), found
                break


def _history(device: bytes, seen: Seen) -> Iterator[Finding]:
    chain = seen.chain
    if chain.forked_at:
        yield finding(Code.FORK, device, chain.fork, at=chain.forked_at)
    if chain.missing[1]:
        first, last = chain.missing
        yield finding(Code.GAP, device, (), first=first, last=last)
    broken = seen.folded.broken
    if broken:
        code = Code.OVERSPENT if seen.folded.overspent else Code.DAMAGED
        yield finding(code, device, [broken], record=texts.short(broken))
    elif not chain.forked_at:
        yield from _claims(device, seen)


def _claims(device: bytes, seen: Seen) -> Iterator[Finding]:
    """A head that claims another balance or other numbers than its own records come to."""
    state = seen.folded.state
    for each in (seen.chain.head, seen.chain.other):
        if each is not None:
            head = messages.decode(each.raw, messages.Head).message
            if (dict(head.balances), list(head.numbers)) != (state.balances, state.numbers()):
                said = money(messages.total(head.balances))
                held = money(state.balance())
                yield finding(Code.HEAD_DIFFERS, device, [each.hash], said=said, held=held)
                return


def _remarks(evidence: Evidence) -> Iterator[Sourced]:
    """What a device's certificate forbade; a limit in money is shown as such."""
    for device, seen in evidence.journals.items():
        for remark in seen.folded.remarks:
            is_money = remark.code in (folding.OVER_TOTAL, folding.OVER_RECEIVED_TOTAL)
            show = money if is_money else str
            values = {"came_to": show(remark.came_to), "allowed": show(remark.allowed)}
            found = finding(Code(remark.code), device, [remark.record], **values)
            yield topics.device(device), found


def _problems(evidence: Evidence) -> Iterator[Sourced]:
    for device, problems in evidence.problems.items():
        for problem in problems:
            record, signer = texts.short(problem.record), texts.short(problem.signer)
            code = Code(problem.code)
            found = finding(code, device, [problem.record], record=record, signer=signer)
            yield topics.record(device, problem.record), found


def _contradictions(evidence: Evidence) -> Iterator[Sourced]:
    """What a device may say once and said twice: each pair of signatures is a proof."""
    for (device, kind, subject), messages_by_hash in evidence.said.items():
        hashes = sorted(messages_by_hash)
        topic = topics.said(device, kind, subject)
        if len(hashes) == 1:
            continue
        if isinstance(subject, bytes):
            kinds = {type(signed.message) for signed in messages_by_hash.values()}
            if len(kinds) == 2:
                paid = texts.short(subject)
                yield topic, finding(Code.VOID_AND_HONOURED, device, hashes, payment=paid)
        else:
            code = Code.DUPLICATE_OFFER if kind == proof.OFFERS else Code.DUPLICATE_PAYMENT
            yield topic, finding(code, device, hashes, counter=subject, count=len(hashes))


def _closings(evidence: Evidence) -> Iterator[Sourced]:
    for payment_hash, end in evidence.closings.items():
        for entry, _ in end.honoured:
            known = evidence.archive.devices.get(entry.record.device)
            if known is not None and not matching.is_right_closing(entry, known):
                paid = texts.short(payment_hash)
                found = finding(Code.WRONG_CLOSING, known.id, [entry.record.hash], payment=paid)
                yield payment_hash, found


def _issued(evidence: Evidence) -> Iterator[Sourced]:
    """A statement that is not in the ledger's own book raises an alarm (PROTOCOL.md §11.2)."""
    known = {(statement.device, statement.hash) for statement in evidence.archive.issued}
    for (device, message_hash), signed in evidence.issued.items():
        if (device, message_hash) not in known:
            number = signed.message.number
            found = finding(Code.UNKNOWN_LOAD, device, [message_hash], number=number)
            yield matching.load_subject(device, number), found


def _certificates(evidence: Evidence) -> Iterator[Sourced]:
    """So does a certificate."""
    for record_hash, (device, raw) in evidence.certificates.items():
        if evidence.archive.devices[device].raw != raw:
            found = finding(Code.UNKNOWN_CERTIFICATE, device, [record_hash])
            yield topics.record(device, record_hash), found


def _payments(evidence: Evidence) -> Iterator[Sourced]:
    for payment in evidence.payments.values():
        for found in _payment(evidence, payment):
            yield payment.hash, found


def _payment(evidence: Evidence, payment: Signed) -> Iterator[Finding]:
    amount = messages.total(payment.message.amounts)
    paid, about = money(amount), [payment.hash]
    offer = evidence.offers.get(payment.message.offer_hash)
    if offer is not None and not _answers(payment, offer):
        asked = money(offer.message.amount)
        yield finding(Code.AMOUNT_MISMATCH, payment.kid, about, paid=paid, asked=asked)
    limit = evidence.archive.devices[payment.kid].certificate.limits.payment
    if amount > limit:
        yield finding(Code.OVER_LIMIT, payment.kid, about, paid=paid, limit=money(limit))
    yield from _received(evidence, payment, amount)


def _answers(payment: Signed, offer: Signed) -> bool:
    """The payment is of this offer in every field that both have."""
    said, asked = payment.message, offer.message
    return (
        said.payee,
        said.offer_counter,
        said.payment_counter,
        payment.kid,
        messages.total(said.amounts),
    ) == (offer.kid, asked.offer_counter, asked.payment_counter, asked.payer, asked.amount)


def _received(evidence: Evidence, payment: Signed, amount: int) -> Iterator[Finding]:
    """A payee that took more than its limit from a payer that can be set back bears the risk."""
    payee = evidence.archive.devices.get(payment.message.payee)
    payer = evidence.archive.devices[payment.kid]
    end = evidence.closings.get(payment.hash)
    if payee is None or end is None or not end.honoured:
        return
    limit = payee.certificate.limits.received
    if payer.certificate.rollback_class != matching.CLASS_BOUND and amount > limit:
        yield finding(
            Code.OVER_RECEIVED_LIMIT,
            payee.id,
            [payment.hash],
            paid=money(amount),
            limit=money(limit),
        )


def _refunds(evidence: Evidence) -> Iterator[Sourced]:
    """Of what was not paid, and of more than was paid, scope by scope."""
    back: dict[bytes, tuple[Signed, dict[int, int], list[bytes]]] = {}
    for refund_hash, refund in evidence.refunds.items():
        payment = evidence.payments.get(refund.message.payment_hash)
        amount = messages.total(refund.message.amounts)
        if payment is None or payment.message.payee != refund.kid:
            found = finding(Code.WRONG_REFUND, refund.kid, [refund_hash], paid=money(amount))
            yield refund_hash, found
            continue
        of = back.setdefault(payment.hash, (payment, {}, []))
        of[2].append(refund_hash)
        for scope, part in refund.message.amounts:
            of[1][scope] = of[1].get(scope, 0) + part
    for payment, given, hashes in back.values():
        paid = dict(payment.message.amounts)
        if any(part > paid.get(scope, 0) for scope, part in given.items()):
            values = {"paid": money(sum(paid.values())), "given": money(sum(given.values()))}
            stand = payment.message.payee
            yield payment.hash, finding(Code.OVER_REFUNDED, stand, sorted(hashes), **values)


def _balances(evidence: Evidence, own: Mapping[bytes, ByScope]) -> Iterator[Sourced]:
    """What is booked on a purse's shadow is what the device's own records add up to, once its
    journal is as far as its signatures that others brought."""
    for device, seen in evidence.journals.items():
        chain = seen.chain
        if chain.head is None or chain.forked_at or seen.folded.broken:
            continue
        booked = own.get(device, {})
        if booked != seen.folded.state.balances:
            sums = {"booked": sum(booked.values()), "held": seen.folded.state.balance()}
            shown = {name: money(amount) for name, amount in sums.items()}
            found = finding(Code.BALANCE_DIFFERS, device, [chain.head.hash], **shown)
            yield topics.shadow(device), found


def _debts(debts: Iterable[losses.Owed]) -> Iterator[Sourced]:
    """A claim against a lost device that came after its value was returned is its holder's."""
    for owed in debts:
        amount = money(owed.amount)
        found = finding(Code.DEBT, owed.device, owed.awards, home=owed.home, owed=amount)
        yield topics.shadow(owed.device), found
