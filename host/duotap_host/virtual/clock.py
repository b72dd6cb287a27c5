# SPDX-License-Identifier: Apache-2.0
"""The clock of a virtual device: the board's poll grid, without the polling.

It has the shape of firmware's `port.clock.Clock`. A wait for a condition sleeps until a virtual
part reports activity (`kick`) and then until the next point of the poll grid, where the board
would have looked. Modelled computing and flash time is a debt (`charge`) that the device pays
before it goes on; with kind `flash` its interrupts are blocked for that span.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from duotap.errors import Timeout

from duotap_host.virtual.timeline import Timeline

TICKS_PERIOD = 1 << 30  # MicroPython's ticks wrap there on 32-bit boards
FLASH = "flash"


class _Wait:
    """One task that waits; `due_us` is when it wakes next, None while nothing is scheduled."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._future: asyncio.Future[None] = timeline.loop.create_future()
        self._alarm: asyncio.TimerHandle | None = None
        self.due_us: int | None = None

    def wake_at(self, t_us: int) -> None:
        if self.due_us is not None and self.due_us <= t_us:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self.due_us = t_us
        self._alarm = self._timeline.at(t_us, self._wake)

    def _wake(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    async def over(self) -> None:
        try:
            await self._future
        finally:
            if self._alarm is not None:
                self._alarm.cancel()


class VirtualClock:
    """One device's time; `start_us` offsets its ticks, as if it had been on for so long."""

    def __init__(self, timeline: Timeline, start_us: int = 0) -> None:
        self.timeline = timeline
        self._start_us = start_us - timeline.now_us()
        self._busy_us = 0
        self._spent: dict[str, int] = {}
        self._polls: list[tuple[_Wait, int, int]] = []
        self._on_flash: list[Callable[[int, int], None]] = []
        self._on_charge: list[Callable[[int, int, str], None]] = []

    # What firmware sees

    def now_us(self) -> int:
        """Timeline microseconds as this device sees them: its debt counts as passed."""
        return max(self.timeline.now_us(), self._busy_us)

    def ticks_ms(self) -> int:
        return (self.now_us() + self._start_us) // 1000 % TICKS_PERIOD

    def ticks_us(self) -> int:
        return (self.now_us() + self._start_us) % TICKS_PERIOD

    def diff(self, later: int, earlier: int) -> int:
        """Ticks from `earlier` to `later`, right across one wrap; negative if reversed."""
        half = TICKS_PERIOD // 2
        return (later - earlier + half) % TICKS_PERIOD - half

    async def sleep_ms(self, ms: int) -> None:
        if ms <= 0 and self._busy_us <= self.timeline.now_us():
            await asyncio.sleep(0)
        else:
            await self._until(self.now_us() + ms * 1000)

    async def poll(
        self, ready: Callable[[], object], timeout_ms: int | None, step_ms: int = 2
    ) -> None:
        """Return when `ready()` is true, looked at every `step_ms`; None waits for ever.

        Raises Timeout once `timeout_ms` have passed and a last look found nothing.
        """
        await self._until(0)
        started_us = self.timeline.now_us()
        step_us = step_ms * 1000
        end_us = None
        if timeout_ms is not None:
            end_us = started_us + -(-timeout_ms // step_ms) * step_us
        while not ready():
            if end_us is not None and self.timeline.now_us() >= end_us:
                raise Timeout("nothing came in time")
            await self._activity(started_us, step_us, end_us)

    # What the device's virtual surroundings see

    def kick(self) -> None:
        """Something happened on a pin or bus: every poll looks again at its next grid point."""
        now_us = self.timeline.now_us()
        for wait, started_us, step_us in self._polls:
            steps = (now_us - started_us) // step_us + 1
            wait.wake_at(started_us + steps * step_us)

    def power_on(self) -> None:
        """The board starts anew: what it had been busy with is gone."""
        self._busy_us = 0

    def charge(self, us: int, kind: str) -> None:
        """Let the device be busy for `us` more; `kind` names what the time went into."""
        begin_us = self.now_us()
        self._busy_us = begin_us + us
        self._spent[kind] = self._spent.get(kind, 0) + us
        for charged in self._on_charge:
            charged(begin_us, self._busy_us, kind)
        if kind == FLASH:
            for blocked in self._on_flash:
                blocked(begin_us, self._busy_us)

    def spent(self, kind: str) -> int:
        """Microseconds charged so far under `kind`."""
        return self._spent.get(kind, 0)

    def on_flash(self, blocked: Callable[[int, int], None]) -> None:
        """Have `blocked(begin_us, end_us)` called for each span without interrupts."""
        self._on_flash.append(blocked)

    def on_charge(self, charged: Callable[[int, int, str], None]) -> None:
        """Have `charged(begin_us, end_us, kind)` called for each span the device is busy."""
        self._on_charge.append(charged)

    async def _activity(self, started_us: int, step_us: int, end_us: int | None) -> None:
        wait = _Wait(self.timeline)
        if end_us is not None:
            wait.wake_at(end_us)
        entry = (wait, started_us, step_us)
        self._polls.append(entry)
        try:
            await wait.over()
        finally:
            self._polls.remove(entry)
        await self._until(0)

    async def _until(self, t_us: int) -> None:
        """Sleep until `t_us` and until no debt is left, also one that another task made."""
        while True:
            target_us = max(t_us, self._busy_us)
            if target_us <= self.timeline.now_us():
                return
            wait = _Wait(self.timeline)
            wait.wake_at(target_us)
            await wait.over()
