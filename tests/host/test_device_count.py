# SPDX-License-Identifier: Apache-2.0
"""The estimate of a signature's time on a board, against what an emulated board took."""

from __future__ import annotations

import pytest
from bench.crypto_bench import BOARD_LIMITS
from bench.device_count import EMULATED_MS, measured
from duotap_host.virtual.costs import RP2040_PORTABLE, RP2040_THUMB, Costs

TAKEN = {taken.name: taken for taken in measured()}


@pytest.mark.parametrize("name", sorted(EMULATED_MS))
def test_estimates_are_near(name: str) -> None:
    assert TAKEN[name].estimate_ms == pytest.approx(EMULATED_MS[name], rel=0.1)


@pytest.mark.parametrize("name", sorted(BOARD_LIMITS))
def test_a_board_is_fast_enough(name: str) -> None:
    assert TAKEN[name].estimate_ms <= BOARD_LIMITS[name]


@pytest.mark.parametrize(("kind", "costs"), [("Thumb", RP2040_THUMB), ("wide", RP2040_PORTABLE)])
def test_the_cost_tables_are_what_was_seen(kind: str, costs: Costs) -> None:
    names = [f"{kind} {name}" for name in ("sign", "verify", "known")]
    assert [us / 1000 for us in costs[1:]] == [EMULATED_MS[name] for name in names]
