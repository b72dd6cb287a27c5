# SPDX-License-Identifier: Apache-2.0
"""Longer stories of three to six devices than all states can be looked at: drawn by Hypothesis, on
the driver of the model, with its laws. Each ends honestly, with nothing under way.

The draws are the same in each run; `DUOTAP_TOWNS=1000` draws so many, anew.
"""

from __future__ import annotations

import os

from duotap.fields import ROLE_STAND
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from model.bounds import Bounds, Spec
from model.honest import Honest
from model.properties import Judge
from model.system import Action, System

NAMES = ("Ann", "Ben", "Cid", "Dot", "Eve")
TOWNS = 30
MANY = 99  # of offers and payments: more than a story has steps


def town(people: int) -> Bounds:
    """So many people who pay each other, and a stand that all pay."""
    specs = tuple(Spec(name, 3, MANY, MANY) for name in NAMES[:people])
    stand = Spec("Noodle Bar", 0, MANY, 0, role=ROLE_STAND)
    everyone = range(people + 1)
    pairs = tuple((a, b) for a in everyone for b in range(people) if a != b)
    has = frozenset({"ledger", "tidy", "pull", "touch"})
    return Bounds(
        *(f"town of {people}", "", (*specs, stand), pairs, 0, has),
        amounts=(1, 2),
        checkpoints=2,
        checkpointed=tuple(everyone),
        depositors=tuple(everyone),
    )


class Town(RuleBasedStateMachine):
    """One story."""

    @initialize(people=st.integers(2, 5))
    def begin(self, people: int) -> None:
        self.system = System(town(people))
        self.judge = Judge(self.system)
        self.honest = Honest(self.system, self.judge)
        self.state = self.system.start()

    @rule(drawn=st.data())
    def happen(self, drawn: st.DataObject) -> None:
        """First what kind of thing, then which: else messages would be all that happens."""
        kinds: dict[str, list[Action]] = {}
        for action in self.system.actions(self.state):
            name = action[2][0] if action[0] == "step" else action[0]
            kinds.setdefault(name, []).append(action)
        kind = drawn.draw(st.sampled_from(sorted(kinds)))
        action = drawn.draw(st.sampled_from(kinds[kind]))
        after, _ = self.system.apply(self.state, action)
        self.judge.moved(self.state, after)
        self.judge.look(after)
        self.state = after

    def teardown(self) -> None:
        if hasattr(self, "state"):
            self.honest.end(self.state)


def test_any_story_keeps_the_laws_and_ends_honestly() -> None:
    drawn = int(os.environ.get("DUOTAP_TOWNS", "0"))
    run_state_machine_as_test(
        Town,
        settings=settings(
            max_examples=drawn or TOWNS,
            stateful_step_count=40,
            derandomize=not drawn,
            deadline=None,
            database=None,
            print_blob=True,
        ),
    )
