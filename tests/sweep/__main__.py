# SPDX-License-Identifier: Apache-2.0
"""Cut every tap and every visit at the cable, everywhere: `python -m sweep`, or `make sweep`.

Prints a table; each fault with its story, and how to live through its point again. The exit status
is 1 if there is one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.matrix import Row

JOBS = 2
TOLD_MAX = 5  # faults of a story that are told at length
AGAIN = "PYTHONPATH=tests:tests/both:firmware .venv/bin/python -m sweep {}--point"


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sweep", description=__doc__)
    parser.add_argument("--story", action="append", default=[], help="only this one, or these")
    parser.add_argument("--kind", action="append", default=[], help="flash, radio, cable")
    parser.add_argument("--way", action="append", default=[], help="again, cut twice, ...")
    parser.add_argument("--share", type=float, default=1.0, help="of all points, at random")
    parser.add_argument("--sample", type=int, default=0, help="about so many points of each story")
    parser.add_argument("--seed", type=int, default=1, help="of keys, and of what is random")
    parser.add_argument("--point", default="", help="live through this one only, and tell it")
    parser.add_argument("--mutant", default="", help="with one rule left out of the firmware")
    parser.add_argument("--plain", action="store_true", help="sign with the shipped integers")
    parser.add_argument("--jobs", type=int, default=JOBS, help="processes at once")
    parser.add_argument("--readme", action="store_true", help="write the table there")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    chosen = parsed(arguments)
    if chosen.mutant:
        from sweep.mutants import MUTANTS  # before anything of the firmware is imported

        MUTANTS[chosen.mutant].install()
    from sweep import matrix
    from sweep.stories import STORIES

    seed, names = chosen.seed, chosen.story or list(STORIES)
    if chosen.point:
        name, *_, seed = chosen.point.split(":")
        names = [name]
    rows = [played(chosen, name, int(seed), share(chosen, name)) for name in names]
    total = matrix.total(rows)
    print(matrix.markdown([*rows, total]))
    if chosen.readme:
        matrix.write(rows, list(STORIES))
    return 1 if total.lost + total.created + total.others else 0


def share(chosen: argparse.Namespace, name: str) -> float:
    """Of all points of a story; the table that is kept says how many it has."""
    from sweep import matrix

    if not chosen.sample:
        return float(chosen.share)
    rows = {row.story: row for row in matrix.read(matrix.README.read_text(encoding="utf-8"))}
    return float(chosen.sample / rows[name].points * rows[name].share / 100)


def played(chosen: argparse.Namespace, name: str, seed: int, share: float) -> Row:
    """One story; tells of it and returns its row."""
    from sweep import matrix
    from sweep.choice import Choice
    from sweep.stories import STORIES
    from sweep.town import QuickDevice
    from sweep.trunk import Trunk

    QuickDevice.plainly = chosen.plain
    story = STORIES[name]
    choice = Choice(share, chosen.kind, chosen.point, chosen.way)
    again = AGAIN.format(f"--mutant '{chosen.mutant}' " if chosen.mutant else "")
    began, before = time.monotonic(), sum(os.times()[:4])
    trunk = Trunk(story, seed, choice, chosen.jobs)
    trunk.play()
    row = matrix.row(name, share, trunk.results, trunk.same)
    took, spent = time.monotonic() - began, sum(os.times()[:4]) - before
    counts = f"{row.points} points, {row.futures} futures"
    print(f"{name}: {counts}, {took:.0f} s, of which computed {spent:.0f} s", flush=True)
    faults = [each for each in trunk.results if each.property][:TOLD_MAX]
    for result in trunk.results if chosen.point else faults:
        fault = f"{result.text}\n{again} {result.point}" if result.property else result.end
        print(*result.told, f"-> {result.way} {result.order}: {fault}", sep="\n", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
