# SPDX-License-Identifier: Apache-2.0
"""Value goes home: a device signs that it holds so much less, and its ledger books it when the
journal shows that (PROTOCOL.md §6, §8): imported late, at the cable.

It works on a device that has expired or is listed. It knows no account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import cbor, fields, messages, records, status
from duotap.errors import Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device

PAGES = 2  # of the longest


def answer(device: Device, asked: bytes) -> bytes:
    """To CBOR [unload number, amounts by scope]: the unload, journalled. The last one again: as it
    was signed. Raises Refusal (6A80, 6A84, 9A01, 9A06, 9A08, 9A10)."""
    found = cbor.decode(asked)
    if type(found) is not list or len(found) != 2:
        raise Malformed("not an order to unload")
    number = fields.from_wire("counter", found[0])
    amounts = fields.from_wire("amounts", found[1])
    state = device.purse.state
    if number == state.next_unload - 1:
        raw = _last(device)
        if raw and messages.decode(raw, messages.Unload).message.amounts == amounts:
            return raw
    if number != state.next_unload:
        raise Refusal(status.NUMBER_NOT_NEXT, "number is not the next")
    _check(device, amounts)
    unload = messages.Unload(amounts, device.purse.journal.head_hash, number)
    raw = device.sign(unload)
    device.purse.commit(records.UNLOAD, raw)
    return raw


def _check(device: Device, amounts: Any) -> None:
    purse = device.purse
    if purse.stopped():
        raise Refusal(status.DAMAGED, "device is damaged: replace it")
    if purse.state.next_unload >= fields.COUNTER_MAX:
        raise Refusal(status.EXPIRED, "counters are at their end: replace it")
    for scope, amount in amounts:
        if purse.state.balances.get(scope, 0) < amount:
            raise Refusal(status.ABOVE_BALANCE, "above balance")
    if dict(amounts) != purse.state.balances:
        purse.check_room(PAGES)  # all of it has its place in the reserve


def _last(device: Device) -> bytes:
    """The newest unload, empty when it was pruned."""
    journal = device.purse.journal
    last = journal.next_sequence - 1
    for _, _, body in journal.walk(last, backwards=True, types=(records.UNLOAD,)):
        return bytes(body)
    return b""
