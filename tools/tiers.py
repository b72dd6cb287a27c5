# SPDX-License-Identifier: Apache-2.0
"""Runs tiers of tests one after the other and prints a table of what ran.

A tier can end in four ways:
1. passed: at least one test passed, none failed;
2. failed: pytest says so, with its own words above the table;
3. empty: nothing passed, so nothing is known; that is a failure;
4. skipping: some tests did not run. A test may skip only where it cannot run, and says so:
   `pytest.skip("cannot run: no X here")`. Any other skip is a failure.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "tiers"
# The machines that this has to end on in time have two cores.
WORKERS = 2
CANNOT_RUN = "cannot run:"
# The tier "long" is no folder but what is marked so in these.
LONG = [f"tests/{name}" for name in ("upy", "host", "duet", "sim")]


class Tier(NamedTuple):
    """What one pytest run came to; `skips` are the reasons given."""

    name: str
    passed: int
    failed: int
    skips: list[str]
    seconds: float
    status: int

    def faults(self) -> list[str]:
        """Why this tier does not pass, a line each."""
        lines = [f"skipped though it could run: {s}" for s in self.skips if CANNOT_RUN not in s]
        if self.passed == 0:
            lines.append("no test passed")
        if self.status != 0 and self.passed:
            lines.append(f"{self.failed} failed")
        return [f"{self.name}: {line}" for line in lines]


def run(name: str) -> Tier:
    """pytest writes to the terminal itself; its report is read for the table."""
    print(f"\n== tests/{name}", flush=True)
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-n", str(WORKERS)]
    command += ["--dist", "worksteal", f"--junitxml={report}"]
    command += ["-m", "long", *LONG] if name == "long" else ["-m", "not long", f"tests/{name}"]
    started = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    return read(name, report, time.monotonic() - started, status)


def read(name: str, report: Path, seconds: float, status: int) -> Tier:
    """A missing report (no such folder, pytest died) counts as nothing passed."""
    cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    bad = [case for case in cases if {"failure", "error"} & {child.tag for child in case}]
    skips = [skip.get("message", "") for case in cases for skip in case.findall("skipped")]
    passed = len(cases) - len(bad) - len(skips)
    return Tier(name, passed, len(bad), skips, seconds, status)


def print_table(tiers: list[Tier]) -> None:
    """A row a tier and their sum."""
    total = Tier(
        "all",
        sum(tier.passed for tier in tiers),
        sum(tier.failed for tier in tiers),
        [skip for tier in tiers for skip in tier.skips],
        sum(tier.seconds for tier in tiers),
        0,
    )
    print(f"\n{'tier':8}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for tier in [*tiers, total]:
        counts = f"{tier.passed:8}{tier.failed:8}{len(tier.skips):9}"
        print(f"{tier.name:8}{counts}{tier.seconds:9.1f}")


def main(names: list[str]) -> int:
    """All tiers run even when one fails: the table tells about each."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    tiers = [run(name) for name in names]
    print_table(tiers)
    faults = [fault for tier in tiers for fault in tier.faults()]
    for fault in faults:
        print(fault)
    print("tests: FAILED" if faults else "tests: passed", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
