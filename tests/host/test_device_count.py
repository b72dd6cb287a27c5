# SPDX-License-Identifier: Apache-2.0
"""The estimate of a signature's time on a board, against what an emulated board took."""

from __future__ import annotations

import pytest
from bench.device_count import EMULATED_MS, measured
from duotap_host.virtual.costs import RP2040_THUMB

TAKEN = {taken.name: taken for taken in measured()}
THUMB_MS_MAX = {"Thumb sign": 36, "Thumb verify": 100, "Thumb known": 45}


@pytest.mark.parametrize("name", sorted(EMULATED_MS))
def test_estimates_are_near(name: str) -> None:
    assert TAKEN[name].estimate_ms == pytest.approx(EMULATED_MS[name], rel=0.1)


@pytest.mark.parametrize("name", sorted(THUMB_MS_MAX))
def test_thumb_is_fast_enough(name: str) -> None:
    assert TAKEN[name].estimate_ms <= THUMB_MS_MAX[name]


def test_the_cost_table_is_what_was_seen() -> None:
    names = ("Thumb sign", "Thumb verify", "Thumb known")
    assert [us / 1000 for us in RP2040_THUMB[1:]] == [EMULATED_MS[name] for name in names]
