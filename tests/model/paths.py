# SPDX-License-Identifier: Apache-2.0
"""Paths drawn at random from the runs of the model, each lived through in lockstep with the real
signatures and ledger, and ended by honest people.

A path is named by its run and seed, such as `shop:17`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from duotap_host.issuer import Issuer

from model.honest import Honest
from model.laws import Violation
from model.lockstep import Lockstep
from model.properties import Judge
from model.real_town import new_issuer
from model.runs import RUNS
from model.story import Teller
from model.system import Action, State

STEPS = (4, 24)  # of a path before honest people end it
# A named key's other good signature has no like: the message layer refuses a high S.
UNLIKE = "twist"
# Nor are losses lived through there: their waits are years, and the ledger has tests of its own.
SUITED = tuple(name for name, run in RUNS.items() if UNLIKE not in run.has and not run.lost)


class Lived(NamedTuple):
    """What happened on a path, line by line, and what does not hold."""

    told: tuple[str, ...]
    violation: Violation | None

    def story(self) -> tuple[str, ...]:
        """With its end, as story.py tells it."""
        if self.violation is None:
            return self.told
        of = self.violation
        return *self.told, f"    Broken: {of.law}.", f"    Namely: {of.text}."


class Path(Lockstep):
    """Tells what happens."""

    def __init__(self, name: str, issuer: Issuer) -> None:
        super().__init__(RUNS[name], issuer)
        self.told: list[str] = []
        self._teller = Teller(self)

    def apply(self, state: State, action: Action) -> tuple[State, str]:
        after, became = super().apply(state, action)
        self.told.append(f"{len(self.told) + 1:3} {self._teller.line(state, action, became)}")
        return after, became


def live(name: str, issuer: Issuer) -> Lived:
    """One path by its name."""
    run, _, seed = name.partition(":")
    path = Path(run, issuer)
    found = None
    try:
        _walk(path, random.Random(f"{run} {seed}"))
    except Violation as violation:
        found = violation
    finally:
        path.real.close()
    return Lived(tuple(path.told), found)


def _walk(path: Path, dice: random.Random) -> None:
    judge = Judge(path)
    state = path.start()
    judge.look(state)
    for _ in range(dice.randint(*STEPS)):
        action = _drawn(path, state, dice)
        if action is None:
            break
        after, _ = path.apply(state, action)
        judge.moved(state, after)
        judge.look(after)
        state = after
    Honest(path, judge).end(state)


def _drawn(path: Path, state: State, dice: random.Random) -> Action | None:
    """First what kind of thing, then which: else messages would be all that happens."""
    kinds: dict[str, list[Action]] = {}
    for action in filter(path.is_paired, path.actions(state)):
        kind = action[2][0] if action[0] == "step" else action[0]
        kinds.setdefault(kind, []).append(action)
    return dice.choice(kinds[dice.choice(sorted(kinds))]) if kinds else None


def names(count: int, seed: int) -> Iterator[str]:
    """So many, of all runs in turn."""
    for number in range(count):
        yield f"{SUITED[number % len(SUITED)]}:{seed + number // len(SUITED)}"


_ISSUER: list[Issuer] = []


def lived(name: str) -> Lived:
    """The same with one issuer for all paths of this process."""
    if not _ISSUER:
        _ISSUER.append(new_issuer())
    return live(name, _ISSUER[0])
