# SPDX-License-Identifier: Apache-2.0
"""Random lives of a journal: appends, runs, prunes, idle work, boots, cuts anywhere in them.

`HYPOTHESIS_EXAMPLES=2000 pytest tests/host/test_journal_stateful.py` goes further than every day.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from duotap.errors import Refusal
from duotap_host.virtual.nor import PAGE, Mix, PowerCut, Prefix, VirtualNor
from host.journal_model import Device, body
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

BLOCKS = 5
EXAMPLES = os.environ.get("HYPOTHESIS_EXAMPLES", "")

PAGES = st.integers(1, 16)
SEEDS = st.integers(0, 255)
TEARS = st.one_of(
    st.builds(Prefix, st.integers(0, PAGE), st.integers(0, 255)),
    st.builds(Mix, st.integers(0, 2**16)),
)


class Life(RuleBasedStateMachine):
    """One device; an action that the power does not last for ends in a boot."""

    def __init__(self) -> None:
        super().__init__()
        self.device = Device(VirtualNor(BLOCKS))
        self.device.boot()

    def do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except PowerCut:
            self.device.nor.power_on()
            self.device = Device(self.device.nor, self.device.model)
            self.device.boot()

    @rule(operations=st.integers(0, 30), tear=TEARS)
    def plan_cut(self, operations: int, tear: Prefix | Mix) -> None:
        self.device.nor.plan_cut(operations, tear)

    @rule(pages=PAGES, seed=SEEDS)
    def append(self, pages: int, seed: int) -> None:
        content = body(pages, seed)
        if self.device.fits(content):
            self.do(lambda: self.device.append(1 + seed % 126, content))
        else:
            with pytest.raises(Refusal):
                self.device.journal.append(1, content)

    @rule(pages=st.lists(PAGES, min_size=1, max_size=5), seed=SEEDS)
    def append_run(self, pages: list[int], seed: int) -> None:
        contents = [body(n, seed) for n in pages]
        if self.device.journal.room_for([len(content) for content in contents]):
            self.do(lambda: self.device.append_run(5, contents))

    @rule(back=st.integers(0, 12))
    def prune(self, back: int) -> None:
        records = self.device.model.records
        up_to = len(records) - back
        if up_to < self.device.model.first or not self.device.journal.room_for([0]):
            return
        if up_to == len(records) or records[up_to][1] <= 1:  # else inside a run
            self.do(lambda: self.device.prune(up_to))

    @rule()
    def erase_ahead(self) -> None:
        self.do(self.device.erase_ahead)

    @rule()
    def boot(self) -> None:
        self.do(self.device.boot)

    @precondition(lambda self: self.device.journal.next_sequence > 1)
    @rule(back=st.integers(0, 30))
    def read(self, back: int) -> None:
        model = self.device.model
        low = max(model.first, len(model.records) - back)
        expected = list(enumerate(model.records[low - 1 :], low))
        found = list(self.device.journal.walk(low, types=tuple(range(1, 128))))
        assert found == [(n, kind, content) for n, (kind, _, content) in expected]
        last = len(model.records)
        found = list(self.device.journal.walk(last, backwards=True, types=tuple(range(1, 128))))
        assert found[: len(expected)][::-1] == [(n, k, c) for n, (k, _, c) in expected]


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=int(EXAMPLES or 200),
    stateful_step_count=60,
    deadline=None,
    derandomize=not EXAMPLES,
)
