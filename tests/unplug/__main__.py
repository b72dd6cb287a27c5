# SPDX-License-Identifier: Apache-2.0
"""Unplug boards at random bytes, then do the same again: `python -m unplug`, or `make unplug`.

Prints a table, each fault, and how to live through its point again. The exit status is 1 if a
second run neither ended it nor named the command that does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from unplug.point import Point, Result, parse
from unplug.works import WORKS, live

COUNT = 500
AGAIN = "PYTHONPATH=tests:tests/both:firmware .venv/bin/python -m unplug --point"


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="unplug", description=__doc__)
    parser.add_argument("--work", action="append", choices=WORKS, help="only this one, or these")
    parser.add_argument("--count", type=int, default=COUNT, help="points of each")
    parser.add_argument("--seed", type=int, default=1, help="of the bytes")
    parser.add_argument("--point", default="", help="live through this one only, and tell it")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    return parser.parse_args(arguments)


def row(work: str, results: Sequence[Result], took_s: float) -> str:
    """A line of the table."""
    broken = sum(1 for result in results if result.told)
    named = sum(1 for result in results if result.fault and result.named)
    faults = sum(1 for result in results if result.fault and not result.named)
    ended = len(results) - named - faults
    counts = "".join(f"{count:>9}" for count in (len(results), broken, ended, named, faults))
    return f"{work:14}{results[0].whole:>10}{counts}{took_s:>7.0f} s"


def main(arguments: Sequence[str]) -> int:
    chosen = parsed(arguments)
    if chosen.point:
        result = live(parse(chosen.point))
        print(f"{result.point}: byte {result.byte} of {result.whole}: {result.told or 'over'}")
        print(f"then: {result.fault or 'ended'} {result.named}")
        return int(bool(result.fault and not result.named))
    print(f"seed {chosen.seed}, {chosen.count} points of each")
    columns = "".join(f"{name:>9}" for name in ("points", "broken", "ended", "named", "faults"))
    print(f"{'work':14}{'bytes':>10}{columns}", flush=True)
    failed = 0
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for work in chosen.work or WORKS:
            began = time.monotonic()
            points = [Point(work, chosen.seed, number) for number in range(chosen.count)]
            results = list(pool.map(live, points, chunksize=5))
            print(row(work, results, time.monotonic() - began), flush=True)
            faults = [result for result in results if result.fault and not result.named]
            failed += len(faults)
            for result in faults[:5]:
                print(f"  byte {result.byte}: {result.fault}\n  {AGAIN} {result.point}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
