# SPDX-License-Identifier: Apache-2.0
"""A few unpluggings of each kind; `make unplug` tries 500."""

from __future__ import annotations

import pytest
from unplug.point import Point
from unplug.works import WORKS, live

SEED = 6
COUNTS = {"flash-esp32": 2, "flash-rp2040": 2}
COUNT = 4


@pytest.mark.parametrize("work", WORKS)
def test_the_same_again_ends_it(work: str) -> None:
    for number in range(COUNTS.get(work, COUNT)):
        result = live(Point(work, SEED, number))
        print(f"{result.point}: byte {result.byte} of {result.whole}: {result.told or 'over'}")
        assert result.named or not result.fault, result
