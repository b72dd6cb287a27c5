# SPDX-License-Identifier: Apache-2.0
"""Real processes killed at random in the midst of taps: nothing is created or lost, no sale is
paid twice, and honest steps end with nothing under way.

A run that fails names its seed; alone it runs again by
DUOTAP_SEED=<seed> .venv/bin/python -m pytest -n 0 tests/upy/test_killed.py
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sweep import matrix
from upy.killed_town import KilledTown

SEEDS = (1,)
SEED = os.environ.get("DUOTAP_SEED", "")
TAPS = 4  # of a run; one takes some seconds of real time
TAPS_MAX = 16  # real time decides whether a kill comes in the midst of a tap
KILLS_MIN = 1


@pytest.mark.long
@pytest.mark.parametrize("seed", [int(SEED)] if SEED else SEEDS)
def test_what_was_killed_goes_on(seed: int, tmp_path: Path) -> None:
    told = [f"DUOTAP_SEED={seed}"]

    async def main() -> int:
        town = KilledTown(seed, tmp_path, told)
        try:
            await town.open()
            for tap in range(TAPS_MAX):
                if tap < TAPS or town.kills < KILLS_MIN:
                    await town.killed_tap()
            await town.settle()
        finally:
            print(*told, sep="\n")
            print(matrix.markdown([matrix.row("killed", 0.0, town.results, 0)]))
            await town.close()
        return town.kills

    assert asyncio.run(main()) >= KILLS_MIN
