# SPDX-License-Identifier: Apache-2.0
"""What a status word means to the person in front of the screen (PROTOCOL.md §5)."""

from __future__ import annotations

from duotap import status

REASONS = {
    status.NOT_PERMITTED: "press sync first",
    status.WRONG_STATE: "press PAY first",
    status.MALFORMED: "not understood",
    status.JOURNAL_FULL: "journal is full: deposit",
    status.UNKNOWN_REFERENCE: "not known here",
    status.ABOVE_BALANCE: "above balance",
    status.ABOVE_PAYMENT_LIMIT: "above limit of one payment",
    status.ABOVE_SUM: "above sum: deposit first",
    status.ABOVE_COUNT: "too many payments: deposit first",
    status.CONFIRM: "confirm on the card, touch again",
    status.EXPIRED: "certificate has expired: deposit",
    status.DENY_LISTED: "on the deny list",
    status.DAMAGED: "damaged: have it replaced",
    status.NOT_NEXT: "touch again",
    status.ASK_LEDGER: "deposit: the ledger decides",
    status.TOO_MANY_OPEN: "too many unfinished: deposit",
    status.CURRENCY_OR_VERSION: "another currency or version",
    status.SIGNATURE: "signature is wrong",
    status.NOT_THIS_DEVICE: "meant for another device",
    status.SCOPE: "money is not for this shop",
    status.NUMBER_NOT_NEXT: "statement out of order",
}


def text(sw: int) -> str:
    """Plain English of a status word; the word itself if it has none."""
    return REASONS.get(sw, f"status {sw:04X}")
