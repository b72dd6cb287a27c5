# SPDX-License-Identifier: Apache-2.0
"""The signed messages: one record each, and one table that writes and reads all of them
(PROTOCOL.md §2).

It does not know who may sign what, nor whether a message is allowed now. Amounts, balances and
expiries are tuples of (scope, value) ascending by scope; scopes are a tuple.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import cbor, cose, fields
from duotap.cose import Signed as Signed
from duotap.cose import verify as verify
from duotap.errors import Broken, Malformed
from duotap.fields import total as total

if TYPE_CHECKING:
    from typing import Any

CURRENCY_CNY = fields.CURRENCY_CNY
CREDITED = fields.CREDITED  # verdict of a receipt: C
TAKEN = fields.TAKEN  # verdict of a receipt: S, taken to account

# By the payee.
Offer = namedtuple("Offer", "payer payment_counter offer_counter amount scopes deny_epoch")
Receipt = namedtuple("Receipt", "payment_hash verdict")
Void = namedtuple("Void", "payment_hash")
Refund = namedtuple("Refund", "amounts payment_hash refund_counter")
# By the device itself.
Payment = namedtuple(
    "Payment", "payment_counter payee offer_counter amounts offer_hash previous_hash"
)
Unload = namedtuple("Unload", "amounts previous_hash unload_counter")
Head = namedtuple(
    "Head",
    "balances chain_hash sequence epoch numbers challenge reader battery seconds firmware",
)
Possession = namedtuple("Possession", "challenge public firmware")
# By a money key.
Load = namedtuple("Load", "amounts device number expiries")
Cancel = namedtuple("Cancel", "device number")
Checkpoint = namedtuple("Checkpoint", "device number covered chain_hash base_hash")
# By a lists key.
Policy = namedtuple("Policy", "device epoch ceiling limits nobutton")
Membership = namedtuple("Membership", "device epoch scopes")
DenyList = namedtuple("DenyList", "epoch delta from_epoch content")
Time = namedtuple("Time", "epoch seconds")
Epoch = namedtuple("Epoch", "epoch far")
# By a root.
KeyStatement = namedtuple("KeyStatement", "number keycert")
Reset = namedtuple("Reset", "device number epoch")
# By a readers key, and by the reader.
Permit = namedtuple("Permit", "expiry reader")
Challenge = namedtuple("Challenge", "device nonce")

# Type number, record, its row (fields.py): the CDDL of PROTOCOL.md §2 in the records' order.
TABLE = (
    (1, Offer, "3 id, 4 counter, 6 counter, 7 amount, 8 scopes, 10 epoch"),
    (2, Payment, "4 counter, 5 id, 6 counter, 9 amounts, 11 hash, 12 hash"),
    (3, Receipt, "13 hash, 14 verdict"),
    (4, Void, "13 hash"),
    (5, Refund, "9 amounts, 13 hash, 15 counter"),
    (8, Load, "9 amounts, 16 id, 17 counter, ?18 expiries"),
    (9, Cancel, "16 id, 17 counter"),
    (10, Checkpoint, "16 id, 17 counter, 21 counter, 22 hash, 23 hash"),
    (11, Unload, "9 amounts, 12 hash, 15 counter"),
    (16, Policy, "?16 id, 19 epoch, ?21 ceiling, ?22 limits, ?23 nobutton"),
    (17, Membership, "16 id, 19 epoch, 8 scopes"),
    (18, DenyList, "19 epoch, 20 flag, 21 epoch, 22 bytes"),
    (19, Time, "19 epoch, 21 seconds"),
    (20, Epoch, "19 epoch, ?21 bytes"),
    (21, KeyStatement, "17 counter, 21 bytes"),
    (22, Reset, "16 id, 17 counter, 19 epoch"),
    (24, Permit, "19 epoch, 21 public"),
    (25, Challenge, "16 id, 21 nonce"),
    (
        26,
        Head,
        "9 balances, 12 hash, 17 counter, 19 epoch, 20 numbers, 21 nonce, 22 id, 23 percent,"
        " 24 seconds, 25 hash",
    ),
    (30, Possession, "21 hash, 22 public, 25 hash"),
)


def encode(message: Any, kid: bytes, sign: cose.Sign, currency: int = CURRENCY_CNY) -> bytes:
    """The signed bytes of a record; Broken if a field is out of its range."""
    for number, record, row in TABLE:
        if type(message) is record:
            payload = fields.pack(row, message, fields.opening(number, currency))
            return cose.encode(cbor.encode(payload), kid, sign)
    raise Broken("not a message")


def decode(raw: bytes, *expected: Any, currency: int = CURRENCY_CNY) -> Signed:
    """A message of one of the expected records (of any, if none is named), its signature not
    verified yet. Malformed, or Refusal 9A0C when it is of another version or currency."""
    sign1 = cose.decode(raw)
    found = cbor.decode(sign1.payload)
    if type(found) is not dict:
        raise Malformed("payload is not a map")
    number = fields.take_opening(found, currency)
    for its_number, record, row in TABLE:
        if its_number == number and (record in expected or not expected):
            return cose.opened(sign1, record(*fields.unpack(row, found)), currency)
    raise Malformed("not a message that is expected here")
