# SPDX-License-Identifier: Apache-2.0
"""Virtual time: an asyncio loop that jumps to its next event, and the timeline that parts share.

`VirtualLoop` does no input and no output, so a run costs only its computing and two runs of one
program are the same run: events of one microsecond happen in the order in which they were
scheduled. `Timeline` gives virtual parts microseconds on that loop and on a real one alike.
Nothing here knows what a chip or a board is.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Context = dict[str, Any]


class Deadlock(RuntimeError):
    """Every task waits and nothing is scheduled that could wake one of them."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs what is ready, then jumps to the earliest timer; `now_us` is its only clock."""

    def __init__(self) -> None:
        self.now_us = 0
        self.scheduled = 0  # timers so far: what a run costs, whatever the machine
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._running = False
        self._stopping = False
        self._closed = False
        self._failure: BaseException | None = None
        self._task_factory: Any = _plain_task

    # Scheduling

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at_us(
        self,
        t_us: int,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at `t_us`, or as soon as possible when that has passed."""
        handle = asyncio.TimerHandle(t_us / 1e6, callback, args, self, context)
        self.scheduled += 1
        heapq.heappush(self._timers, (t_us, self.scheduled, handle))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at_us(round(when * 1e6), callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        t_us = self.now_us + round(delay * 1e6)
        return self.call_at_us(t_us, callback, *args, context=context)

    def time(self) -> float:
        return self.now_us / 1e6

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self._task_factory(self, coro, name=name, context=context)
        return task

    def set_task_factory(self, factory: Any) -> None:
        """`factory(loop, coro, name=, context=)` makes every task from now on, None plain ones."""
        self._task_factory = factory or _plain_task

    # Running

    def run_forever(self) -> None:
        if self._closed or self._running:
            raise RuntimeError("this loop is closed or runs already")
        self._running = True
        asyncio._set_running_loop(self)
        try:
            while not self._stopping:
                self._run_once()
        finally:
            self._stopping = False
            self._running = False
            asyncio._set_running_loop(None)

    def _run_once(self) -> None:
        if not self._ready:
            self._jump()
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()
                if self._failure is not None:
                    failure, self._failure = self._failure, None
                    raise failure

    def _jump(self) -> None:
        """Move every timer of the next instant to the ready queue."""
        self._drop_cancelled()
        if not self._timers:
            raise Deadlock(self._who_waits())
        t_us = self.now_us = max(self.now_us, self._timers[0][0])
        while self._timers and self._timers[0][0] <= t_us:
            self._ready.append(heapq.heappop(self._timers)[2])

    def _drop_cancelled(self) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)

    def _who_waits(self) -> str:
        names = sorted(task.get_name() for task in asyncio.all_tasks(self))
        waits = ", ".join(names) or "no task is left"
        return f"nothing is scheduled at {self.now_us} us of virtual time; waiting: {waits}"

    def run_until_complete(self, future: Awaitable[T]) -> T:  # type: ignore[override]
        # The abstract loop's overloads name generators too, which no caller here passes.
        task = asyncio.ensure_future(future, loop=self)
        task.add_done_callback(self._stop_with)
        try:
            self.run_forever()
        finally:
            task.remove_done_callback(self._stop_with)
        return task.result()

    def _stop_with(self, _future: object) -> None:
        self._stopping = True

    def stop(self) -> None:
        self._stopping = True

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    async def shutdown_asyncgens(self) -> None:
        """Nothing: no asynchronous generator is tracked."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Nothing: virtual time has no threads."""

    # Errors

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """Nothing: slow callbacks are of no interest in virtual time."""

    def call_exception_handler(self, context: Context) -> None:
        """A callback that raises ends the run; a task's error belongs to whoever awaits it."""
        if "handle" in context:
            self._failure = context["exception"]

    def default_exception_handler(self, context: Context) -> None:
        self.call_exception_handler(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing: cancelled timers are dropped when they reach the head of the queue."""


def _plain_task(loop: VirtualLoop, coro: Any, **settings: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **settings)


def run(main: Coroutine[Any, Any, T], loop: VirtualLoop | None = None) -> T:
    """Run `main` on `loop` or one of its own; tasks that it leaves behind are cancelled.

    Firmware collects garbage on the way, as a board has to; what is there already is left out of
    it, since here that is a whole host.
    """
    gc.freeze()
    try:
        # What the loop leaves abstract is input, output and threads, which virtual time has not.
        return _run(main, loop or VirtualLoop())  # type: ignore[abstract]
    finally:
        gc.unfreeze()


def _run(main: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            _cancel_rest(loop)
        finally:
            loop.close()


def _cancel_rest(loop: VirtualLoop) -> None:
    rest = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    for task in rest:
        task.cancel()
    if rest:
        loop.run_until_complete(asyncio.wait(rest))


class Timeline:
    """Microseconds of one loop: what virtual chips and boards schedule with."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._virtual = loop if isinstance(loop, VirtualLoop) else None

    def now_us(self) -> int:
        if self._virtual is not None:
            return self._virtual.now_us
        return int(self.loop.time() * 1e6)

    def at(self, t_us: int, fn: Callable[[*Ts], object], *args: *Ts) -> asyncio.TimerHandle:
        """Call `fn(*args)` at `t_us`; the handle returned has `cancel()`."""
        if self._virtual is not None:
            return self._virtual.call_at_us(t_us, fn, *args)
        return self.loop.call_at(t_us / 1e6, fn, *args)

    def after(self, us: int, fn: Callable[[*Ts], object], *args: *Ts) -> asyncio.TimerHandle:
        """Call `fn(*args)` when `us` microseconds have passed."""
        return self.at(self.now_us() + us, fn, *args)
