# SPDX-License-Identifier: Apache-2.0
"""One tap as the payee leads it, without any radio (PROTOCOL.md §5).

`collect` is a generator: it yields a C-APDU (bytes) and is sent the R-APDU, or yields a number of
milliseconds and is sent None. A fault of the transport ends it from outside; it holds nothing that
is not in the journal, so the next touch starts anew. A tap can end in seven ways:

1. PAID: the payment is closed by C or S and the card has answered the receipt.
2. Torn, and `paid` is set: closed by C or S, but the card may not have the receipt. It is paid;
   touching again only hands the receipt over.
3. FINISHED: a payment that an earlier touch left half-way is closed now. No amount was asked, or
   the very amount that was paid: the same amount of the same card is the same sale.
4. NOT_ARMED: the card is there, its holder has not pressed.
5. CONFIRM: the card shows amount and name; press there and touch again.
6. REFUSED: with the reason's status word; nothing is under way.
7. Torn (an exception of the transport), and `paid` is not set. Touch again.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import apdu, commands, messages, news, status
from duotap.certificate import ROLE_STAND, key_id
from duotap.errors import Refusal
from duotap.payee import OFFERS_PER_ENTRY

if TYPE_CHECKING:
    from typing import Any, Generator

    from duotap.payee import Payee

PAID = "paid"
FINISHED = "finished"
NOT_ARMED = "not armed"
CONFIRM = "confirm"
REFUSED = "refused"
REFUNDED = "refunded"  # of duotap.refunding; a status word says why the card does not have it yet
RESULT_TRIES = 8  # GET RESULT again while the card still computes; 8 x 0.8 s is a stuck card
WAIT_MAX_MS = 3_000  # the slowest board verifies and signs in less; a card that lies is not obeyed

# How a tap ended: kind, status word (0: none), amount that was closed, payer's device id.
Outcome = namedtuple("Outcome", "kind sw amount payer")


class Tap:
    """The payee's side of touches for one entered amount."""

    def __init__(self, payee: Payee) -> None:
        self.payee = payee
        self.device = payee.device
        # (offer hash, payer) whose receipt or void no card has acknowledged; after a boot: maybe.
        state = self.device.purse.state
        self.owed = [entry for entry in (state.last_closed, state.last_unpaid) if entry[0]]
        self.asked = 0  # offers made for the entered amount
        self.paid: Outcome | None = None  # the entered amount is closed: never asked again
        self.busy_ms = 0  # how long the card is busy with what it was handed last

    def collect(self, amount: int) -> Generator[Any, Any, Outcome]:
        """Ask the card that is here for `amount`; 0: only finish. See the module's seven ways."""
        try:
            return (yield from self._collect(amount))
        except Refusal as refusal:
            if self.paid is not None:
                return self.paid  # whatever the card says of its receipt
            kind = CONFIRM if refusal.sw == status.CONFIRM else REFUSED
            return Outcome(kind, refusal.sw, 0, b"")

    def news(self) -> Generator[Any, Any, bytes]:
        """Led with the same card after PAID, if it is still there: what both have to tell. Returns
        a statement to be taken (duotap.notices), or nothing."""
        try:
            yield min(self.busy_ms, WAIT_MAX_MS)
            return (yield from news.trade(self.device.purse))
        except Refusal:
            return b""

    def _collect(self, amount: int) -> Generator[Any, Any, Outcome]:
        before = self.device.purse.state.open_offer
        if amount and before is not None and before.amount != amount:
            self.payee.cancel()  # of a sale that was given up; the same amount is the same sale
            self._owe(before.hash, before.payer)
        fci = yield from self._select()
        finished = yield from self._finish(fci)
        if self.paid is not None:
            return self.paid
        if not amount or (finished is not None and finished.amount == amount):
            return finished or Outcome(NOT_ARMED, 0, 0, b"")
        if not fci.flags & commands.ARMED and self.device.own().role == ROLE_STAND:
            yield from self._put_certificate()
            fci = yield from self._select()
        if not fci.flags & commands.ARMED:
            return Outcome(NOT_ARMED, status.WRONG_STATE, 0, b"")
        payer = yield from self._certificate(fci.certificate_hash)
        if key_id(payer.public) != fci.device:
            raise Refusal(status.NOT_THIS_DEVICE, "certificate of another card")
        asked = self._ask(payer, fci, amount)
        offer_hash = messages.decode(asked, messages.Offer).hash
        payment = yield from self._payment(asked, offer_hash)
        return (yield from self._close(payment, offer_hash, fci.device))

    def _ask(self, payer: Any, fci: commands.Fci, amount: int) -> bytes:
        """At most OFFERS_PER_ENTRY different offers for one entered amount."""
        before = self.device.purse.state.open_offer
        if self.asked >= OFFERS_PER_ENTRY and not self.payee.is_open(fci, amount):
            raise Refusal(status.WRONG_STATE, "too many cards: enter the amount again")
        offer = self.payee.ask(payer, fci.device, fci.payment_counter, amount)
        self.asked += before is None or before.raw != offer
        return offer

    def _select(self) -> Generator[Any, Any, commands.Fci]:
        raw = yield from apdu.exchange(commands.CLA_ISO, commands.SELECT, 0x04, 0x00, commands.AID)
        return commands.decode_fci(raw)

    def _finish(self, fci: commands.Fci) -> Generator[Any, Any, Outcome | None]:
        """Close what an earlier touch with this card left half-way, if anything."""
        state = self.device.purse.state
        found = None
        entries = list(self.owed)
        if state.open_offer is not None:
            entries.append((state.open_offer.hash, state.open_offer.payer))
        for offer_hash, payer in entries:
            if fci.device and fci.device != payer:
                continue
            offer = state.open_offer
            unpaid = fci.device and offer is not None and offer.hash == offer_hash
            if unpaid and offer is not None and fci.payment_counter == offer.payment_counter:
                continue  # the card has not paid it yet
            try:
                raw = yield from _command(commands.GET_OPEN, offer_hash)
            except Refusal as refusal:
                if refusal.sw != status.UNKNOWN_REFERENCE:
                    raise
                continue
            found = yield from self._close(raw, offer_hash, payer)
        return found

    def _close(
        self, payment: bytes, offer_hash: bytes, payer: bytes
    ) -> Generator[Any, Any, Outcome]:
        """Decide a payment, commit, and hand the answer over."""
        paid = messages.decode(payment, messages.Payment).message
        if paid.offer_hash != offer_hash:
            raise Refusal(status.NOT_NEXT, "payment of another offer")
        if self.device.peers.by_id(payer) is None:
            yield from self._certificate(b"")
        offer = self.device.purse.state.open_offer
        closing = self.payee.take(payment)
        answer = messages.decode(closing, messages.Receipt, messages.Void).message
        honoured = isinstance(answer, messages.Receipt)
        outcome = Outcome(FINISHED, 0, messages.total(paid.amounts) if honoured else 0, payer)
        if offer is not None and offer.hash == offer_hash:
            outcome = Outcome(PAID, 0, offer.amount, payer)
            self.paid = outcome
        self._owe(offer_hash, payer)
        try:
            busy = yield from self._with_certificate(commands.PUT_CLOSING, closing)
            self.busy_ms = int.from_bytes(busy[:2], "big")
        except Refusal as refusal:
            if refusal.sw != status.ASK_LEDGER:
                raise  # else a void that this card takes from the ledger only
        self._settled(offer_hash)
        return outcome

    def _owe(self, offer_hash: bytes, payer: bytes) -> None:
        """The answer is committed; until a card has it, the next touches look for it."""
        self._settled(offer_hash)
        self.owed = self.owed[-2:] + [(offer_hash, payer)]

    def _settled(self, offer_hash: bytes) -> None:
        self.owed = [entry for entry in self.owed if entry[0] != offer_hash]

    def _certificate(self, certificate_hash: bytes) -> Generator[Any, Any, Any]:
        """The card's certificate, verified; ours is sent first if the card lacks it, so that
        both verify at the same time."""
        known = self.device.peers.by_hash(certificate_hash)
        if known is not None:
            return known
        raw = yield from _command(commands.GET_CERTIFICATE, self.device.certificate_hash)
        if raw[:1] == b"\x01":
            yield from self._put_certificate()
        return self.device.peers.learn(raw[1:])

    def _put_certificate(self) -> Generator[Any, Any, None]:
        yield from _command(commands.PUT_CERTIFICATE, self.device.certificate_raw)

    def _payment(self, offer: bytes, offer_hash: bytes) -> Generator[Any, Any, bytes]:
        answer = yield from self._with_certificate(commands.OFFER, offer)
        wait_ms = int.from_bytes(answer[:2], "big")
        for _ in range(RESULT_TRIES):
            if wait_ms:
                yield min(wait_ms, WAIT_MAX_MS)
            answer = yield from _command(commands.GET_RESULT, offer_hash)
            if answer[:1] == b"\x01":
                return answer[1:]
            wait_ms = int.from_bytes(answer[1:3], "big")
        raise Refusal(status.WRONG_STATE, "the card does not come to a result")

    def _with_certificate(self, ins: int, message: bytes) -> Generator[Any, Any, bytes]:
        """Send a message; if the card does not know us any more, our certificate and it again."""
        try:
            return (yield from _command(ins, message))
        except Refusal as refusal:
            if refusal.sw != status.UNKNOWN_REFERENCE:
                raise
        yield from self._put_certificate()
        return (yield from _command(ins, message))


def _command(ins: int, message: bytes) -> Generator[Any, Any, bytes]:
    return (yield from apdu.exchange(commands.CLA, ins, 0, 0, message))
