# SPDX-License-Identifier: Apache-2.0
"""The estimate of a signature's time on a board, against what an emulated board took."""

from __future__ import annotations

import pytest
from bench.crypto_bench import BOARD_LIMITS
from bench.device_count import EMULATED_MS, measured
from duotap_host.virtual.costs import RP2040_PORTABLE, RP2040_THUMB

TAKEN = {taken.name: taken for taken in measured()}


@pytest.mark.parametrize("name", sorted(EMULATED_MS))
def test_estimates_are_near(name: str) -> None:
    assert TAKEN[name].estimate_ms == pytest.approx(EMULATED_MS[name], rel=0.1)


@pytest.mark.parametrize("name", sorted(BOARD_LIMITS))
def test_a_board_is_fast_enough(name: str) -> None:
    assert TAKEN[name].estimate_ms <= BOARD_LIMITS[name]


def seen_ms(kind: str) -> list[float]:
    return [EMULATED_MS[f"{kind} {name}"] for name in ("sign", "verify", "known")]


def test_the_cost_table_of_thumb_is_what_was_seen() -> None:
    assert [us / 1000 for us in RP2040_THUMB[1:]] == seen_ms("Thumb")


def test_the_cost_table_of_portable_signatures_is_never_below_what_was_seen() -> None:
    for us, ms in zip(RP2040_PORTABLE[1:], seen_ms("wide"), strict=True):
        assert ms <= us / 1000 <= 1.05 * ms
