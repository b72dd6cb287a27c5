# SPDX-License-Identifier: Apache-2.0
"""Virtual time that keeps pace with the clock on the wall, for programs outside of this process.

Virtual parts still see exact microseconds: an event that this machine runs late happens at the
time it was meant for, so chips never miss each other's time-outs because a computer is busy. Only
what comes from outside (a PTY, a terminal) is late by that much. Knows nothing of what it runs.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

from duotap_host.virtual import timeline
from duotap_host.virtual.timeline import VirtualLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class PacedLoop(VirtualLoop):
    """A VirtualLoop whose time never runs ahead of the real one, with readers and writers."""

    def __init__(self) -> None:
        super().__init__()
        # select(2): to the microsecond, where epoll would round up to the millisecond.
        self._selector = selectors.SelectSelector()
        self._began_ns = time.monotonic_ns()

    def real_us(self) -> int:
        """Real microseconds since this loop was made."""
        return (time.monotonic_ns() - self._began_ns) // 1000

    # Input and output

    def add_reader(self, fd: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:  # type: ignore[override]
        # The abstract loop takes objects with a fileno too, which no caller here passes.
        self._watch(fd, READ, asyncio.Handle(callback, args, self))

    def remove_reader(self, fd: int) -> bool:  # type: ignore[override]  # as add_reader
        return self._unwatch(fd, READ)

    def add_writer(self, fd: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:  # type: ignore[override]
        # As add_reader.
        self._watch(fd, WRITE, asyncio.Handle(callback, args, self))

    def remove_writer(self, fd: int) -> bool:  # type: ignore[override]  # as add_reader
        return self._unwatch(fd, WRITE)

    def _watched(self, fd: int) -> dict[int, asyncio.Handle]:
        key = self._selector.get_map().get(fd)
        return dict(key.data) if key is not None else {}

    def _watch(self, fd: int, event: int, handle: asyncio.Handle) -> None:
        self._set(fd, {**self._watched(fd), event: handle})

    def _unwatch(self, fd: int, event: int) -> bool:
        handles = self._watched(fd)
        known = handles.pop(event, None) is not None
        if known:
            self._set(fd, handles)
        return known

    def _set(self, fd: int, handles: dict[int, asyncio.Handle]) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        if handles:
            self._selector.register(fd, sum(handles), handles)

    # Running

    def _jump(self) -> None:
        """Wait for the next timer's time or for input, whichever is first."""
        due_us = self._next_us()
        while not self._input(due_us):
            if due_us is not None and due_us <= self.real_us():
                super()._jump()
                return

    def _next_us(self) -> int | None:
        """When the next timer is due; None without any."""
        self._drop_cancelled()
        return self._timers[0][0] if self._timers else None

    def _input(self, due_us: int | None) -> bool:
        """Wait until `due_us` at most; whether something came, which then is ready to run."""
        real_us = self.real_us()
        wait_s = None if due_us is None else max(0, due_us - real_us) / 1e6
        events = self._selector.select(wait_s)
        for key, mask in events:
            self._ready.extend(handle for bit, handle in key.data.items() if mask & bit)
        if events:
            now_us = self.real_us()
            self.now_us = max(self.now_us, now_us if due_us is None else min(now_us, due_us))
        return bool(events)

    def close(self) -> None:
        super().close()
        self._selector.close()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in step with real time; tasks that it leaves behind are cancelled."""
    # What the loop leaves abstract is sockets, processes and threads.
    return timeline.run(main, PacedLoop())  # type: ignore[abstract]
