# SPDX-License-Identifier: Apache-2.0
"""The stand's side of a refund: one tap that gives value back to the card that paid (PROTOCOL.md
§8.5). Imported late, when a merchant asks for it.

It gives what the stand's own journal shows that it took from this card, less what it gave back,
own money first, out of what was loaded onto the stand. The refund is committed before it is sent;
a touch that was torn is ended by the next one, which hands the same bytes over first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import commands, messages, records, states, status
from duotap.certificate import ROLE_STAND, key_id
from duotap.errors import Refusal
from duotap.tap import NOT_ARMED, REFUNDED, RESULT_TRIES, WAIT_MAX_MS, Outcome, Tap

if TYPE_CHECKING:
    from typing import Any, Generator

PAGES = 2
SALES_MAX = 8  # newest sales to one card that are looked at
HEARD_MAX = 8  # refunds that are not handed over again


class Refunding(Tap):
    """The stand's side of touches for one amount that is given back."""

    def _collect(self, amount: int) -> Generator[Any, Any, Outcome]:
        fci = yield from self._select()
        yield from self._finish(fci)
        if not fci.flags & commands.ARMED:
            return Outcome(NOT_ARMED, status.WRONG_STATE, 0, b"")
        payer = yield from self._certificate(fci.certificate_hash)
        if key_id(payer.public) != fci.device:
            raise Refusal(status.NOT_THIS_DEVICE, "certificate of another card")
        sales = self._sales(fci.device)
        for _, _, back, newest in sales:
            if newest and messages.decode(newest, messages.Refund).hash not in self.device.heard:
                sw = yield from self._hand(newest)
                if messages.total(back[-1]) == amount:  # it may be this very refund
                    return Outcome(REFUNDED, sw, amount, fci.device)
        sw = yield from self._hand(self._give(payer, sales, amount))
        return Outcome(REFUNDED, sw, amount, fci.device)

    def _sales(self, card: bytes) -> list[tuple[bytes, Any, list[Any], bytes]]:
        """Of the newest sales to this card, newest first: hash of the payment, its amounts, what
        was given back of it, and the newest refund of it."""
        journal = self.device.purse.journal
        last = journal.next_sequence - 1
        found: list[Any] = []
        for at, kind, body in journal.walk(last, backwards=True, types=(records.ACCOUNT,)):
            paid = messages.decode(records.unpack(kind, body)[0], messages.Payment)
            if paid.kid == card and len(found) < SALES_MAX:
                back, newest = self._given(at, paid.hash)
                found.append((paid.hash, paid.message.amounts, back, newest))
        return found

    def _given(self, since: int, payment_hash: bytes) -> tuple[list[Any], bytes]:
        back, newest = [], b""
        kinds = (records.REFUND_GIVEN,)
        for _, _, body in self.device.purse.journal.walk(since, types=kinds):
            refund = messages.decode(bytes(body), messages.Refund)
            if refund.message.payment_hash == payment_hash:
                back.append(refund.message.amounts)
                newest = refund.raw
        return back, newest

    def _give(self, payer: Any, sales: list[Any], amount: int) -> bytes:
        """Journal a refund of the newest sale of which so much is left. Raises Refusal (9A0A:
        there is none, the ledger may give it; 9A01: the stand was not loaded with so much)."""
        from duotap.refunds import remaining

        device = self.device
        if device.own().role != ROLE_STAND:
            raise Refusal(status.WRONG_STATE, "only a stand gives back")
        device.check_usable()
        device.check_peer(payer)
        state = device.purse.state
        for payment_hash, paid, back, _ in sales:
            amounts = own_first(remaining(paid, back), amount)
            if not amounts:
                continue
            for scope, part in amounts:
                if state.balances.get(scope, 0) < part:
                    raise Refusal(status.ABOVE_BALANCE, "above what the stand was loaded with")
            device.purse.check_room(PAGES)
            now = states.OPEN if state.open_offer else states.NONE
            kinds, _ = states.step(states.PAYEE, now, states.REFUND)
            raw = device.sign(messages.Refund(amounts, payment_hash, state.next_refund))
            device.purse.commit(kinds[0], raw)
            return raw
        raise Refusal(status.ASK_LEDGER, "no such sale to this card")

    def _hand(self, raw: bytes) -> Generator[Any, Any, int]:
        """Hand a refund over and wait until the card has it. The status word with which the card
        refuses it, 0 if it does not: given it is in any case, and settled by the ledger."""
        sw = status.WRONG_STATE
        try:
            for _ in range(RESULT_TRIES):
                answer = yield from self._with_certificate(commands.PUT_REFUND, raw)
                if answer[:1] != bytes([commands.REFUND_WAIT]):
                    sw = 0
                    break
                yield min(int.from_bytes(answer[1:3], "big"), WAIT_MAX_MS)
        except Refusal as refusal:
            sw = refusal.sw
        if sw in (0, status.ASK_LEDGER):
            heard = messages.decode(raw, messages.Refund).hash
            self.device.heard = self.device.heard[1 - HEARD_MAX :] + [heard]
        return sw


def own_first(left: dict[int, int], amount: int) -> tuple[tuple[int, int], ...]:
    """Amounts by scope, own money first, then ascending; empty if not so much is left."""
    chosen = []
    for scope in sorted(left):
        part = min(amount, max(0, left[scope]))
        if part:
            chosen.append((scope, part))
            amount -= part
    return () if amount else tuple(chosen)
