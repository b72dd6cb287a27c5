# SPDX-License-Identifier: Apache-2.0
"""The charge of a lithium cell from its voltage, by an ADC behind a divider.

Knows neither chip nor charger. A cell under load reads low, so the gauge is read at rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from port.wiring import Adc

FULL_SCALE = 65535
SAMPLES = 8  # the ADCs of both chips are noisy by some ten steps

# Millivolts at rest and percent of charge, of a usual LiPo cell; straight lines between.
CURVE = (
    (3300, 0),
    (3600, 10),
    (3700, 25),
    (3800, 50),
    (3900, 67),
    (4000, 80),
    (4150, 100),
)


class Battery:
    """`reference_mv` is what full scale means at the pin, `divider` how far it was divided."""

    def __init__(self, adc: Adc, reference_mv: int = 3300, divider: int = 2) -> None:
        self._adc = adc
        self._full_mv = reference_mv * divider

    def millivolts(self) -> int:
        """The cell's voltage, the mean of some readings."""
        total = 0
        for _ in range(SAMPLES):
            total += self._adc.read_u16()
        return total // SAMPLES * self._full_mv // FULL_SCALE

    def percent(self) -> int:
        """0 to 100."""
        return percent_of(self.millivolts())


def percent_of(millivolts: int) -> int:
    """The charge at this voltage, by CURVE."""
    below_mv, below = CURVE[0]
    if millivolts <= below_mv:
        return below
    for above_mv, above in CURVE:
        if millivolts < above_mv:
            step_mv = above_mv - below_mv
            return below + (above - below) * (millivolts - below_mv) // step_mv
        below_mv, below = above_mv, above
    return below
