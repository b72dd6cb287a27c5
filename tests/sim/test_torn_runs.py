# SPDX-License-Identifier: Apache-2.0
"""A hundred bad days, each from its seed: no value is created, none is lost, and honest steps end
with nothing under way (protocol §6.9, §6.10).

A day that fails names its seed and tells what happened; alone it runs again by
DUOTAP_SEED=<seed> .venv/bin/python -m pytest tests/sim/test_torn_runs.py
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from duotap_host.virtual import timeline
from longer import long

from sim.torn_town import Begun, TornDay, begun

DAYS = 100
DAYS_TOGETHER = 10
MISHAPS_MIN = 12  # of ten days: tears that were felt, and batteries that were pulled; usual are 20
ALONE = os.environ.get("DUOTAP_SEED", "")
GROUPS = [range(at, at + DAYS_TOGETHER) for at in range(0, DAYS, DAYS_TOGETHER)]


def live(seed: int, start: Begun) -> int:
    """One day; returns how many mishaps befell it."""
    told: list[str] = []

    async def main() -> int:
        day = TornDay(seed, start, told, detailed=bool(ALONE))
        await day.live()
        return day.mishaps

    try:
        return timeline.run(main())
    except BaseException:
        print(f"DUOTAP_SEED={seed}", *told, sep="\n")
        raise


@pytest.mark.parametrize(
    "seeds", [[int(ALONE)]] if ALONE else [*GROUPS[:3], *long(*GROUPS[3:])], ids=str
)
def test_bad_days_end_well(seeds: Sequence[int]) -> None:
    start = begun()
    mishaps = sum(live(seed, start) for seed in seeds)
    assert mishaps >= MISHAPS_MIN or ALONE
