# SPDX-License-Identifier: Apache-2.0
"""The quick runs of the model: every state within their bounds, none breaks a law. `make model`
runs the wide ones; a counterexample is told tap by tap and plays again alone from its path."""

from __future__ import annotations

import pytest

from model.bounds import FEATURES, Bounds
from model.explorer import Explorer
from model.runs import QUICK, RUNS
from model.story import path_id, tell


@pytest.mark.parametrize("bounds", QUICK, ids=lambda bounds: bounds.name)
def test_no_state_breaks_a_law(bounds: Bounds) -> None:
    found = Explorer(bounds).run()
    print(f"{bounds.name}: {found.states} states, {found.steps} steps")
    if found.violation is not None:
        story = "\n".join(tell(found.system, found.path, found.violation))
        pytest.fail(f"{story}\n    Path: {path_id(found.system, found.path)}", pytrace=False)
    assert found.states >= bounds.floor, "the model sees less than it did"


def test_runs_are_told_apart_and_name_what_there_is() -> None:
    assert len(RUNS) == len({bounds.about for bounds in RUNS.values()})
    for bounds in RUNS.values():
        assert bounds.has <= set(FEATURES)
