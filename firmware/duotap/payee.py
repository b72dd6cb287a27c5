# SPDX-License-Identifier: Apache-2.0
"""The payee: one open offer, and what becomes of it (PROTOCOL.md §8.1).

An offer that was opened ends in one of three ways: C (credited, role person), S (taken to account,
role stand) or V (closed unpaid, written before the next offer, sends nothing). Any other payment
gets the answer that the journal holds, a void if its offer was closed by V, or "ask the ledger";
never a new decision. Payments come by tap or are brought by the ledger; the rules are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import limits, messages, records, states, status
from duotap.certificate import ROLE_STAND
from duotap.errors import Refusal
from duotap.fold import open_offer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from duotap.device import Device
    from duotap.fold import OpenOffer

OFFER_PAGES = 1 + 3  # the offer, and its credit or account
LATE_PAGES = 2  # a late void or a conflict; it comes again when there is room
UNPAID_WRITTEN = 50  # since the last checkpoint; beyond, 1,000 sales would not fit any more
OFFERS_PER_ENTRY = 3  # offers for one entered amount; then the merchant presses again


class Payee:
    """One device in the role of payee."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def ask(self, payer: Any, payer_id: bytes, payment_counter: int, amount: int) -> bytes:
        """The offer for this card and amount: the open one if it is the same, else a new one.

        `payer` is the card's verified certificate. Raises Refusal before anything is journalled.
        """
        device = self.device
        state = device.purse.state
        self.check(payer, amount)
        offer = state.open_offer
        if offer is not None:
            if _matches(offer, payer_id, payment_counter, amount):
                states.step(states.PAYEE, states.OPEN, states.ASK)
                return bytes(offer.raw)
            self.cancel()
        kinds, _ = states.step(states.PAYEE, states.NONE, states.ASK)
        scopes, epoch = device.own().scopes, state.list_epochs()[-1]
        is_written = state.unpaid < UNPAID_WRITTEN
        counter = state.next_offer
        if not is_written:
            from duotap.reserved import number

            counter = number(device.purse)
        raw = device.sign(
            messages.Offer(payer_id, payment_counter, counter, amount, scopes, epoch)
        )
        if is_written:
            device.purse.commit(kinds[0], raw)
        else:
            state.open_offer = open_offer(0, raw)
        return raw

    def is_open(self, fci: Any, amount: int) -> bool:
        """Whether the open offer is for this card, its next payment and this amount."""
        offer = self.device.purse.state.open_offer
        return offer is not None and _matches(offer, fci.device, fci.payment_counter, amount)

    def check(self, payer: Any, amount: int) -> None:
        """Refuse an offer that this device, this card or their limits do not allow."""
        device = self.device
        state, own = device.purse.state, device.own()
        device.check_usable()
        device.check_peer(payer)
        age = limits.list_age(state, own)
        limits.check_receive(state, device.effective.limits, payer, amount, age)
        if own.role != ROLE_STAND:
            limits.check_balance(state, device.effective.limits, amount)
        device.purse.check_room(OFFER_PAGES)

    def cancel(self) -> None:
        """V: close the open offer unpaid. Nothing open: nothing happens."""
        offer = self.device.purse.state.open_offer
        if offer is None:
            return
        kinds, _ = states.step(states.PAYEE, states.OPEN, states.CANCEL)
        if offer.sequence:
            self.device.purse.commit(kinds[0], offer.counter, offer.hash)
        else:  # its number is reserved: that no other record has it says the same
            state = self.device.purse.state
            state.last_unpaid, state.open_offer = (offer.hash, offer.payer), None

    def take(self, raw: bytes) -> bytes:
        """Decide a payment, or repeat what was decided. Returns the receipt or void to send.

        The payer's certificate must be among the peers (6A88). Raises Refusal(9A0A) for what only
        the ledger can decide.
        """
        device = self.device
        signed = messages.decode(raw, messages.Payment)
        if signed.message.payee != device.id:
            raise Refusal(status.NOT_THIS_DEVICE, "payment names another payee")
        payer = device.peers.by_id(signed.kid)
        if payer is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the payer first")
        offer = device.purse.state.open_offer
        if offer is not None and offer.hash == signed.message.offer_hash:
            return self._close(signed, payer, offer)
        return self._closed(signed, payer)

    def _close(self, signed: Any, payer: Any, offer: Any) -> bytes:
        """C or S: the payment of the open offer."""
        device, payment = self.device, signed.message
        if (payment.payment_counter, signed.kid) != (offer.payment_counter, offer.payer):
            raise Refusal(status.NOT_NEXT, "not the payment that the offer names")
        if (
            payment.offer_counter != offer.counter
            or messages.total(payment.amounts) != offer.amount
        ):
            raise Refusal(status.MALFORMED, "payment does not match its offer")
        own = device.own()
        if any(scope and scope not in own.scopes for scope, _ in payment.amounts):
            raise Refusal(status.SCOPE, "scope that the offer does not take")
        device.verify(signed, payer)
        credit, account = states.step(states.PAYEE, states.OPEN, states.PAID)[0]
        stand = own.role == ROLE_STAND
        verdict = messages.TAKEN if stand else messages.CREDITED
        receipt = device.sign(messages.Receipt(signed.hash, verdict))
        kind = account if stand else credit
        if not offer.sequence:
            device.purse.commit(records.OFFER, offer.raw)
        device.purse.commit(kind, signed.raw, receipt, payer.rollback_class)
        return receipt

    def _closed(self, signed: Any, payer: Any) -> bytes:
        """A payment whose offer is not open: repeat, void, keep as proof, or refuse."""
        now = states.OPEN if self.device.purse.state.open_offer else states.NONE
        offer_hash = signed.message.offer_hash
        unpaid, other = False, False
        for kind, body in self._closings():
            if kind == records.UNPAID:
                unpaid = unpaid or records.unpack(kind, body)[1] == offer_hash
                continue
            if kind == records.CONFLICT:
                other = other or _offer_of(body) == offer_hash
                continue
            payment_raw, answer = records.unpack(kind, body)[:2]
            kept = messages.decode(payment_raw, messages.Payment)
            if kept.hash == signed.hash:
                states.step(states.PAYEE, now, states.REPEAT)
                return bytes(answer)
            if _is_same_offer(kept, signed):
                return self._conflict(signed, payer, now, other)
        if unpaid or self._unpaid_before(signed):
            return self._void(signed, payer, now)
        raise Refusal(status.ASK_LEDGER, "ask the ledger")

    def _closings(self) -> Iterator[tuple[int, bytes]]:
        purse = self.device.purse
        kinds = (
            records.CREDIT,
            records.ACCOUNT,
            records.UNPAID,
            records.LATE_VOID,
            records.CONFLICT,
        )
        last = purse.journal.next_sequence - 1
        for _, kind, body in purse.journal.walk(last, backwards=True, types=kinds):
            yield kind, body

    def _unpaid_before(self, signed: Any) -> bool:
        """Whether the base says that V closed this offer before its records were pruned, or its
        number was reserved and never written."""
        from duotap.reserved import has

        purse = self.device.purse
        return purse.base_has(signed.message.offer_hash) or has(
            purse, signed.message.offer_counter
        )

    def _void(self, signed: Any, payer: Any, now: int) -> bytes:
        """The first payment of an offer that V closed: journalled, not honoured."""
        kinds, _ = states.step(states.PAYEE, now, states.LATE)
        self.device.purse.check_room(LATE_PAGES)
        self.device.verify(signed, payer)
        void = self.device.sign(messages.Void(signed.hash))
        self.device.purse.commit(kinds[0], signed.raw, void)
        return void

    def _conflict(self, signed: Any, payer: Any, now: int, kept: bool) -> bytes:
        """A second, different payment of one closed offer: kept once, as proof."""
        kinds, _ = states.step(states.PAYEE, now, states.OTHER)
        if not kept:
            self.device.purse.check_room(LATE_PAGES)
            self.device.verify(signed, payer)
            self.device.purse.commit(kinds[0], signed.raw)
        raise Refusal(status.ASK_LEDGER, "another payment of this offer is kept")


def _matches(offer: OpenOffer, payer_id: bytes, payment_counter: int, amount: int) -> bool:
    wanted = (payer_id, payment_counter, amount)
    return bool((offer.payer, offer.payment_counter, offer.amount) == wanted)


def _is_same_offer(kept: Any, signed: Any) -> bool:
    """Of an offer that was never written a payee knows the number only; a hash that was made up
    for it gives no second void."""
    paid, other = kept.message, signed.message
    if paid.offer_hash == other.offer_hash:
        return True
    return bool((paid.offer_counter, kept.kid) == (other.offer_counter, signed.kid))


def _offer_of(raw: bytes) -> bytes:
    return bytes(messages.decode(raw, messages.Payment).message.offer_hash)
