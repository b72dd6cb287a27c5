# SPDX-License-Identifier: Apache-2.0
"""Virtual time with emulated chips in it: before the loop jumps to its next event each chip runs
until then, or until something leaves one of them, and the jump ends there.

So a chip sees its surroundings as it would in real time, however long the emulator takes. With a
program of this computer on a terminal (`add_reader`) virtual time never runs ahead of real time.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from typing import Any, Protocol

from duotap_host.virtual.timeline import VirtualLoop

IDLE_US = 50_000  # when no timer is set
TWO_US = 500  # two chips may be so far apart
PACED_US = 2_000  # a step beside a program in real time


class Runner(Protocol):
    """Something that has time of its own."""

    def run(self, until_us: int) -> int:
        """Run on; returns when it stopped, `until_us` or before."""


class CoupledLoop(VirtualLoop):
    """`runners` are the chips."""

    def __init__(self) -> None:
        super().__init__()
        self.runners: list[Runner] = []
        self._selector = selectors.DefaultSelector()
        self._ahead = 0.0

    def _jump(self) -> None:
        self._drop_cancelled()
        until_us = self._timers[0][0] if self._timers else self.now_us + IDLE_US
        if not self.runners and not self._selector.get_map():
            super()._jump()
            return
        if len(self.runners) > 1:
            until_us = min(until_us, self.now_us + TWO_US)
        if self._selector.get_map():
            until_us = min(until_us, self.now_us + PACED_US)
            self._look()
        for runner in self.runners:
            until_us = min(until_us, runner.run(max(until_us, self.now_us)))
        self.now_us = max(self.now_us, until_us)
        while self._timers and self._timers[0][0] <= self.now_us:
            self._ready.append(self._pop())

    def _pop(self) -> Any:
        import heapq

        return heapq.heappop(self._timers)[2]

    # Terminals

    def _look(self) -> None:
        """Call whoever has something to read or room to write; wait if time ran ahead."""
        real = time.monotonic()
        lead_s = self.now_us / 1e6 - (real + self._ahead)
        if lead_s < 0:
            self._ahead += lead_s  # never made up for
            lead_s = 0
        for key, events in self._selector.select(lead_s):
            for mask, (callback, args) in list(key.data.items()):
                if events & mask:
                    self.call_soon(callback, *args)

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        self._watch(fd, selectors.EVENT_READ, (callback, args))

    def remove_reader(self, fd: Any) -> bool:
        return self._watch(fd, selectors.EVENT_READ, None)

    def add_writer(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        self._watch(fd, selectors.EVENT_WRITE, (callback, args))

    def remove_writer(self, fd: Any) -> bool:
        return self._watch(fd, selectors.EVENT_WRITE, None)

    def _watch(self, fd: Any, mask: int, called: Any) -> bool:
        known = self._selector.get_map().get(fd)
        data = dict(known.data) if known else {}
        had = data.pop(mask, None) is not None
        if called is not None:
            data[mask] = called
        if known:
            self._selector.unregister(fd)
        if data:
            events = sum(data)
            self._selector.register(fd, events, data)
        return had
