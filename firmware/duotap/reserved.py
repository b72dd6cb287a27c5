# SPDX-License-Identifier: Apache-2.0
"""Offers that are not written one by one (PROTOCOL.md §8.4): imported late, by a payee at which
many have touched and not paid.

Each unpaid offer takes two records, so touches alone could fill a journal. From UNPAID_WRITTEN of
them on a payee journals that it reserves many offer numbers, once; an offer that takes one of
these is in RAM only, and is journalled when its payment has come, before its closing. No number is
used twice: a boot uses none that is reserved. Of what was reserved and never journalled nothing
was honoured, nor ever will be, so that a late payment of it gets a void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import fields, messages, records

if TYPE_CHECKING:
    from duotap.purse import Purse

NUMBERS = 1_000  # one page for each thousand touches


def number(purse: Purse) -> int:
    """An offer number that is reserved and was never used. Raises Refusal (6A84, 9A08)."""
    state = purse.state
    first, last = state.spare
    if first > last:
        first = state.next_offer
        last = min(first + NUMBERS, fields.COUNTER_MAX) - 1
        purse.commit(records.RESERVED, first, last)
    state.spare = (first + 1, last)
    return first


def has(purse: Purse, counter: int) -> bool:
    """Whether the offer with this number took a reserved one, and was never journalled."""
    state = purse.state
    if state.spare[0] <= counter <= state.spare[1]:
        return False  # not used yet
    if state.open_offer is not None and state.open_offer.counter == counter:
        return False
    last = purse.journal.next_sequence - 1
    kinds = (records.OFFER, records.RESERVED)
    for _, kind, body in purse.journal.walk(last, backwards=True, types=kinds):
        if kind == records.OFFER:
            if messages.decode(bytes(body), messages.Offer).message.offer_counter == counter:
                return False
        else:
            first, end = records.unpack(kind, body)
            if first <= counter <= end:
                return True
    return False
