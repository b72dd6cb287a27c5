# SPDX-License-Identifier: Apache-2.0
"""nfc-relay-picc between two fields: card, chip, relay, pipe, relay, chip, field, chip, nfcpy.

Its answers come late: the listening chip has to ask for more time, again and again if need be.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from peers.conftest import Table
from peers.our_card import SELECT, by_nfcpy
from peers.running_field import Started, libnfc, run, script, told

CHIPS = ("--chip", "reader", "--chip", "tag")
NEVER_US = 3_600_000_000
# A chip that never asks for more time.
MUTE = f"""\
from duotap_host.virtual import isodep_picc
isodep_picc.WTX_AFTER_US = {NEVER_US}
from duotap_host.cli.main import main
main()
"""
WITHOUT_WTX = (sys.executable, "-c", MUTE, "virtual", "field")
AS_3_AND_4 = """\
import fcntl, os, sys
source, sink = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(source, 3)
os.dup2(sink, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
DUOTAP_FCI = "6f0d8407f044554f544150"


@contextmanager
def relay(near: Table, far: Table, *late: str) -> Iterator[None]:
    """Both halves of nfc-relay-picc, each reading descriptor 3 and writing descriptor 4."""
    there, back = os.pipe(), os.pipe()
    with ExitStack() as stack:
        for path, source, sink, options in (
            (near.path("reader"), there[0], back[1], ["-i"]),
            (far.path("tag"), back[0], there[1], ["-t", *late]),
        ):
            launch = [sys.executable, "-c", AS_3_AND_4, str(source), str(sink)]
            half = libnfc(path, *launch, "nfc-relay-picc", *options)
            stack.enter_context(Started(half, pass_fds=(source, sink)))
        for end in (*there, *back):
            os.close(end)
        far.until_doing("tag", "listening")
        yield


@pytest.fixture
def far(tmp_path: Path) -> Path:
    folder = tmp_path / "far"
    folder.mkdir()
    return folder


def test_our_card_is_relayed_byte_by_byte(table_with_card: Table, far: Path) -> None:
    other = Table(far, *CHIPS)
    with other, relay(table_with_card, other):
        heard = by_nfcpy(other)
    table_with_card.until_doing("wallet", "listening")
    assert heard == by_nfcpy(table_with_card)


def test_an_answer_two_seconds_late_is_waited_for(table_with_card: Table, far: Path) -> None:
    """One extension is 1.08 s long: the chip asks for a second one."""
    other = Table(far, *CHIPS)
    with other, relay(table_with_card, other, "-n", "2"):
        lines = told(script("nfcpy_apdu", other.path("reader"), "-", SELECT))
    assert lines[1].startswith(f"{SELECT} {DUOTAP_FCI}")


def test_a_chip_that_asks_for_no_time_loses_the_reader(table_with_card: Table, far: Path) -> None:
    other = Table(far, *CHIPS, command=WITHOUT_WTX)
    with other, relay(table_with_card, other, "-n", "2"):
        ended = run(script("nfcpy_apdu", other.path("reader"), "-", SELECT))
    assert ended.returncode == 1
    assert "Type4TagCommandError" in ended.stdout
