# SPDX-License-Identifier: Apache-2.0
"""The card's side of a refund: value back from the stand that it paid (PROTOCOL.md §8.5). Imported
late, when one comes by tap or cable.

A refund is taken once, and only for a payment of this very journal after the record that the last
checkpoint covers: what that says is settled by the ledger, which so knows what no journal will
take any more. It decides nothing about who may give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import commands, fields, limits, messages, records, states, status
from duotap.errors import Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device

PAGES = 2
WAIT = commands.REFUND_WAIT
TAKEN = commands.REFUND_TAKEN
KNOWN = commands.REFUND_KNOWN


class Refunds:
    """Of one device; `put` is quick, `work` does what `put` promised when the line is quiet."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.pending: Any = None  # signed refund that waits for work()
        self._of = b""  # hash of the refund that was decided last
        self._refusal: Refusal | None = None  # what became of it
        self._verdict = TAKEN

    def put(self, raw: bytes) -> bytes:
        """00 and the ms to wait (2), then ask again; 01: it is taken; 02: it was taken before.

        Raises Refusal: what the work ended with, or 6A88 (certificate of the stand first).
        """
        signed = messages.decode(raw, messages.Refund)
        if signed.hash == self._of:
            if self._refusal is not None:
                raise self._refusal
            return bytes([self._verdict])
        if self.device.peers.by_id(signed.kid) is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the stand first")
        self.pending = signed
        return bytes([WAIT]) + self.device.busy_ms().to_bytes(2, "big")

    def work(self) -> int:
        """Decide the refund that waits; the amount that came back, 0 if none did."""
        signed, self.pending = self.pending, None
        if signed is None:
            return 0
        self._of, self._refusal = signed.hash, None
        try:
            self._verdict = self.take(signed)
        except Refusal as refusal:
            self._refusal = refusal
            return 0
        return messages.total(signed.message.amounts) if self._verdict == TAKEN else 0

    def take(self, signed: Any) -> int:
        """TAKEN or KNOWN. Raises Refusal (6A84, 6A88, 9A01, 9A08, 9A0A, 9A0D … 9A0F)."""
        device = self.device
        stand = device.peers.by_id(signed.kid)
        if stand is None:
            raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the stand first")
        device.verify(signed, stand)
        paid, back, is_known = self._journalled(signed)
        if is_known:
            states.step(states.PAYER, states.NONE, states.REPEAT)
            return KNOWN
        if paid is None:
            raise Refusal(status.ASK_LEDGER, "no such payment since the last checkpoint")
        if paid.payee != signed.kid:
            raise Refusal(status.NOT_THIS_DEVICE, "not signed by who was paid")
        left = remaining(paid.amounts, back)
        for scope, amount in signed.message.amounts:
            if left.get(scope, 0) < amount:
                raise Refusal(status.ABOVE_BALANCE, "more than was paid")
        self._check_room(signed.message.amounts)
        kinds, _ = states.step(states.PAYER, states.NONE, states.REFUND)
        device.purse.commit(kinds[0], signed.raw)
        return TAKEN

    def _check_room(self, amounts: Any) -> None:
        """What comes back may be held above the limit, but not above what a head can say."""
        purse = self.device.purse
        limits.check_scopes(purse.state, amounts)
        away = sum([messages.total(open_.amounts) for open_ in purse.state.open_payments])
        held = purse.state.balance() + away
        if held + messages.total(amounts) > fields.AMOUNT_MAX:
            raise Refusal(status.ABOVE_BALANCE, "above the limit of the balance")
        purse.check_room(PAGES)

    def _journalled(self, signed: Any) -> tuple[Any, list[Any], bool]:
        """The payment with its receipt, None if there is none; what came back of it before, by
        scope; and whether this refund is among that."""
        wanted = signed.message.payment_hash
        paid, closed, back, is_known = None, False, [], False
        for _, kind, body in self.device.purse.journal.walk(self.device.purse.covered + 1):
            if kind == records.PAYMENT:
                one = messages.decode(records.unpack(kind, body)[0], messages.Payment)
                if one.hash == wanted:
                    paid = one.message
            elif kind == records.CLOSING and paid is not None:
                closing = messages.decode(bytes(body), messages.Receipt, messages.Void).message
                is_receipt = isinstance(closing, messages.Receipt)
                closed = closed or (is_receipt and closing.payment_hash == wanted)
            elif kind == records.REFUND_TAKEN:
                refund = messages.decode(bytes(body), messages.Refund)
                if refund.message.payment_hash == wanted:
                    back.append(refund.message.amounts)
                    is_known = is_known or refund.hash == signed.hash
        return (paid if closed else None), back, is_known


def remaining(paid: Any, back: list[Any]) -> dict[int, int]:
    """What of a payment's amounts has not been given back, by scope."""
    left = dict(paid)
    for amounts in back:
        for scope, amount in amounts:
            left[scope] = left.get(scope, 0) - amount
    return left
