# SPDX-License-Identifier: Apache-2.0
"""nfcpy on the virtual chip: as a reader (see also test_libnfc.py), in its own loop, as a card."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from peers import ndef_octets
from peers.conftest import Table
from peers.running_field import Started, libnfc, run, script, told

ATTEMPTS_MAX = 10
SELECT = "00a4040007d276000085010100"


def test_reader_and_card_are_both_nfcpy(table: Table) -> None:
    """As a card nfcpy does ISO 14443-4 by itself, over raw frames, and so it does as a reader."""
    long = "00d6000080" + "5a" * 128
    with Started(script("nfcpy_emulate", table.path("tag"))) as card:
        table.until_doing("tag", "listening")
        lines = told(script("nfcpy_apdu", table.path("reader"), "-", SELECT, long))
        _, said = card.ended()
    assert lines == ["uid 08010203", f"{SELECT} {SELECT}9000", f"{long} {long}9000"]
    assert [line for line in said.splitlines() if line.startswith("apdu")] == [
        f"apdu {SELECT}",
        f"apdu {long}",
    ]


def test_libnfc_reads_a_card_that_is_nfcpy(table: Table) -> None:
    """Its host has 6 ms for the ATS: a busy computer needs several attempts."""
    with Started(script("nfcpy_emulate", table.path("tag"))):
        table.until_doing("tag", "listening")
        lines: list[str] = []
        for _ in range(ATTEMPTS_MAX):
            lines = told(libnfc(table.path("reader"), "nfc-list"))
            if any("08  01  02  03" in line for line in lines):
                break
    assert any("08  01  02  03" in line for line in lines)
    assert any("78  80  70  02" in line for line in lines), "its ATS is nfcpy's own"


def test_its_loop_sees_a_tag_come_and_go_twice(table: Table) -> None:
    with Started(script("nfcpy_connect", table.path("reader"))) as loop:
        for _ in range(2):
            with Started(libnfc(table.path("tag"), "nfc-emulate-forum-tag4")) as tag:
                table.tell("in tag")
                assert loop.line().startswith("came Type4ATag")
                table.tell("out tag")
                assert loop.line().startswith("went Type4ATag")
                assert tag.ended()[0] == 1
        assert loop.ended() == (0, "")


def test_a_uid_is_chosen_and_another_is_not_there(table: Table) -> None:
    with Started(libnfc(table.path("tag"), "nfc-emulate-forum-tag4")):
        table.until_doing("tag", "listening")
        wrong = run(script("nfcpy_apdu", table.path("reader"), "0800b00c", SELECT))
        assert wrong.returncode == 1
        assert "LookupError: no tag came" in wrong.stdout
        right = told(script("nfcpy_apdu", table.path("reader"), "0800b00b", SELECT))
    assert right == ["uid 0800b00b", f"{SELECT} 9000"]


@pytest.mark.skipif(not os.access("/dev", os.W_OK), reason="cannot run: nobody may link in /dev")
def test_a_chip_is_opened_by_its_name() -> None:
    name = f"duotap{os.getpid()}"
    with Table(Path("/dev"), "--chip", name) as table:
        assert f"    python -m nfc --device tty:{name}:pn532" in table.opening
        wrong = run(script("nfcpy_apdu", table.path(name), "-", SELECT))
        assert "LookupError: no tag came" in wrong.stdout


def test_a_dead_terminal_is_given_up(table: Table) -> None:
    table.end(2)
    ended = run(script("nfcpy_apdu", table.path("reader"), "-", SELECT))
    assert ended.returncode == 1
    assert "could not open port" in ended.stdout or "No such device" in ended.stdout


def test_what_was_not_written_is_not_read(table: Table, tmp_path: Path) -> None:
    """The comparison of octets can fail."""
    source = tmp_path / "message"
    source.write_bytes(ndef_octets.uri("https://example.org/other"))
    with Started(libnfc(table.path("tag"), "nfc-emulate-forum-tag4", str(source))):
        table.until_doing("tag", "listening")
        lines = told(script("nfcpy_ndef", table.path("reader")))
    assert f"octets {ndef_octets.uri('https://example.org/x').hex()}" not in lines
    assert f"octets {ndef_octets.uri('https://example.org/other').hex()}" in lines
