# SPDX-License-Identifier: Apache-2.0
"""A clock that only moves when somebody waits, and does what was planned for the time passed."""

from __future__ import annotations

import asyncio

from duotap.errors import Timeout


class HandClock:
    """`plan` is a list of (ms, function), in order of time."""

    def __init__(self, plan=()):
        self.now = 0
        self.plan = list(plan)

    def ticks_ms(self):
        return self.now

    def diff(self, later, earlier):
        return later - earlier

    async def sleep_ms(self, ms):
        end = self.now + ms
        while self.plan and self.plan[0][0] <= end:
            self.now, act = self.plan.pop(0)
            act()
        self.now = end
        await asyncio.sleep(0)

    async def poll(self, ready, timeout_ms, step_ms=2):
        started = self.now
        while not ready():
            if timeout_ms is not None and self.now - started >= timeout_ms:
                raise Timeout("nothing came in time")
            assert self.plan or timeout_ms is not None, "nothing is left that could happen"
            await self.sleep_ms(step_ms)
