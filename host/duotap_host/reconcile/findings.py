# SPDX-License-Identifier: Apache-2.0
"""What contradicts: every finding of a run, as a code, the device it is about, the evidence, and a
sentence in English and in Chinese.

A finding says what was found and proves it where two signatures do; who is to blame for how much
is the operator's to decide. The same archive gives the same findings in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from duotap import messages, proof
from duotap.cose import Signed

from duotap_host.ledger.interface import Finding
from duotap_host.money import show as money
from duotap_host.reconcile import balances, folding, losses, matching, reading, texts
from duotap_host.reconcile.evidence import Evidence
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


def find(evidence: Evidence, positions: Iterable[Position]) -> tuple[Finding, ...]:
    """All findings, sorted and each once."""
    positions = tuple(positions)
    found = {
        *_histories(evidence),
        *_firmware(evidence),
        *_remarks(evidence),
        *_problems(evidence),
        *_contradictions(evidence),
        *_closings(evidence),
        *_issued(evidence),
        *_payments(evidence),
        *_refunds(evidence),
        *_balances(evidence, positions),
        *_debts(evidence, positions),
    }
    return tuple(sorted(found))


def _histories(evidence: Evidence) -> Iterator[Finding]:
    for device, seen in evidence.journals.items():
        chain = seen.chain
        if chain.forked_at:
            yield finding(Code.FORK, device, chain.fork, at=chain.forked_at)
        if chain.missing[1]:
            first, last = chain.missing
            yield finding(Code.GAP, device, (), first=first, last=last)
        if seen.folded.broken:
            code = Code.OVERSPENT if seen.folded.overspent else Code.DAMAGED
            yield finding(
                code, device, [seen.folded.broken], record=texts.short(seen.folded.broken)
            )
        elif chain.head is not None and not chain.forked_at:
            head = messages.decode(chain.head.raw, messages.Head).message
            state = seen.folded.state
            claimed = (dict(head.balances), list(head.numbers))
            if claimed != (state.balances, state.numbers()):
                said = money(messages.total(head.balances))
                held = money(state.balance())
                yield finding(Code.HEAD_DIFFERS, device, [chain.head.hash], said=said, held=held)


def _firmware(evidence: Evidence) -> Iterator[Finding]:
    """A device keeps its key only as long as the firmware that it was certified with."""
    for device, seen in evidence.journals.items():
        if seen.chain.head is not None:
            head = messages.decode(seen.chain.head.raw, messages.Head).message
            certified = evidence.archive.devices[device].certificate.firmware
            if head.firmware != certified:
                said, ours = texts.short(head.firmware), texts.short(certified)
                evidence_id = [seen.chain.head.hash]
                yield finding(Code.FIRMWARE_DIFFERS, device, evidence_id, runs=said, ours=ours)


def _remarks(evidence: Evidence) -> Iterator[Finding]:
    """What a device's certificate forbade; a limit in money is shown as such."""
    for device, seen in evidence.journals.items():
        for remark in seen.folded.remarks:
            is_money = remark.code in (folding.OVER_TOTAL, folding.OVER_RECEIVED_TOTAL)
            show = money if is_money else str
            values = {"came_to": show(remark.came_to), "allowed": show(remark.allowed)}
            yield finding(Code(remark.code), device, [remark.record], **values)


def _problems(evidence: Evidence) -> Iterator[Finding]:
    for device, problems in evidence.problems.items():
        for problem in problems:
            record, signer = texts.short(problem.record), texts.short(problem.signer)
            code = Code(problem.code)
            yield finding(code, device, [problem.record], record=record, signer=signer)


def _contradictions(evidence: Evidence) -> Iterator[Finding]:
    """What a device may say once and said twice: each pair of signatures is a proof."""
    for (device, kind, subject), messages_by_hash in evidence.said.items():
        hashes = sorted(messages_by_hash)
        if len(hashes) == 1:
            continue
        if kind == proof.ANSWERS:
            kinds = {type(signed.message) for signed in messages_by_hash.values()}
            if len(kinds) == 2 and isinstance(subject, bytes):
                paid = texts.short(subject)
                yield finding(Code.VOID_AND_HONOURED, device, hashes, payment=paid)
        else:
            code = Code.DUPLICATE_OFFER if kind == proof.OFFERS else Code.DUPLICATE_PAYMENT
            yield finding(code, device, hashes, counter=subject, count=len(hashes))


def _closings(evidence: Evidence) -> Iterator[Finding]:
    for payment_hash, end in evidence.closings.items():
        for entry, _ in end.honoured:
            known = evidence.archive.devices.get(entry.record.device)
            if known is not None and not matching.is_right_closing(entry, known):
                yield finding(
                    Code.WRONG_CLOSING,
                    known.id,
                    [entry.record.hash],
                    payment=texts.short(payment_hash),
                )


def _issued(evidence: Evidence) -> Iterator[Finding]:
    """A load or certificate that is not in the ledger's own book raises an alarm (§7)."""
    known = {(statement.device, statement.hash) for statement in evidence.archive.issued}
    for (device, message_hash), signed in evidence.issued.items():
        if (device, message_hash) not in known:
            number = signed.message.number
            yield finding(Code.UNKNOWN_LOAD, device, [message_hash], number=number)
    for record_hash, (device, raw) in evidence.certificates.items():
        if evidence.archive.devices[device].raw != raw:
            yield finding(Code.UNKNOWN_CERTIFICATE, device, [record_hash])


def _payments(evidence: Evidence) -> Iterator[Finding]:
    for payment_hash, payment in evidence.payments.items():
        message = payment.message
        amount = messages.total(message.amounts)
        offer = evidence.offers.get(message.offer_hash)
        if offer is not None and not _answers(payment, offer):
            asked = money(offer.message.amount)
            yield finding(
                Code.AMOUNT_MISMATCH, payment.kid, [payment_hash], paid=money(amount), asked=asked
            )
        payer = evidence.archive.devices[payment.kid]
        limit = payer.certificate.limits.payment
        if amount > limit:
            yield finding(
                Code.OVER_LIMIT, payer.id, [payment_hash], paid=money(amount), limit=money(limit)
            )
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


def _refunds(evidence: Evidence) -> Iterator[Finding]:
    """Of what was not paid, and of more than was paid, scope by scope."""
    back: dict[bytes, tuple[Signed, dict[int, int], list[bytes]]] = {}
    for refund_hash, refund in evidence.refunds.items():
        payment = evidence.payments.get(refund.message.payment_hash)
        amount = messages.total(refund.message.amounts)
        if payment is None or payment.message.payee != refund.kid:
            yield finding(Code.WRONG_REFUND, refund.kid, [refund_hash], paid=money(amount))
            continue
        of = back.setdefault(payment.hash, (payment, {}, []))
        of[2].append(refund_hash)
        for scope, part in refund.message.amounts:
            of[1][scope] = of[1].get(scope, 0) + part
    for payment, given, hashes in back.values():
        paid = dict(payment.message.amounts)
        if any(part > paid.get(scope, 0) for scope, part in given.items()):
            values = {"paid": money(sum(paid.values())), "given": money(sum(given.values()))}
            yield finding(Code.OVER_REFUNDED, payment.message.payee, sorted(hashes), **values)


def _balances(evidence: Evidence, positions: Iterable[Position]) -> Iterator[Finding]:
    """What is booked on a purse's shadow is what the device's own records add up to, once its
    journal is as far as its signatures that others brought."""
    booked = balances.of_purses(evidence, positions)
    for device, seen in evidence.journals.items():
        chain = seen.chain
        if chain.head is None or chain.forked_at or seen.folded.broken:
            continue
        if booked.get(device, {}) != seen.folded.state.balances:
            yield finding(
                Code.BALANCE_DIFFERS,
                device,
                [chain.head.hash],
                booked=money(sum(booked.get(device, {}).values())),
                held=money(seen.folded.state.balance()),
            )


def _debts(evidence: Evidence, positions: Iterable[Position]) -> Iterator[Finding]:
    """A claim against a lost device that came after its value was returned is its holder's."""
    for owed in losses.owed(evidence, positions):
        yield finding(Code.DEBT, owed.device, owed.awards, home=owed.home, owed=money(owed.amount))
