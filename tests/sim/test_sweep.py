# SPDX-License-Identifier: Apache-2.0
"""A sample of all cuts (tests/sweep; `make sweep` tries every one), and that the sweep can fail.

Each runs in a process of its own, which forks: pytest's own has threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from duotap import slip
from duotap_host.virtual.nor import PAGE
from port.signer import SoftwareSigner
from sweep import matrix
from sweep.matrix import Row
from sweep.mutants import MUTANTS
from sweep.points import FLASH, TEARS, Point, cable_bytes, classes, parse, tear
from sweep.quick_signer import QuickSigner
from sweep.stories import STORIES

ROOT = Path(__file__).parents[2]
PATHS = ("tests", "tests/both", "firmware")
SAMPLE = 7  # points of each story, besides the one that is not cut
TOGETHER = 5  # stories in one process, which takes as long to start as some points
NAMES = tuple(STORIES)
GROUPS = [NAMES[at : at + TOGETHER] for at in range(0, len(NAMES), TOGETHER)]
# Bytes on the air that a whole sweep cuts at least: one that shrinks unnoticed proves less.
RADIO = {"stand-cold": 4_000, "person-cold": 4_000, "stand-warm": 2_000, "person-warm": 2_000}


def sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(ROOT / path) for path in PATHS)
    return subprocess.run(
        [sys.executable, "-m", "sweep", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def kept() -> dict[str, Row]:
    """The table of the last whole sweep."""
    return {row.story: row for row in matrix.read(matrix.README.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("stories", GROUPS, ids=",".join)
def test_some_cuts_end_well(stories: tuple[str, ...]) -> None:
    names = [each for story in stories for each in ("--story", story)]
    done = sweep(*names, "--sample", str(SAMPLE), "--jobs", "1")
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    rows = {row.story: row for row in matrix.read(done.stdout)}
    assert list(rows) == [*stories, "all"]
    for row in rows.values():
        assert row.points
        assert row.whole + row.retouch + row.void + row.settlement == row.futures


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_left_out_is_missed(name: str) -> None:
    """By a fault of the property that it keeps, and with the command that shows it again."""
    mutant = MUTANTS[name]
    done = sweep("--mutant", name, *mutant.arguments, "--jobs", "1")
    print(done.stdout[-4000:], done.stderr)
    assert done.returncode == 1
    assert any(f": {each}: " in done.stdout for each in mutant.properties)
    assert f"--mutant '{name}' --point" in done.stdout


def test_a_point_is_lived_through_again_by_its_name() -> None:
    name = "receipt:radio:payer:5:3:1"
    once, again = sweep("--point", name), sweep("--point", name)
    assert once.returncode == 0
    assert name in once.stdout
    times = [line for line in once.stdout.splitlines() if line.startswith(" ")]
    assert times == [line for line in again.stdout.splitlines() if line.startswith(" ")]
    assert matrix.read(once.stdout)[0].points == 1


def test_shipped_integers_come_to_the_same() -> None:
    arguments = ("--story", "receipt", "--kind", "flash", "--share", "0.15")
    quick, plain = sweep(*arguments), sweep(*arguments, "--plain")
    assert plain.returncode == 0
    assert matrix.read(quick.stdout) == matrix.read(plain.stdout)


class Counted:
    """Entropy that is the same twice."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, purpose: str, nbytes: int) -> bytes:
        self._count += 1
        return bytes([self._count]) * nbytes


def test_the_quick_signer_signs_as_the_shipped_one() -> None:
    secret = 0x1F2E3D4C5B6A79 << 180
    plain = SoftwareSigner(secret, Counted(), 1, 1)
    quick = QuickSigner(plain, secret, Counted())
    for count in range(20):
        digest = bytes([count]) * 32
        signature = plain.sign(digest)
        assert quick.sign(digest) == signature
        quick.verify(plain.public_key(), digest, signature)


def test_points_have_names() -> None:
    point = Point("stand-cold", FLASH, "payer", 3, 2, 1)
    assert str(point) == "stand-cold:flash:payer:3:2:1"
    assert parse(str(point)) == point


def test_cuts_at_the_cable_are_one_class_where_the_same_arrives() -> None:
    frame = slip.encode(7, bytes.fromhex("80c0db05c0db"))
    last = len(frame)
    assert classes(frame) == [[*range(last - 1)], [last - 1], [last]]
    assert [len(each) for each in classes(frame + frame)] == [last - 1, 1, last - 1, 1, 1]
    assert cable_bytes(frame) == [0, (last - 1) // 2, last - 2, last - 1, last]


def test_tears_are_all_between_nothing_and_everything() -> None:
    old, new = b"\xff" * PAGE, bytes(PAGE)
    left = [tear(Point("x", FLASH, "y", 0, at, 1), PAGE).left(old, new) for at in range(TEARS)]
    assert left[:2] == [old, new]
    assert len(set(left[2:]) - {old, new}) > 1


def test_the_kept_table_is_of_these_stories_and_nothing_was_lost() -> None:
    rows = kept()
    assert list(rows) == [*STORIES, "all"]
    assert rows["all"] == matrix.total([row for name, row in rows.items() if name != "all"])
    for row in rows.values():
        assert (row.lost, row.created, row.others) == (0, 0, 0)
        assert row.points == row.flash + row.radio + row.cable + (
            1 if row.story != "all" else len(STORIES)
        )
        assert row.whole + row.retouch + row.void + row.settlement == row.futures
    for name, floor in RADIO.items():
        assert rows[name].share < 100 or rows[name].radio >= floor


def test_a_table_is_read_as_it_was_written() -> None:
    rows = [Row("stand-cold", 100, 1_234, *range(13)), Row("all", 50, 1_234, *range(13))]
    assert matrix.read("before\n" + matrix.markdown(rows) + "after\n") == rows
    with pytest.raises(ValueError, match="other columns"):
        matrix.read(matrix.markdown(rows).replace("created", "made"))
