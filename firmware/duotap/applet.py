# SPDX-License-Identifier: Apache-2.0
"""The card's applet over radio: commands in, answers out (PROTOCOL.md §5, column R).

`answer` is quick and changes nothing that costs a signature; `work` does the rest and is called
when the answer has left the chip and no other has been fetched, so that flash is programmed while
the line is quiet. It knows APDUs, not frames; an activation begins with `begin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import apdu, certificate, commands, messages, news, status
from duotap.certificate import ROLE_STAND
from duotap.commands import Fci
from duotap.errors import Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.payer import Payer

EVENTS_MAX = 8  # what the screen has not shown yet; older ones are dropped


class Applet:
    """The commands of a listener. `events` tells the screen what happened, oldest first."""

    def __init__(self, payer: Payer, events: list[tuple[Any, ...]] | None = None) -> None:
        self.payer = payer
        self.device = payer.device
        self.events: list[tuple[Any, ...]] = [] if events is None else events
        self.chaining = apdu.Chaining()
        self.answers = apdu.Answers()
        self.begin()

    def begin(self) -> None:
        """A new activation: whoever is there now has shown nothing yet."""
        self.knows = False  # presented the hash of an open payment's offer
        self.stand = False  # presented a verified certificate of role stand
        self.selected = False
        self.closed = False  # brought a receipt or void: news may be told
        self.waiting = b""  # certificate that work() verifies
        self.news = b""  # statement that work() takes
        self.refunds: Any = None  # since one came
        self.chaining.reset()
        self.answers.reset()

    def answer(self, raw: bytes) -> bytes:
        """The R-APDU to a C-APDU. Never raises for what comes from outside."""
        try:
            command = apdu.parse(raw)
            if command.ins == commands.GET_RESPONSE and command.cla == commands.CLA_ISO:
                return self.answers.next(command.le)
            self._refuse_unknown(command)
            whole = self.chaining.add(command)
            if whole is None:
                return apdu.response(b"", status.OK)
            return self.answers.start(self._serve(whole), whole.le)
        except Refusal as refusal:
            return apdu.response(b"", refusal.sw)

    def _refuse_unknown(self, command: Any) -> None:
        """Readers that probe for other cards send what looks like a part of a chain (90 60)."""
        if command.cla == commands.CLA_ISO:
            known = command.ins == commands.SELECT
        elif command.cla & ~commands.CLA_CHAINED == commands.CLA:
            known = self.selected and command.ins in SERVE
        else:
            raise Refusal(status.UNKNOWN_CLA, "unknown class")
        if not known:
            raise Refusal(status.UNKNOWN_INS, "unknown instruction")

    def _serve(self, command: Any) -> bytes:
        if command.cla == commands.CLA_ISO:
            return self.select(command)
        serve = SERVE[command.ins]
        if (command.p1, command.p2) != (0, 0):
            raise Refusal(status.WRONG_P1P2, "wrong P1 P2")
        return serve(self, command.data)

    def select(self, command: Any) -> bytes:
        """The FCI; unarmed it says no more than that a card is here."""
        self.selected = command.data == commands.AID and command.p1 == 0x04
        if not self.selected:
            raise Refusal(status.NOT_FOUND, "not this application")
        device = self.device
        if not self._shown():
            return commands.encode_fci(Fci(commands.VERSION, commands.DISPLAY, b"", b"", 0))
        return commands.encode_fci(
            Fci(
                commands.VERSION,
                commands.DISPLAY | commands.ARMED,
                device.id,
                device.certificate_hash,
                device.purse.state.next_payment,
            )
        )

    def _shown(self) -> bool:
        """Whether id and certificate are given: armed, or payable without a press by a stand."""
        device = self.device
        if device.certificate is None:
            return False
        return device.consent.armed or (self.stand and device.effective.nobutton.count > 0)

    def get_certificate(self, data: bytes) -> bytes:
        """Flag (1: the asker's is unknown here) and this card's certificate."""
        if not (self._shown() or self.knows):
            raise Refusal(status.WRONG_STATE, "not armed")
        unknown = len(data) == 16 and self.device.peers.by_hash(data) is None
        return bytes([1 if unknown else 0]) + self.device.certificate_raw

    def put_certificate(self, data: bytes) -> bytes:
        """Taken; work() verifies it before the next command is looked at."""
        if self.device.peers.by_hash(certificate.certificate_hash(data)) is None:
            certificate.decode_certificate(data)
        self.waiting = data
        return b""

    def offer(self, data: bytes) -> bytes:
        """The ms that the payee should wait before it asks for the result."""
        self._refuse_unshown()
        try:
            return self.payer.offer(data).to_bytes(2, "big")
        except Refusal as refusal:
            if refusal.sw != status.UNKNOWN_REFERENCE:  # else a certificate comes, and it again
                self._tell("refused", refusal.sw, 0, b"")
            raise

    def get_result(self, data: bytes) -> bytes:
        """00 and ms to wait, or 01 and the payment."""
        return self.payer.result(data)

    def get_open(self, data: bytes) -> bytes:
        """The stored payment of the offer whose hash is presented, armed or not."""
        payment = self.payer.stored(data)
        self.knows = True
        return payment

    def put_closing(self, data: bytes) -> bytes:
        """Taken; work() verifies and journals it. The ms for which the card is busy with it."""
        self.payer.close(data)
        self.closed = True
        busy_ms = 0 if self.payer.closing is None else self.device.busy_ms()
        return busy_ms.to_bytes(2, "big")

    def get_news(self, data: bytes) -> bytes:
        """How far this card's knowledge goes, and a statement that the asker lacks."""
        self._refuse_unclosed()
        return news.answer(self.device.purse, data)

    def put_news(self, data: bytes) -> bytes:
        """Taken; work() verifies and journals it."""
        self._refuse_unclosed()
        if len(data) > news.NEWS_MAX:
            raise Refusal(status.WRONG_LENGTH, "statement is too long for a tap")
        self.news = data
        return b""

    def put_refund(self, data: bytes) -> bytes:
        """Taken; work() decides, and the stand asks again."""
        if self.refunds is None:
            self._refuse_unshown()
            from duotap.refunds import Refunds

            self.refunds = Refunds(self.device)
        return bytes(self.refunds.put(data))

    def _refuse_unclosed(self) -> None:
        if not self.closed:
            raise Refusal(status.WRONG_STATE, "news follow a receipt")

    def _refuse_unshown(self) -> None:
        if not self._shown():
            raise Refusal(status.WRONG_STATE, "not armed")

    def work(self) -> None:
        """What was promised by the last answers, now that the line is quiet."""
        if self.waiting:
            self._learn()
        if self.payer.work():
            self._tell_offer()
        closing = self.payer.closing
        if closing is not None:
            self._settle(closing)
        if self.news:
            self._take_news()
        if self.refunds is not None and self.refunds.pending is not None:
            stand = self.refunds.pending.kid
            amount = self.refunds.work()
            if amount:
                self.device.consent.disarm()
                self._tell("refunded", 0, amount, stand)

    def leave(self) -> None:
        """The payee is gone. A closing that was acknowledged is journalled; an offer that waits is
        dropped, since nothing was promised yet."""
        self.payer.pending = None
        self.waiting = b""
        self.work()

    def _learn(self) -> None:
        raw, self.waiting = self.waiting, b""
        try:
            peer = self.device.peers.learn(raw)
        except Refusal as refusal:
            self._tell("refused", refusal.sw, 0, b"")
            return
        self.stand = self.stand or peer.role == ROLE_STAND

    def _take_news(self) -> None:
        """Known, wrong or out of order: nobody waits for the answer."""
        from duotap.notices import take

        raw, self.news = self.news, b""
        try:
            take(self.device, raw)
        except Refusal:
            pass

    def _tell_offer(self) -> None:
        payer = self.payer
        if payer.outcome is None:
            payment = self.device.purse.state.open_payments[-1]
            self._tell("paying", 0, messages.total(payment.amounts), payment.payee)
        elif payer.outcome.sw == status.CONFIRM and self.device.consent.asked is not None:
            _, amount, payee = self.device.consent.asked
            self._tell("confirm", status.CONFIRM, amount, payee)
        else:
            self._tell("refused", payer.outcome.sw, 0, b"")

    def _settle(self, closing: Any) -> None:
        payment = self.payer.find(closing.message.payment_hash)
        try:
            self.payer.settle()
        except Refusal as refusal:
            self._tell("refused", refusal.sw, 0, b"")
            return
        if payment is not None:
            void = isinstance(closing.message, messages.Void)
            amount = messages.total(payment.amounts)
            self._tell("returned" if void else "paid", 0, amount, payment.payee)

    def _tell(self, kind: str, sw: int, amount: int, peer: bytes) -> None:
        if len(self.events) >= EVENTS_MAX:
            self.events.pop(0)
        self.events.append((kind, sw, amount, peer))


SERVE = {
    commands.GET_CERTIFICATE: Applet.get_certificate,
    commands.PUT_CERTIFICATE: Applet.put_certificate,
    commands.OFFER: Applet.offer,
    commands.GET_RESULT: Applet.get_result,
    commands.GET_OPEN: Applet.get_open,
    commands.PUT_CLOSING: Applet.put_closing,
    commands.GET_NEWS: Applet.get_news,
    commands.PUT_NEWS: Applet.put_news,
    commands.PUT_REFUND: Applet.put_refund,
}
