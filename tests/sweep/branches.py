# SPDX-License-Identifier: Apache-2.0
"""Processes that part from here on: the parent goes on, each child lives another future.

A child inherits the whole world as it stands, its loop and its ledger in memory, and ends with a
list of results. It knows no world.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import select
from collections.abc import Callable
from typing import Any, NoReturn

PIPE_PIECE = 65536


class Branches:
    """At most `jobs` children at once; `take` gets the results of each, in no order.

    `lost(status)` makes the results of a child that ended without any. `innermost` is the one
    that this process is a child of; none in the first process.
    """

    innermost: Branches | None = None

    def __init__(
        self,
        jobs: int,
        take: Callable[[list[Any]], None],
        lost: Callable[[int], list[Any]],
    ) -> None:
        self._jobs = jobs
        self._take = take
        self._lost = lost
        self._running: dict[int, int] = {}  # process: its pipe
        self._pipe = -1

    def fork(self) -> bool:
        """True in the child, which has no other children and ends with `end`."""
        if len(self._running) >= self._jobs:
            self._reap()
        loop = asyncio.get_running_loop()
        read, write = os.pipe()
        process = os.fork()
        if process:
            os.close(write)
            self._running[process] = read
            return False
        os.close(read)
        asyncio._set_running_loop(loop)  # asyncio takes a forked process for a stranger
        Branches.innermost = self
        self._running.clear()
        self._pipe = write
        return True

    def end(self, results: list[Any]) -> NoReturn:
        """The child has come to this."""
        with os.fdopen(self._pipe, "wb") as pipe:
            pickle.dump(results, pipe)
        os._exit(0)

    def wait(self) -> None:
        """Until all children have ended."""
        while self._running:
            self._reap()

    def _reap(self) -> None:
        """Take what one child has come to. A child writes at its end only, so that whichever ends
        first never waits long for being read."""
        process, pipe = self._first()
        with os.fdopen(pipe, "rb") as results:
            content = results.read()
        _, status = os.waitpid(process, 0)
        del self._running[process]
        self._take(pickle.loads(content) if content and not status else self._lost(status))

    def _first(self) -> tuple[int, int]:
        ready, _, _ = select.select(list(self._running.values()), [], [])
        for process, pipe in self._running.items():
            if pipe in ready:
                return process, pipe
        raise AssertionError
