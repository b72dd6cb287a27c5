# SPDX-License-Identifier: Apache-2.0
"""The payer: offers in, payments out, closings in (PROTOCOL.md §5, §8.1).

An offer is looked at when it comes (cheap checks, at once), worked on when the answer is out
(verification, signature, commit) and answered when the payee asks for the result. So no answer
waits for a signature. A closing is taken the same way: accepted at once, verified and journalled
when nobody waits. What is only in RAM here may be lost at any moment: before the commit nothing
has been promised, after it the journal answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import limits, messages, records, states, status
from duotap.certificate import CLASS_BOUND, key_id
from duotap.errors import Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device
    from duotap.fold import OpenPayment

PAYMENT_PAGES = 3 + 1  # the payment with its offer, and its closing
RECENT = 16  # records; a payee that lost our answer repeats its closing at the next touch


class Payer:
    """One device in the role of payer."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.pending: Any = None  # signed offer that waits for work()
        self.outcome: Refusal | None = None  # what became of the last offer
        self.outcome_of = b""  # hash of that offer
        self.closing: Any = None  # signed receipt or void that waits for settle()

    def offer(self, raw: bytes) -> int:
        """Take an offer. Returns the ms until its result; 0: it is there already.

        Raises Refusal: 6985, 6A80, 6A84, 6A88 (payee's certificate first), 9Axx.
        """
        device = self.device
        signed = messages.decode(raw, messages.Offer)
        if device.purse.state.find_payment(signed.hash):
            states.step(states.PAYER, states.OPEN, states.REPEAT)
            return 0
        payee = device.peers.by_id(signed.kid)
        if payee is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the payee first")
        self._check(signed, payee)
        self.pending = signed
        self.outcome = None
        return device.busy_ms()

    def _check(self, signed: Any, payee: Any) -> None:
        device, offer = self.device, signed.message
        state = device.purse.state
        device.check_usable()
        device.check_peer(payee)
        if offer.payer != device.id:
            raise Refusal(status.NOT_THIS_DEVICE, "offer names another payer")
        if offer.payment_counter != state.next_payment:
            raise Refusal(status.NOT_NEXT, "offer does not name the next payment")
        limits.check_payment(state, device.effective.limits, offer.amount)
        if not device.consent.armed:
            limits.check_nobutton(state, device.effective.nobutton, payee, offer.amount)
        device.purse.check_room(PAYMENT_PAGES)

    def work(self) -> bool:
        """Verify the pending offer, decide, sign and commit. False: there was nothing to do."""
        signed, self.pending = self.pending, None
        if signed is None:
            return False
        self.outcome_of = signed.hash
        try:
            self._pay(signed)
        except Refusal as refusal:
            self.outcome = refusal
        return True

    def _pay(self, signed: Any) -> None:
        device, offer = self.device, signed.message
        state = device.purse.state
        payee = device.peers.by_id(signed.kid)
        if payee is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the payee first")
        self._check(signed, payee)
        device.verify(signed, payee)
        pressed = device.consent.armed
        if pressed and not device.consent.allows(signed.hash, offer.amount):
            device.consent.ask(signed.hash, offer.amount, signed.kid)
            raise Refusal(status.CONFIRM, "confirm on the card, then touch again")
        kept = limits.unspendable(state, device.own())
        amounts = limits.spend(state, _scopes(offer, payee), offer.amount, kept)
        kinds, _ = states.step(states.PAYER, states.NONE, states.OFFER)
        payment = messages.Payment(
            offer.payment_counter,
            signed.kid,
            offer.offer_counter,
            amounts,
            signed.hash,
            device.purse.journal.head_hash,
        )
        device.purse.commit(kinds[0], device.sign(payment), signed.raw, pressed)
        device.consent.disarm()

    def result(self, offer_hash: bytes) -> bytes:
        """Answer to GET RESULT. Raises the Refusal that the work ended with, or 6A88."""
        payment = self.device.purse.state.find_payment(offer_hash)
        if payment is not None:
            return b"\x01" + bytes(payment.raw)
        if self.pending is not None and self.pending.hash == offer_hash:
            return b"\x00" + self.device.busy_ms().to_bytes(2, "big")
        if self.outcome is not None and self.outcome_of == offer_hash:
            raise self.outcome
        raise Refusal(status.UNKNOWN_REFERENCE, "no such offer")

    def stored(self, offer_hash: bytes) -> bytes:
        """The open payment of an offer, as committed. Raises Refusal 6A88."""
        payment = self.device.purse.state.find_payment(offer_hash)
        if payment is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "no open payment of this offer")
        return bytes(payment.raw)

    def close(self, raw: bytes, by_tap: bool = True) -> None:
        """Take a receipt or void; settle() verifies and journals it.

        Raises Refusal: 6A88 (payee's certificate first), 9A0A (a void that only the ledger may
        bring), 9A0E (signed by another than the payee). A closing that was taken before: nothing.
        """
        signed = messages.decode(raw, messages.Receipt, messages.Void)
        payment = self.find(signed.message.payment_hash)
        if payment is None:
            self._check_closed(signed, by_tap)
            return
        if signed.kid != payment.payee:
            raise Refusal(status.NOT_THIS_DEVICE, "not signed by the payee")
        payee = self.device.peers.by_id(payment.payee)
        if payee is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the payee first")
        void = isinstance(signed.message, messages.Void)
        if void and by_tap and payee.rollback_class != CLASS_BOUND:
            raise Refusal(status.ASK_LEDGER, "a void of this payee comes from the ledger")
        self.closing = signed

    def settle(self) -> bool:
        """Verify and commit the closing that waits. False: there was nothing to do.

        Raises Refusal(9A0D) if its signature is wrong: the payment stays open.
        """
        signed, self.closing = self.closing, None
        if signed is None:
            return False
        payment = self.find(signed.message.payment_hash)
        payee = self.device.peers.by_id(signed.kid)
        if payment is None or payee is None or key_id(payee.public) != payment.payee:
            return True
        self.device.verify(signed, payee)
        void = isinstance(signed.message, messages.Void)
        event = states.VOID if void else states.RECEIPT
        kinds, _ = states.step(states.PAYER, states.OPEN, event)
        self.device.purse.commit(kinds[0], signed.raw)
        return True

    def find(self, payment_hash: bytes) -> OpenPayment | None:
        """The open payment with this message hash, if there is one."""
        for payment in self.device.purse.state.open_payments:
            if payment.payment_hash == payment_hash:
                return payment
        return None

    def _check_closed(self, signed: Any, by_tap: bool) -> None:
        """Over a tap only what is recent: a stranger must not make a card read all its journal."""
        journal = self.device.purse.journal
        last = journal.next_sequence - 1
        lowest = last - RECENT if by_tap else 0
        types = () if by_tap else (records.CLOSING,)
        for at, kind, body in journal.walk(last, backwards=True, types=types):
            if at < lowest:
                break
            if kind == records.CLOSING and bytes(body) == signed.raw:
                return
        raise Refusal(status.UNKNOWN_REFERENCE, "no such payment")


def _scopes(offer: Any, payee: Any) -> tuple[int, ...]:
    """Scopes that the certificate names and the offer did not take out."""
    return tuple([scope for scope in offer.scopes if scope in payee.scopes])
