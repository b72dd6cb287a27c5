# SPDX-License-Identifier: Apache-2.0
"""Time on a board: ticks that wrap, sleeping, and waiting for a condition on a grid of polls.

Every wait of firmware goes through an object of this shape, so that a device can also run on
virtual time. It knows no calendar: seconds of the day are not something a board has.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from duotap.errors import Timeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Clock(Protocol):
        """What drivers and products are handed; ticks wrap, so compare them with `diff` only."""

        def ticks_ms(self) -> int: ...
        def ticks_us(self) -> int: ...
        def diff(self, later: int, earlier: int) -> int: ...
        async def sleep_ms(self, ms: int) -> None: ...
        async def poll(
            self, ready: Callable[[], object], timeout_ms: int | None, step_ms: int = 2
        ) -> None: ...


# MicroPython has ticks in `time` and milliseconds in `asyncio`; the types here are CPython's.
_time: Any = time
_asyncio: Any = asyncio


class BoardClock:
    """The clock of a board, by MicroPython's `time` (ticks of 2**30) and `asyncio`."""

    def ticks_ms(self) -> int:
        ticks: int = _time.ticks_ms()
        return ticks

    def ticks_us(self) -> int:
        ticks: int = _time.ticks_us()
        return ticks

    def diff(self, later: int, earlier: int) -> int:
        """Ticks from `earlier` to `later`, right across one wrap; negative if reversed."""
        ticks: int = _time.ticks_diff(later, earlier)
        return ticks

    async def sleep_ms(self, ms: int) -> None:
        await _asyncio.sleep_ms(ms)

    async def poll(
        self, ready: Callable[[], object], timeout_ms: int | None, step_ms: int = 2
    ) -> None:
        """Return when `ready()` is true, looked at every `step_ms`; None waits for ever.

        Raises Timeout once `timeout_ms` have passed and a last look found nothing.
        """
        started = self.ticks_ms()
        while not ready():
            if timeout_ms is not None and self.diff(self.ticks_ms(), started) >= timeout_ms:
                raise Timeout("nothing came in time")
            await _asyncio.sleep_ms(step_ms)
