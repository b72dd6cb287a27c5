# SPDX-License-Identifier: Apache-2.0
"""Types and bodies of journal records (PROTOCOL.md §8).

A body is one message's bytes as they were sent or received, or a CBOR array of such. This module
knows how bodies are put together, not what they mean for a balance (that is `purse`), nor how
they lie in flash (that is `journal`).
"""

from __future__ import annotations

from duotap import cbor
from duotap.errors import Malformed

IDENTITY = 1
STATEMENT = 2
LOAD = 3
CANCEL = 4
BASE_PART = 5
CHECKPOINT = 6
OFFER = 8
PAYMENT = 9
CLOSING = 10
CREDIT = 11
ACCOUNT = 12
UNPAID = 13
LATE_VOID = 14
CONFLICT = 15
REFUND_GIVEN = 16
REFUND_TAKEN = 17
UNLOAD = 18
CARRIED = 19
TICKS = 20
RESERVED = 21

# How many elements the array of a type has; a type that is not here is one message.
ARRAYS = {
    IDENTITY: 3,
    BASE_PART: 4,
    PAYMENT: 3,
    CREDIT: 3,
    ACCOUNT: 3,
    UNPAID: 2,
    LATE_VOID: 2,
    CARRIED: 2,
    RESERVED: 2,
}


def pack(kind: int, *parts: object) -> bytes:
    """The body of a record: the one message, or the CBOR array of `parts`."""
    if kind not in ARRAYS:
        (message,) = parts
        return bytes(message)  # type: ignore[call-overload,no-any-return] # a message is bytes
    return cbor.encode(list(parts))


def unpack(kind: int, body: bytes) -> list:  # type: ignore[type-arg] # elements differ by type
    """The parts of a body, in order; a one-message body is its only part.

    Raises Malformed for an array of another length.
    """
    if kind not in ARRAYS:
        return [bytes(body)]
    parts = cbor.decode(bytes(body))
    if not isinstance(parts, list) or len(parts) != ARRAYS[kind]:
        raise Malformed("record body")
    return parts
