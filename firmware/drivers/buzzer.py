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

# Steps of a tune: tone in 20 Hz (0: silence), duration in 5 ms; bytes, since tuples take 1 KiB of
# heap. Rising is good, falling is not; "torn" asks for another touch and must differ from
# "refused" with eyes closed.
TONE_HZ = 20
STEP_MS = 5
TUNES = {
    "press": b"\x78\x05",
    "ok": b"\x58\x10\x84\x20",
    "refused": b"\x16\x24\x00\x0c\x10\x34",
    "torn": b"\x3b\x0e\x00\x0a\x3b\x0e\x00\x0a\x3b\x0e",
    "warn": b"\x2c\x32",
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

    async def _play(self, tune: bytes) -> None:
        try:
            for at in range(0, len(tune), 2):
                self._tone(tune[at] * TONE_HZ)
                await self._clock.sleep_ms(tune[at + 1] * STEP_MS)
        finally:
            self._tone(0)

    def _tone(self, tone_hz: int) -> None:
        if tone_hz:
            self._pwm.freq(tone_hz)
        self._pwm.duty_u16(HALF if tone_hz else 0)
