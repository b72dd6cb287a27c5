# SPDX-License-Identifier: Apache-2.0
"""How long a tap takes with Thumb signatures on two RP2040, PN532 on HSU at 921600 baud."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from bench.two_sales import two_sales
from duotap_host.virtual.board import I2C, SPI
from duotap_host.virtual.costs import RP2040_THUMB
from duotap_host.virtual.timesheet import TapTime

COLD_US_MAX = 800_000
WARM_US_MAX = 500_000


@cache
def taps() -> Sequence[TapTime]:
    return two_sales(RP2040_THUMB, 921_600)


@pytest.mark.parametrize(("place", "limit_us"), [(0, COLD_US_MAX), (1, WARM_US_MAX)])
def test_a_sale_is_done_in_time(place: int, limit_us: int) -> None:
    tap = taps()[place]
    assert tap.done
    assert tap.costs == RP2040_THUMB.name
    assert tap.total_us <= limit_us, tap


@pytest.mark.parametrize("bus", [I2C, SPI])
def test_a_sale_is_done_in_time_on_each_bus(bus: str) -> None:
    for tap, limit_us in zip(
        two_sales(RP2040_THUMB, 115_200, bus), (COLD_US_MAX, WARM_US_MAX), strict=True
    ):
        print(bus, tap)
        assert tap.done
        assert tap.total_us <= limit_us, tap


def test_the_receipt_is_verified_after_the_card_has_left() -> None:
    assert [tap.receipt_us for tap in taps()] == [RP2040_THUMB.verify_us] * 2


def test_the_line_ran_at_its_speed() -> None:
    """At 115200 baud it would be eight times as much."""
    assert all(0 < tap.parts["serial"] < 50_000 for tap in taps())
