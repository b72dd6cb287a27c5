# SPDX-License-Identifier: Apache-2.0
"""Breadth first through all states of a run: the shortest way to a violation comes first."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from model.bounds import Bounds
from model.honest import Honest
from model.laws import Violation
from model.properties import Judge
from model.system import Action, State, System


class Found(NamedTuple):
    """What a run came to; `path` leads to what `violation` says, if anything does."""

    system: System
    states: int
    steps: int
    path: tuple[Action, ...]
    violation: Violation | None


class Explorer:
    """One run."""

    def __init__(self, bounds: Bounds) -> None:
        self.system = System(bounds)
        self.judge = Judge(self.system)
        self.honest = Honest(self.system, self.judge)
        self._came: dict[State, tuple[State, Action] | None] = {}
        self.steps = 0

    def run(self, states_max: int = 0) -> Found:
        """All states within the bounds, or until a property does not hold; `states_max`: or until
        so many were seen."""
        start = self.system.start()
        self._came[start] = None
        queue = deque([start])
        state, action = start, None
        try:
            self._look(start)
            while queue and not (states_max and len(self._came) >= states_max):
                state, action = queue.popleft(), None
                for action in self.system.actions(state):
                    after, _ = self.system.apply(state, action)
                    self.steps += 1
                    if after in self._came or not self.system.within(after):
                        continue
                    self._came[after] = state, action
                    self.judge.moved(state, after)
                    self._look(after)
                    queue.append(after)
        except Violation as violation:
            path = self.path(state) + ((action,) if action else ())
            return Found(self.system, len(self._came), self.steps, path, violation)
        return Found(self.system, len(self._came), self.steps, (), None)

    def _look(self, state: State) -> None:
        self.judge.look(state)
        if "settle" in self.system.bounds.has:
            self.honest.touch(state)
            self.honest.end(state)

    def path(self, state: State) -> tuple[Action, ...]:
        """The actions that led to a state."""
        found: list[Action] = []
        came = self._came[state]
        while came is not None:
            found.append(came[1])
            came = self._came[came[0]]
        return tuple(reversed(found))
