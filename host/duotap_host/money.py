# SPDX-License-Identifier: Apache-2.0
"""Amounts as people write them, and as minor units. Exact: no float is ever near money."""

from __future__ import annotations

import re

MINOR_PER_UNIT = 100
WRITTEN = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,2}))?", re.ASCII)


def show(amount: int) -> str:
    """Minor units in units: 6660 is 66.60, -5 is -0.05."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{amount // MINOR_PER_UNIT}.{amount % MINOR_PER_UNIT:02d}"


def parse(text: str) -> int:
    """Minor units of an amount such as 200, 66.6 or 66.60. ValueError says what is wrong."""
    if text.startswith("-"):
        raise ValueError(f"{text} is negative; an amount is at least 0.01")
    match = WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is not an amount such as 200 or 66.60, below 100 million")
    amount = int(match[1]) * MINOR_PER_UNIT + int((match[2] or "").ljust(2, "0"))
    if not amount:
        raise ValueError(f"{text} is nothing; an amount is at least 0.01")
    return amount
