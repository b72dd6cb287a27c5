# SPDX-License-Identifier: Apache-2.0
"""libnfc's programs on the virtual chip, as Debian builds them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from peers import ndef_octets
from peers.conftest import Table
from peers.running_field import Started, libnfc, run, script, told

UID = "08  00  b0  0b"  # of the tag that nfc-emulate-forum-tag4 shows
LINES = ("stdbuf", "-oL")  # has a program write line by line
RELEASED = "Target Released"  # its normal end


def emulated(table: Table, *command: str) -> Started:
    """A program that listens on the chip `tag`, once it does."""
    started = Started(libnfc(table.path("tag"), *(command or ("nfc-emulate-forum-tag4",))))
    table.until_doing("tag", "listening")
    return started


def test_nfc_list_tells_all_of_a_tag(table: Table) -> None:
    with emulated(table) as tag:
        lines = told(libnfc(table.path("reader"), "nfc-list", "-v"))
        status, said = tag.ended()
    assert "1 ISO14443A passive target(s) found:" in lines
    for line in (
        "    ATQA (SENS_RES): 00  04  ",
        f"       UID (NFCID3): {UID}  ",
        "* Random UID",
        "      SAK (SEL_RES): 20  ",
        "                ATS: 75  33  92  03  ",
        "* Max Frame Size accepted by PICC: 64 bytes",
        "* Frame Waiting Time: 154.7 ms",
        "* Start-up Frame Guard Time: 1.208 ms",
    ):
        assert line in lines
    assert (status, RELEASED in said) == (1, True)


def test_nfc_list_of_an_empty_field_ends(table: Table) -> None:
    lines = told(libnfc(table.path("reader"), "nfc-list", "-v"))
    found = [line.split()[0] for line in lines if line.endswith("passive target(s) found.")]
    assert found == ["0"] * 10


def test_nfc_list_comes_back_as_often_as_one_likes(table: Table) -> None:
    for _ in range(3):
        with emulated(table):
            assert UID in "\n".join(told(libnfc(table.path("reader"), "nfc-list")))


def test_nfc_scan_device_knows_the_chip(table: Table) -> None:
    assert "chip: PN532 v1.6" in told(libnfc(table.path("reader"), "nfc-scan-device", "-v"))


def test_nfc_poll_sees_a_tag_come_and_go(table: Table) -> None:
    with emulated(table) as tag, Started(libnfc(table.path("reader"), *LINES, "nfc-poll")) as poll:
        seen = poll.until("ATS: 75  33  92  03")
        table.tell("out tag")
        _, said = poll.ended()
        assert tag.ended()[0] == 1
    assert any(UID in line for line in seen)
    assert "Waiting for card removing..." in said
    assert "done." in said


def test_felica_polling_is_answered_as_well(table: Table) -> None:
    """What telephones fall for: a PN532 that listens answers each kind of polling."""
    with emulated(table):
        lines = told(libnfc(table.path("reader"), "pn53x-tamashell"), "60 01 01 11\n")
    assert any(line.startswith("Rx: 01  11  13  01  12  01  00") for line in lines), lines


def test_nfc_anticol_selects_by_hand(table: Table) -> None:
    with emulated(table):
        lines = told(libnfc(table.path("reader"), "nfc-anticol"))
    assert lines[-4:] == [
        " UID: 0800b00b",
        "ATQA: 0004",
        " SAK: 20",
        " ATS: 05  75  33  92  03  ac  63  ",
    ]


@pytest.mark.parametrize("octets", ndef_octets.MESSAGES, ids=len)
def test_forum_tag_4_is_read_and_written_by_nfcpy(
    table: Table, tmp_path: Path, octets: bytes
) -> None:
    source = tmp_path / "message"
    source.write_bytes(octets)
    with emulated(table, "nfc-emulate-forum-tag4", str(source)) as tag:
        new = ndef_octets.uri("https://example.org/written?a=1&b=2")
        lines = told(script("nfcpy_ndef", table.path("reader"), new.hex()))
        assert tag.ended()[0] == 1
    assert lines[1:] == [
        "uid 0800b00b",
        f"octets {octets.hex()}",
        "changed False",
        f"octets {new.hex()}",
        "present True",
    ]


def test_forum_tag_2_is_read_command_by_command(table: Table) -> None:
    """A tag without ISO 14443-4: frames of two bytes, which its host answers in time."""
    with emulated(table, "nfc-emulate-forum-tag2"):
        asked = "4a 01 00\n40 01 30 00\n40 01 30 04\n"
        lines = told(libnfc(table.path("reader"), "pn53x-tamashell"), asked)
    answers = [line.removeprefix("Rx: ").split() for line in lines if line.startswith("Rx: ")]
    assert "".join(answers[0]).startswith("0101000400" + "04" + "0800b00b")
    assert "".join(answers[1]) == "00" + "00" * 10 + "ffff" + "e110060f"
    assert "".join(answers[2]).startswith("00" + "0321d1021c5370")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["nfc-mfclassic", "r", "a", "u", "/dev/null"], "Warning: tag is probably not a MFC!"),
        (["nfc-mfultralight", "r", "/dev/null"], "nfc-mfultralight: ERROR:"),
        (
            ["nfc-read-forum-tag3", "-o", "/dev/null"],
            "Place your NFC Forum Tag Type 3 in",
        ),
        (["nfc-jewel", "r", "/dev/null"], "nfc-jewel: ERROR: no tag was found"),
        (["nfc-mfsetuid"], "Sent bits:     93  70"),
    ],
    ids=lambda value: value[0],
)
def test_programs_for_other_cards_end_and_do_our_card_no_harm(
    table_with_card: Table, command: list[str], says: str
) -> None:
    table = table_with_card
    ended = run(libnfc(table.path("reader"), *command))
    assert says in ended.stdout
    table.until_doing("wallet", "listening")
    select = "00a4040007f044554f54415000"
    assert told(script("nfcpy_apdu", table.path("reader"), "-", select))[-1].endswith("9000")


def test_pn53x_diagnose_finds_nothing_wrong(table: Table) -> None:
    lines = told(libnfc(table.path("reader"), "pn53x-diagnose"))
    assert [line for line in lines if "test" in line.lower()] == [
        " Communication line test: OK",
        " ROM test: OK",
        " RAM test: OK",
    ]


def test_nfc_emulate_uid_shows_a_uid(table: Table) -> None:
    with emulated(table, "nfc-emulate-uid", "DEADBEEF"):
        lines = told(libnfc(table.path("reader"), "nfc-list"))
    uids = [match[1] for line in lines if (match := re.search(r"UID \(NFCID.\): (.*\S)", line))]
    assert uids == ["08  ad  be  ef"]
