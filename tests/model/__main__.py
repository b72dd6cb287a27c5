# SPDX-License-Identifier: Apache-2.0
"""`python -m model`: explore all runs, or one; try mutants; play one path again; live through
random ones in lockstep with real signatures and the ledger in SQL.

Nothing of the project is imported before a mutant has been put in its place.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from multiprocessing import Pool
from typing import TYPE_CHECKING, Any, NamedTuple

from model.mutant import IN_LOCKSTEP, PATHS_MAX, Mutant
from model.mutants import MUTANTS
from model.patch import install

if TYPE_CHECKING:
    from model.bounds import Bounds
    from model.laws import Violation

WORKERS = 2
FOREIGN = ("sqlalchemy", "cryptography")  # imported once for all that are tried


class Verdict(NamedTuple):
    """A line of the table, whether it is as it should be, and a story if there is one."""

    line: str
    is_right: bool
    story: tuple[str, ...]


def explore(name: str) -> Verdict:
    """One run of the shipped modules: no counterexample, and no fewer states than there were."""
    from model.explorer import Explorer
    from model.runs import RUNS
    from model.story import path_id, tell

    bounds = RUNS[name]
    began = time.process_time()
    found = Explorer(bounds).run()
    seconds = time.process_time() - began
    line = (
        f"{name:20}{found.states:9}{bounds.floor:9}{found.steps:10}"
        f"{len(found.system.steps.nodes):9}{seconds:8.1f}"
    )
    if found.violation is None:
        return Verdict(line, found.states >= bounds.floor, ())
    story = tell(found.system, found.path, found.violation)
    return Verdict(line, False, (*story, f"    Path: {path_id(found.system, found.path)}"))


def try_mutant(name: str) -> Verdict:
    """Put a mutant in its place, in this process, and look for the story that kills it."""
    mutant = of(name)
    install(mutant.module, mutant.old, mutant.new)
    explorer = explore_mutant if mutant.run in runs() else live_mutant
    states, steps, violation, story = explorer(mutant)
    is_right = violation is not None and violation.law in mutant.laws
    how = violation.law if violation is not None else "nothing: it lives"
    return Verdict(f"{name:46}{mutant.run:24}{states:8}{steps:6}  {how}", is_right, story)


def runs() -> dict[str, Bounds]:
    from model.runs import RUNS

    return RUNS


def explore_mutant(mutant: Mutant) -> tuple[int, int, Violation | None, tuple[str, ...]]:
    """How many states were seen, the length of the path, what it breaks, the story."""
    from model.explorer import Explorer
    from model.story import path_id, tell

    found = Explorer(runs()[mutant.run]).run()
    if found.violation is None:
        return found.states, 0, None, ()
    again = f"    Path: {path_id(found.system, found.path)} --mutant '{mutant.name}'"
    story = (*tell(found.system, found.path, found.violation), again)
    return found.states, len(found.path), found.violation, story


def live_mutant(mutant: Mutant) -> tuple[int, int, Violation | None, tuple[str, ...]]:
    """The same on paths in lockstep."""
    from model.paths import lived

    for seed in range(1, PATHS_MAX + 1):
        name = f"{mutant.run.removeprefix(IN_LOCKSTEP)}:{seed}"
        done = lived(name)
        if done.violation is not None:
            story = (*done.story(), f"    Path: {name} --mutant '{mutant.name}'")
            return seed, len(done.told), done.violation, story
    return PATHS_MAX, 0, None, ()


def of(name: str) -> Mutant:
    """The mutant with this name."""
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def play_again(path: str, mutant: str) -> Verdict:
    """One path alone, from its id."""
    if mutant:
        chosen = of(mutant)
        install(chosen.module, chosen.old, chosen.new)
    from model.runs import RUNS
    from model.story import Lost, play, tell
    from model.system import System

    name, _, tokens = path.partition("/")
    system = System(RUNS[name])
    try:
        actions, violation = play(system, [token for token in tokens.split(",") if token])
    except Lost as lost:
        return Verdict("", False, (f"{lost} cannot happen there: another program made the path",))
    return Verdict("", violation is None, tuple(tell(system, actions, violation)))


def live(name: str) -> Verdict:
    """One path in lockstep with real signatures and the ledger in SQL."""
    from model.paths import lived

    done = lived(name)
    story = (*done.story(), f"    Path: {name}")
    return Verdict(f"{name:20}{len(done.told):6}", done.violation is None, story)


def live_again(name: str, mutant: str) -> Verdict:
    """A path alone, from its name."""
    if mutant:
        chosen = of(mutant)
        install(chosen.module, chosen.old, chosen.new)
    return live(name)


def paths(count: int, seed: int) -> bool:
    """So many paths; says how many steps were made of each run, and tells what differs."""
    from model.paths import names

    steps: dict[str, list[int]] = {}
    wrong = 0
    with Pool(WORKERS) as pool:
        for verdict in pool.imap(live, names(count, seed), chunksize=8):
            name, made = verdict.line.split()
            steps.setdefault(name.partition(":")[0], []).append(int(made))
            if not verdict.is_right:
                wrong += 1
                print("\n".join(verdict.story), flush=True)
    print(f"{'run':20}{'paths':>9}{'steps':>9}")
    for run, of_run in steps.items():
        print(f"{run:20}{len(of_run):9}{sum(of_run):9}")
    made_by_all = sum(map(sum, steps.values()))
    print(f"{'all':20}{count:9}{made_by_all:9}  seed {seed}; {wrong} differ", flush=True)
    return not wrong


def table(head: str, work: Any, names: list[str], is_telling: bool) -> bool:
    """Each in a process of its own; True if all are right."""
    print(head)
    is_right = True
    with Pool(WORKERS, maxtasksperchild=1) as pool:
        for verdict in pool.imap(work, names):
            print(verdict.line, "" if verdict.is_right else "  <- WRONG", flush=True)
            is_right = is_right and verdict.is_right
            if is_telling or not verdict.is_right:
                print("\n".join(verdict.story))
    return is_right


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="model", description=__doc__)
    parser.add_argument("what", choices=("quick", "full", "mutants", "path", "paths"))
    parser.add_argument(
        "names", nargs="*", help="of runs or mutants, or of a path; of paths: how many"
    )
    parser.add_argument("--mutant", default="", help="play a path against this mutant")
    parser.add_argument("--seed", type=int, default=1, help="of paths")
    parser.add_argument("--tell", action="store_true", help="print the story of each mutant")
    asked = parser.parse_intermixed_args()
    if asked.what == "path":
        again = live_again if ":" in asked.names[0] else play_again
        verdict = again(asked.names[0], asked.mutant)
        print("\n".join(verdict.story))
        return 0 if verdict.is_right else 1
    for foreign in FOREIGN:
        importlib.import_module(foreign)
    if asked.what == "paths":
        return 0 if paths(int(asked.names[0]), asked.seed) else 1
    if asked.what == "mutants":
        names = asked.names or [mutant.name for mutant in MUTANTS]
        head = f"{'mutant':46}{'run':24}{'states':>8}{'steps':>6}  dies of"
        return 0 if table(head, try_mutant, names, asked.tell) else 1
    from model.runs import FULL, QUICK

    runs = QUICK if asked.what == "quick" else (*QUICK, *FULL)
    names = asked.names or [run.name for run in runs]
    head = f"{'run':20}{'states':>9}{'floor':>9}{'steps':>10}{'images':>9}{'CPU s':>8}"
    return 0 if table(head, explore, names, asked.tell) else 1


if __name__ == "__main__":
    sys.exit(main())
