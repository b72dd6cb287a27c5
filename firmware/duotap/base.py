# SPDX-License-Identifier: Apache-2.0
"""The base of a journal checkpoint: a `State` as bytes, in parts (PROTOCOL.md §8.2).

The ledger makes it from archived records, the money key signs its hash, the device starts its
fold from it once older records are pruned. Certificate, keys and statements are not in it: the
device carries its own copies over.
"""

from __future__ import annotations

import hashlib

from duotap import cbor
from duotap.errors import Malformed
from duotap.fold import State, open_offer, open_payment

SINCE_SYNC = 4  # of `used`: what a sync sets back; the others count since the last press
PART_MAX = 3000  # with its record's framing a part stays below one sector
UNPAID_PER_PART = 64  # 64 * (5 + 34) bytes stay below PART_MAX


def parts(state: State, unpaid: list[tuple[int, bytes]]) -> list[bytes]:
    """The parts of the base of `state`; `unpaid`: (offer counter, hash) still unresolved."""
    offer = state.open_offer
    first = cbor.encode(
        [
            state.balances,
            state.expiries,
            state.numbers(),
            state.epoch,
            [offer.sequence, offer.raw] if offer else None,
            [payment.raw for payment in state.open_payments],
            state.used,
        ]
    )
    out = [first]
    entries = sorted(unpaid)
    for start in range(0, len(entries), UNPAID_PER_PART):
        out.append(cbor.encode([list(e) for e in entries[start : start + UNPAID_PER_PART]]))
    return out


def digest(part_hashes: list[bytes]) -> bytes:
    """Hash of a base: SHA-256 of the concatenated SHA-256 of its parts."""
    return hashlib.sha256(b"".join(part_hashes)).digest()


def load(part: bytes) -> State:
    """The state that part 0 describes; what is counted since the last sync begins anew.

    Raises Malformed.
    """
    fields = cbor.decode(part)
    if not isinstance(fields, list) or len(fields) != 7:
        raise Malformed("base")
    balances, expiries, numbers, epoch, offer, payments, used = fields
    state = State()
    state.balances = balances
    state.expiries = expiries
    (
        state.next_payment,
        state.next_offer,
        state.next_refund,
        state.next_unload,
        state.next_issue,
    ) = numbers
    state.epoch = epoch
    if offer is not None:
        state.open_offer = open_offer(offer[0], offer[1])
    for raw in payments:
        state.open_payments.append(open_payment(raw))
    state.used = [0] * SINCE_SYNC + used[SINCE_SYNC:]
    return state
