# SPDX-License-Identifier: Apache-2.0
"""All that a workbench does with a board, by name."""

from __future__ import annotations

from unplug import boards, cables
from unplug.point import Live, Point, Result

WORKS: dict[str, Live] = {
    "flash-esp32": boards.flash_esp32,
    "flash-rp2040": boards.flash_rp2040,
    **dict.fromkeys(cables.WORKS, cables.live),
}


def live(point: Point) -> Result:
    """Live through one."""
    return WORKS[point.work](point)
