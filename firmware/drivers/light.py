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

# Steps of a sign: level from 0 to 255 and its duration in 20 ms; bytes, since tuples take 1 KiB of
# heap. The last level stays when its duration is 0, else the sign begins again.
LEVEL = 257  # duty of level 1: that of 255 is always on
STEP_MS = 20
SIGNS = {
    "off": b"\x00\x00",
    "ready": b"\x10\x00",
    "touch": b"\xff\x19\x10\x19",
    "ok": b"\xff\x4b\x10\x00",
    "refused": b"\xff\x06\x00\x06\xff\x06\x00\x06\xff\x06\x10\x00",
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

    async def _run(self, sign: bytes) -> None:
        while True:
            for at in range(0, len(sign), 2):
                self._pwm.duty_u16(sign[at] * LEVEL)
                if not sign[at + 1]:
                    return
                await self._clock.sleep_ms(sign[at + 1] * STEP_MS)
