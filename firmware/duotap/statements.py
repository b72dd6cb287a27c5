# SPDX-License-Identifier: Apache-2.0
"""The issuer's statements as a device takes them from a cable: who signed, is it the next, may it
be (PROTOCOL.md §7), and the checkpoint with its base (§8.2). Those without a money key's number
are `notices`.

What is refused changes nothing. It knows no transport, and every courier may try.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from duotap import (
    base,
    cbor,
    certificate,
    fields,
    fold,
    limits,
    messages,
    record,
    records,
    status,
)
from duotap.errors import Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device
    from duotap.fold import State

STATEMENT_PAGES = 2  # a load of eight scopes, a policy
# Held in RAM until a checkpoint's signature vouches for them: nobody fills a journal unsigned.
BASE_PARTS_MAX = 8
# What part 0 and the own fold must agree on, by place in its array; what is counted since the last
# sync is the ledger's to say.
BALANCES, EXPIRIES, NUMBERS, EPOCH, OFFER, PAYMENTS, USED = range(7)


class Statements:
    """Takes the statements of one device's issuer."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.parts: list[bytes] = []  # of a base whose checkpoint has not come yet

    def take(self, raw: bytes) -> int:
        """Type of the record that was journalled, 0 if it was known already. Raises Refusal."""
        self.device.own()
        signed = messages.decode(raw, *TAKES, *fold.STATEMENTS)
        by_number = TAKES.get(type(signed.message))
        if by_number is None:
            from duotap.notices import take_signed

            return int(take_signed(self.device, signed))
        kind = by_number(self, signed)
        self.device.refresh()
        return kind

    # Numbered statements of a money key

    def _is_next(self, signed: Any) -> bool:
        """False for the last one again. Refusal unless it is the next, of a money key."""
        device, message = self.device, signed.message
        state = device.purse.state
        if message.device != device.id:
            raise Refusal(status.NOT_THIS_DEVICE, "statement names another device")
        if message.number == state.next_issue - 1 and signed.hash == state.last_issue:
            return False
        if message.number != state.next_issue:
            raise Refusal(status.NUMBER_NOT_NEXT, "number is not the next")
        device.trust.verify(signed, certificate.USAGE_MONEY, state.epoch)
        return True

    def _load(self, signed: Any) -> int:
        if not self._is_next(signed):
            return 0
        device = self.device
        self._check_load(device.purse.state, signed.message.amounts)
        device.purse.check_room(STATEMENT_PAGES)
        return self._commit(records.LOAD, signed.raw)

    def _check_load(self, state: State, amounts: tuple[tuple[int, int], ...]) -> None:
        amount = messages.total(amounts)
        limits.check_balance(state, self.device.effective.limits, amount)
        if state.used[3] + amount > self.device.own().load_cap:
            raise Refusal(status.ABOVE_SUM, "above the cap of loads: sync")
        limits.check_scopes(state, amounts)

    def _cancel(self, signed: Any) -> int:
        return self._commit(records.CANCEL, signed.raw) if self._is_next(signed) else 0

    def _commit(self, kind: int, raw: bytes) -> int:
        self.device.purse.commit(kind, raw)
        return kind

    # The checkpoint and its base

    def take_part(self, index: int, parts: int, part: bytes) -> None:
        """Hold one part of a base, in order from 0; its checkpoint comes after the last."""
        if not index < parts <= BASE_PARTS_MAX or len(part) > base.PART_MAX:
            raise Malformed("part of a base")
        if index == 0:
            self.parts = []
        if index and not is_list(part):
            raise Malformed("part of a base")
        if index == len(self.parts) - 1 and part == self.parts[index]:
            return
        if index != len(self.parts):
            raise Refusal(status.WRONG_STATE, "parts of a base come in order")
        self.parts.append(part)

    def _checkpoint(self, signed: Any) -> int:
        """Journal base and checkpoint, and fold anew from them."""
        parts, self.parts = self.parts, []
        if not self._is_next(signed):
            return 0
        checkpoint = signed.message
        purse = self.device.purse
        self._check_covered(checkpoint)
        if base.digest([hashlib.sha256(part).digest() for part in parts]) != checkpoint.base_hash:
            raise Refusal(status.WRONG_STATE, "base of the checkpoint first")
        if not agrees(parts[0], purse.state_at(checkpoint.covered)):
            raise Refusal(status.WRONG_STATE, "base differs from this journal")
        self._journal_base(checkpoint.number, parts, signed.raw)
        purse.cover(purse.commit(records.CHECKPOINT, signed.raw))
        return records.CHECKPOINT

    def _check_covered(self, checkpoint: Any) -> None:
        """The record that is covered is here, is the ledger's, and was not covered before."""
        purse = self.device.purse
        if checkpoint.covered <= purse.covered:
            raise Refusal(status.NUMBER_NOT_NEXT, "covered already")
        statement = purse.journal.statement(checkpoint.covered)
        if record.hash_of(statement) != checkpoint.chain_hash:
            raise Refusal(status.ASK_LEDGER, "the ledger covers another journal")
        if record.decode(statement).type & record.MORE:
            raise Refusal(status.WRONG_STATE, "covers half of a run")

    def _journal_base(self, number: int, parts: list[bytes], raw: bytes) -> None:
        """Parts that a cut left in the journal are not written again."""
        purse = self.device.purse
        bodies = [
            records.pack(records.BASE_PART, number, index, len(parts), part)
            for index, part in enumerate(parts)
        ]
        last = purse.journal.next_sequence - 1
        found = [part for _, part in purse.base_parts(number, last)]
        found.reverse()
        start = len(found) if found == parts[: len(found)] else 0
        if not purse.journal.room_for([len(body) for body in bodies[start:]] + [len(raw)]):
            raise Refusal(status.JOURNAL_FULL, "no room for the base")
        for index in range(start, len(parts)):
            purse.commit(records.BASE_PART, number, index, len(parts), parts[index])


TAKES = {
    messages.Load: Statements._load,
    messages.Cancel: Statements._cancel,
    messages.Checkpoint: Statements._checkpoint,
}


def agrees(part: bytes, own: State) -> bool:
    """Whether part 0 of a base describes this state: a second belt, after the signature."""
    theirs = cbor.decode(part)
    ours = cbor.decode(base.parts(own, [])[0])
    if type(theirs) is not list or len(theirs) != len(ours):
        return False
    used, own_used = theirs[USED], ours[USED]
    if type(used) is not list or len(used) != len(own_used):
        return False
    for value in used:
        fields.from_wire("limit", value)
    fields.from_wire("epoch", theirs[EPOCH])
    for place in (BALANCES, EXPIRIES, NUMBERS, EPOCH, OFFER, PAYMENTS):
        if cbor.encode(theirs[place]) != cbor.encode(ours[place]):
            return False
    return bool(used[base.SINCE_SYNC :] == own_used[base.SINCE_SYNC :])


def is_list(part: bytes) -> bool:
    """Whether a later part of a base is a list of [offer counter, offer hash]."""
    entries = cbor.decode(part)
    if type(entries) is not list or len(entries) > base.UNPAID_PER_PART:
        return False
    for entry in entries:
        if type(entry) is not list or len(entry) != 2:
            return False
        fields.from_wire("counter", entry[0])
        fields.from_wire("hash", entry[1])
    return True
