# SPDX-License-Identifier: Apache-2.0
"""Each mutant is killed by the run that is named for it, for the reason that is named, and its
story plays again from its path."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from model.mutant import IN_LOCKSTEP
from model.mutants import MUTANTS
from model.patch import PatchFailed, install, replaced
from model.runs import QUICK, RUNS

TESTS = Path(__file__).resolve().parent.parent
PATHS = (TESTS, TESTS / "both", TESTS.parent / "firmware")


def model(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m model` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    command = [sys.executable, "-m", "model", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_every_mutant_dies_of_what_it_breaks() -> None:
    done = model("mutants")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(MUTANTS)


def test_a_story_plays_again_from_its_path() -> None:
    name = "tap void from class none"
    told = model("mutants", name, "--tell").stdout
    path = re.search(r"Path: (.*)", told)
    assert path is not None, told
    again = model("path", *shlex.split(path[1]))
    assert again.returncode == 1, again.stderr
    assert again.stdout.splitlines() == told.splitlines()[2:-1]
    assert "  2 the offer is given up: Mal closes it unpaid" in told
    assert "    Broken: the void of a payee that can be set back is archived" in told
    shipped = model("path", shlex.split(path[1])[0])
    assert (shipped.returncode, "Broken" in shipped.stdout) == (0, False), shipped.stdout


def test_mutants_are_run_where_the_shipped_code_is_clean() -> None:
    """In `make test`, and but for one in `make model`."""
    wide = {"one counter for both roles"}
    runs = {each.name: each.run.removeprefix(IN_LOCKSTEP) for each in MUTANTS}
    assert len(runs) == len(MUTANTS)
    assert set(runs.values()) <= RUNS.keys()
    assert {name for name, run in runs.items() if RUNS[run] not in QUICK} == wide


def test_a_patch_that_does_not_apply_fails() -> None:
    for source in ("", "a = 1\na = 1\n"):
        with pytest.raises(PatchFailed):
            replaced(source, "a = 1\n", "a = 2\n")
    with pytest.raises(PatchFailed):
        install("duotap.fields", "a", "b")  # it is there already
