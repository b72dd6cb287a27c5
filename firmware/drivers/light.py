# SPDX-License-Identifier: Apache-2.0
"""The light of a stand: an LED on a PWM pin that says from afar whether to touch.

Knows no reason for any of its signs. `show` returns at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from port.clock import Clock
    from port.wiring import Pwm

FREQUENCY_HZ = 1000  # above what an eye or a camera sees flicker
FULL = 65535
DIM = 4096

# Levels and their durations in ms; the last level stays when its duration is 0, else the sign
# begins again.
SIGNS = {
    "off": ((0, 0),),
    "ready": ((DIM, 0),),
    "touch": ((FULL, 500), (DIM, 500)),
    "ok": ((FULL, 1500), (DIM, 0)),
    "refused": ((FULL, 120), (0, 120), (FULL, 120), (0, 120), (FULL, 120), (DIM, 0)),
}


class Light:
    """Shows one sign at a time in a task of its own."""

    def __init__(self, pwm: Pwm, clock: Clock) -> None:
        self._pwm = pwm
        self._clock = clock
        self._sign = ""
        self._task: asyncio.Task[Any] | None = None

    def show(self, name: str) -> None:
        """Begin one of SIGNS; the same again goes on as it is."""
        sign = SIGNS[name]
        if name == self._sign and name != "ok":
            return
        self._sign = name
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._run(sign))

    async def _run(self, sign: tuple[tuple[int, int], ...]) -> None:
        while True:
            for level, duration_ms in sign:
                self._pwm.duty_u16(level)
                if not duration_ms:
                    return
                await self._clock.sleep_ms(duration_ms)
