# SPDX-License-Identifier: Apache-2.0
"""Every state of both roles in one table (PROTOCOL.md §8.1).

A payee has at most one open offer. It is opened by a journalled offer and ends in one of three
ways, each one record: C (credited to the purse), S (taken to the merchant's account) or V (closed
unpaid). A payer has up to eight open payments. Each is opened by a journalled payment and ends
in one of two ways, each one record: the payee's receipt, or the payee's void.

What does not move a state is in the table too: repeats are answered from the journal, a payment of
an offer that V closed is journalled with its void, a second payment of one offer is kept as proof.
A pair that is not here is refused and changes nothing. This module knows no message and no money.
"""

from __future__ import annotations

from duotap import records
from duotap.errors import Refusal
from duotap.status import ASK_LEDGER, WRONG_STATE

# Events of the payee.
ASK = 1  # the merchant wants an amount from a card that is here
CANCEL = 2  # the merchant gives up, or asks somebody else
PAID = 3  # the payment of the open offer
REPEAT = 4  # bytes that the journal holds already
LATE = 5  # the first payment of an offer that V closed
OTHER = 6  # a second, different payment of a closed offer
REFUND = 10  # value goes back, of either role: given by the payee, taken by the payer
# Events of the payer.
OFFER = 7  # an offer that names this device and its next counter
RECEIPT = 8  # the payee's receipt of an open payment
VOID = 9  # the payee's void of an open payment

NONE = 0
OPEN = 1

# Rows of the role's state, event, next state, types of record that may be written. Types 0 0:
# nothing is written, the answer is read from the journal. As bytes, for the sake of the heap.
ROW = 5
# fmt: off
PAYEE = bytes(
    (
        NONE, ASK, OPEN, records.OFFER, 0,
        OPEN, ASK, OPEN, 0, 0,
        OPEN, CANCEL, NONE, records.UNPAID, 0,
        OPEN, PAID, NONE, records.CREDIT, records.ACCOUNT,
        NONE, REPEAT, NONE, 0, 0,
        OPEN, REPEAT, OPEN, 0, 0,
        NONE, LATE, NONE, records.LATE_VOID, 0,
        OPEN, LATE, OPEN, records.LATE_VOID, 0,
        NONE, OTHER, NONE, records.CONFLICT, 0,
        OPEN, OTHER, OPEN, records.CONFLICT, 0,
        NONE, REFUND, NONE, records.REFUND_GIVEN, 0,
        OPEN, REFUND, OPEN, records.REFUND_GIVEN, 0,
    )
)
PAYER = bytes(
    (
        NONE, OFFER, OPEN, records.PAYMENT, 0,
        OPEN, REPEAT, OPEN, 0, 0,
        OPEN, RECEIPT, NONE, records.CLOSING, 0,
        OPEN, VOID, NONE, records.CLOSING, 0,
        NONE, REPEAT, NONE, 0, 0,
        NONE, REFUND, NONE, records.REFUND_TAKEN, 0,
    )
)
# fmt: on


def step(table: bytes, state: int, event: int) -> tuple[bytes, int]:
    """The types of record that a pair may write, a byte each, and its next state.

    Raises Refusal(6985 or 9A0A) for a pair that is not in the table.
    """
    for at in range(0, len(table), ROW):
        if table[at] == state and table[at + 1] == event:
            return table[at + 3 : at + ROW].rstrip(b"\0"), table[at + 2]
    sw = ASK_LEDGER if table is PAYEE else WRONG_STATE
    raise Refusal(sw, "not in this state")
