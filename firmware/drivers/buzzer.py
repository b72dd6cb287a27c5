# SPDX-License-Identifier: Apache-2.0
"""A passive buzzer on a PWM pin, with one short tune for each thing that it tells.

`sound` returns at once; a new tune ends the one before it. Knows no reason for any of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from port.clock import Clock
    from port.wiring import Pwm

HALF = 32768  # a square wave is the loudest

# Tone in hertz (0: silence) and duration in ms. Rising is good, falling is not; "torn" asks for
# another touch and must differ from "refused" with eyes closed.
TUNES = {
    "press": ((2400, 25),),
    "ok": ((1760, 80), (2637, 160)),
    "refused": ((440, 180), (0, 60), (330, 260)),
    "torn": ((1175, 70), (0, 50), (1175, 70), (0, 50), (1175, 70)),
    "warn": ((880, 250),),
}


class Buzzer:
    """Plays a tune in a task of its own."""

    def __init__(self, pwm: Pwm, clock: Clock) -> None:
        self._pwm = pwm
        self._clock = clock
        self._task: asyncio.Task[Any] | None = None

    def sound(self, name: str) -> None:
        """Begin one of TUNES."""
        tune = TUNES[name]
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._play(tune))

    async def _play(self, tune: tuple[tuple[int, int], ...]) -> None:
        try:
            for tone_hz, duration_ms in tune:
                self._tone(tone_hz)
                await self._clock.sleep_ms(duration_ms)
        finally:
            self._tone(0)

    def _tone(self, tone_hz: int) -> None:
        if tone_hz:
            self._pwm.freq(tone_hz)
        self._pwm.duty_u16(HALF if tone_hz else 0)
