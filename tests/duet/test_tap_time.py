# SPDX-License-Identifier: Apache-2.0
"""How long a tap takes: two RP2040 with portable signatures, their PN532 at 115200 baud.

Modelled time (virtual/costs.py), from RATS to the status word of the receipt; it is the same in
every run, so it can be asserted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from bench.two_sales import two_sales
from duotap_host.virtual.costs import RP2040_PORTABLE
from duotap_host.virtual.timesheet import TapTime

BAUDRATE = 115_200
COLD_US_MAX = 3_000_000
WARM_US_MAX = 2_300_000


@cache
def taps() -> Sequence[TapTime]:
    """The same sale twice: to a card that the stand has never met, and to one that it has."""

    return two_sales(RP2040_PORTABLE, BAUDRATE)


def test_the_costs_are_those_of_the_table() -> None:
    assert RP2040_PORTABLE[1:] == (130_000, 675_000, 200_000)
    assert {tap.costs for tap in taps()} == {RP2040_PORTABLE.name}


@pytest.mark.parametrize(("place", "limit_us"), [(0, COLD_US_MAX), (1, WARM_US_MAX)])
def test_a_sale_is_done_in_time(place: int, limit_us: int) -> None:
    assert len(taps()) == 2
    tap = taps()[place]
    assert tap.done
    assert tap.total_us <= limit_us, tap


def test_parts_add_up() -> None:
    for tap in taps():
        assert sum(tap.parts.values()) == tap.total_us
        assert min(tap.parts.values()) >= 0


def test_each_side_is_told_step_by_step() -> None:
    """Steps follow each other to the end, and what either side does in one fills it exactly; no
    side computes more than both do together."""
    for tap in taps():
        assert 0 <= tap.total_us - sum(step.total_us for step in tap.steps) <= 20_000
        for step in tap.steps:
            for parts in (step.payee, step.payer):
                assert sum(parts.values()) == step.total_us
        for side in ([step.payee for step in tap.steps], [step.payer for step in tap.steps]):
            spent = sum(parts["computing"] for parts in side)
            assert RP2040_PORTABLE.sign_us < spent < tap.parts["computing"]


def test_computing_is_what_the_protocol_asks_for() -> None:
    """Cold: both certificates at once under the issuer's known key. Then the offer is signed and
    verified, the payment signed and verified, the receipt signed; the card verifies it later."""
    sign_us, verify_us, known_us = RP2040_PORTABLE[1:]
    warm_us = 3 * sign_us + 2 * verify_us
    cold, warm = taps()
    assert warm.parts["computing"] == warm_us
    assert warm_us + known_us <= cold.parts["computing"] <= warm_us + known_us + 10_000
    assert [tap.receipt_us for tap in taps()] == [verify_us] * 2


def test_flash_is_three_records_until_the_receipt() -> None:
    """Offer (1 page), payment (2), account (2), each with its mark; the closing comes later."""
    page_us = 800
    for tap in taps():
        assert tap.parts["flash"] == (1 + 2 + 2 + 3) * page_us
