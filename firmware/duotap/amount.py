# SPDX-License-Identifier: Apache-2.0
"""Amounts as people read and type them: integer minor units, two decimals, no float.

Both directions are exact; what cannot be said exactly is refused.
"""

from __future__ import annotations

from duotap.errors import Malformed
from duotap.fields import AMOUNT_MAX

DECIMALS = 2


def text(minor: int) -> str:
    """66.60 for 6660; a minus sign stands in front."""
    sign = "-" if minor < 0 else ""
    whole = abs(minor)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def parse(typed: str) -> int:
    """Minor units of "66.6", "66.60" or "66"; 1 … AMOUNT_MAX. Raises Malformed."""
    whole, _, fraction = typed.partition(".")
    digits = whole + fraction
    if not digits or not all(c in "0123456789" for c in digits) or len(fraction) > DECIMALS:
        raise Malformed("not an amount: digits, and at most two behind the point")
    if len(whole) > 8:
        raise Malformed("amount is too large")
    minor = int(whole or "0") * 100 + int((fraction + "00")[:DECIMALS])
    if not 1 <= minor <= AMOUNT_MAX:
        raise Malformed("amount must be above zero" if minor < 1 else "amount is too large")
    return minor
