# SPDX-License-Identifier: Apache-2.0
"""Ribbon retrieval: bits such that for each of n keys a fixed sum of them is the key's value
(Dillinger, Hübschle-Schneider, Sanders, Walzer: Fast Succinct Retrieval and Approximate Membership
Using Ribbon, SEA 2022).

Each key's equation counts some of WINDOW slots from its start on, so elimination touches few rows.
It knows keys as equations only: start, mask (its lowest bit set), value.
"""

from __future__ import annotations

from collections.abc import Iterable

from duotap.denylist import WINDOW

Equation = tuple[int, int, int]


class Unsolvable(Exception):
    """Two keys contradict each other under this salt: try another."""


def slots_for(keys: int) -> int:
    """Slots with which `keys` equations are solvable more often than not."""
    return keys + keys // 25 + WINDOW


def solve(equations: Iterable[Equation], slots: int, columns: int) -> list[bytes]:
    """The columns, each of `slots` bits, the first bit lowest in its byte. Raises Unsolvable."""
    masks = [0] * slots
    values = [0] * slots
    for start, mask, value in equations:
        at = start
        while mask:
            if not masks[at]:
                masks[at], values[at] = mask, value
                break
            mask ^= masks[at]
            value ^= values[at]
            shift = (mask & -mask).bit_length() - 1
            mask >>= max(shift, 0)
            at += shift
        else:
            if value:
                raise Unsolvable
    return [_column(masks, values, column) for column in range(columns)]


def _column(masks: list[int], values: list[int], column: int) -> bytes:
    """From the last slot to the first: what a row leaves open is its own slot's bit."""
    found = bytearray((len(masks) + 7) // 8)
    window = 0  # the bits of the slots after this one
    inside = (1 << WINDOW) - 1
    for at in range(len(masks) - 1, -1, -1):
        bit = (values[at] >> column ^ (masks[at] >> 1 & window).bit_count()) & 1
        bit = bit if masks[at] else 0
        if bit:
            found[at >> 3] |= 1 << (at & 7)
        window = (window << 1 | bit) & inside
    return bytes(found)
