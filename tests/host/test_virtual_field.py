# SPDX-License-Identifier: Apache-2.0
"""`duotap virtual field` from outside: what it prints, what it obeys, and how it ends."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.running_field import DUOTAP, Running


@pytest.fixture
def links(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert list(tmp_path.iterdir()) == [], "it left links behind"


def test_without_options_there_are_two_chips() -> None:
    with Running() as field:
        kinds = [line.split(":")[0] for line in field.opening if not line.startswith(" ")]
        assert kinds == ["chip reader", "chip card", field.opening[-1]]
        path = field.opening[0].split()[2].rstrip(",")
        assert path.startswith("/dev/pts/")
        assert field.opening[1].strip() == f"LIBNFC_DEVICE=pn532_uart:{path} nfc-list -v"


def test_parts_are_moved_and_listed(links: Path) -> None:
    with Running("--chip", "one", "--card", "two", "--links", str(links)) as field:
        assert (links / "one").resolve().as_posix().startswith("/dev/pts/")
        field.tell("out two")
        field.tell("list")
        assert field.until("card two")[-1] == f"card two: {links}/two, away, idle"
        field.tell("in two")
        field.tell("power two")
        field.until_doing("two", "listening")
        field.tell("quit")
        assert field.process.wait() == 0


def test_a_card_shows_its_screen() -> None:
    with Running("--card", "one") as field:
        field.until_shows("one", "duotap")
        field.tell("screen one")
        field.until("  duotap")
        field.tell("hold one fly")
        field.until("a card has no button 'fly'")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fly one", "commands are: list, in NAME"),
        ("in", "commands are: list, in NAME"),
        ("in two", "there is no 'two' here: one"),
        ("until two idle", "there is no 'two' here: one"),
        ("until one flying", "a radio is listening, activated, polling, idle, not 'flying'"),
        ("screen one", "'one' is a chip: it has no buttons and no screen"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(line: str, says: str) -> None:
    with Running("--chip", "one") as field:
        field.tell(line)
        field.until(says)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(links: Path, number: int) -> None:
    with Running("--chip", "one", "--links", str(links)) as field:
        assert field.end(number) == (0, "The field is gone.\n")


def test_it_stays_when_its_input_ends(links: Path) -> None:
    with Running("--chip", "one", "--links", str(links)) as field:
        assert field.process.stdin is not None
        field.process.stdin.close()
        field.process.stdin = None
        with pytest.raises(subprocess.TimeoutExpired):
            field.process.wait(0.3)
        assert field.end(signal.SIGINT) == (0, "The field is gone.\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--chip", "a", "--card", "a"], "two parts are called 'a'"),
        (["--chip", "a b"], "1 to 20 letters, digits or dashes, unlike 'a b'"),
        (["--chip", "a", "--links", "/nowhere"], "'/nowhere' does not exist"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(options: list[str], says: str) -> None:
    ended = subprocess.run([*DUOTAP, *options], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_file_that_is_no_link_is_not_replaced(tmp_path: Path) -> None:
    kept = tmp_path / "a"
    kept.write_text("mine")
    options = ["--chip", "a", "--links", str(tmp_path)]
    ended = subprocess.run([*DUOTAP, *options], capture_output=True, text=True, check=False)
    assert ended.stderr == f"duotap: {kept} exists and is no link\n"
    assert kept.read_text() == "mine"
