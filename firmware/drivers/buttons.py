# SPDX-License-Identifier: Apache-2.0
"""Push buttons against ground, debounced; one press at a time, short or held.

A press can end in three ways: let go (short), kept down (held), or a bounce, which is no press.
While one button is down the others are not looked at. Knows no meaning of a button.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Timeout

if TYPE_CHECKING:
    from port.clock import Clock
    from port.wiring import Pin

STEP_MS = 10  # a finger's shortest tap is five times as long
DEBOUNCE_MS = 20  # usual tact switches bounce for 5 ms at most
HOLD_MS = 800


class Buttons:
    """`pins` are (name, pin with pull-up) pairs; `next()` waits for the next press."""

    def __init__(self, pins: tuple[tuple[str, Pin], ...], clock: Clock) -> None:
        self._pins = pins
        self._clock = clock

    async def next(self) -> tuple[str, bool]:
        """Wait for a press; returns the button's name and whether it is held."""
        await self._clock.poll(lambda: not self._down(), None, STEP_MS)
        while True:
            await self._clock.poll(self._down, None, STEP_MS)
            name = self._down()
            await self._clock.sleep_ms(DEBOUNCE_MS)
            if name and self._down() == name:
                return name, await self._held(name)

    async def _held(self, name: str) -> bool:
        """True when it stays down for HOLD_MS, False when it is let go before."""
        try:
            await self._clock.poll(lambda: self._down() != name, HOLD_MS - DEBOUNCE_MS, STEP_MS)
        except Timeout:
            return True
        await self._clock.sleep_ms(DEBOUNCE_MS)
        return False

    def _down(self) -> str:
        """The first button that is down, or nothing."""
        for name, pin in self._pins:
            if not pin.value():
                return name
        return ""
