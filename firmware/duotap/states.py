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
ASK = "ask"  # the merchant wants an amount from a card that is here
CANCEL = "cancel"  # the merchant gives up, or asks somebody else
PAID = "paid"  # the payment of the open offer
REPEAT = "repeat"  # bytes that the journal holds already
LATE = "late"  # the first payment of an offer that V closed
OTHER = "other"  # a second, different payment of a closed offer
# Events of the payer.
OFFER = "offer"  # an offer that names this device and its next counter
RECEIPT = "receipt"  # the payee's receipt of an open payment
VOID = "void"  # the payee's void of an open payment

NONE = "none"
OPEN = "open"

# (role's state, event): (types of record that may be written, next state). No type: nothing is
# written, the answer is read from the journal.
PAYEE = {
    (NONE, ASK): ((records.OFFER,), OPEN),
    (OPEN, ASK): ((), OPEN),
    (OPEN, CANCEL): ((records.UNPAID,), NONE),
    (OPEN, PAID): ((records.CREDIT, records.ACCOUNT), NONE),
    (NONE, REPEAT): ((), NONE),
    (OPEN, REPEAT): ((), OPEN),
    (NONE, LATE): ((records.LATE_VOID,), NONE),
    (OPEN, LATE): ((records.LATE_VOID,), OPEN),
    (NONE, OTHER): ((records.CONFLICT,), NONE),
    (OPEN, OTHER): ((records.CONFLICT,), OPEN),
}
PAYER = {
    (NONE, OFFER): ((records.PAYMENT,), OPEN),
    (OPEN, REPEAT): ((), OPEN),
    (OPEN, RECEIPT): ((records.CLOSING,), NONE),
    (OPEN, VOID): ((records.CLOSING,), NONE),
    (NONE, REPEAT): ((), NONE),
}


def step(table: dict, state: str, event: str) -> tuple:  # type: ignore[type-arg] # both tables
    """The (record types, next state) of a pair.

    Raises Refusal(6985 or 9A0A) for a pair that is not in the table.
    """
    try:
        return table[(state, event)]  # type: ignore[no-any-return] # rows are literals above
    except KeyError:
        sw = ASK_LEDGER if table is PAYEE else WRONG_STATE
        raise Refusal(sw, "not in this state") from None
