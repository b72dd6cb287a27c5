# SPDX-License-Identifier: Apache-2.0
"""Adafruit's library and pn532pi on the chip's serial port; ndeflib as the judge of octets."""

from __future__ import annotations

from peers import ndef_octets
from peers.conftest import Table
from peers.running_field import Started, libnfc, script, told

SELECT = "00a4040007d276000085010100"
SELECT_FILE = "00a4000c02e104"
READ_LENGTH = "00b0000002"
MESSAGE = ndef_octets.uri("https://example.org/a?b=c&d=e")


def tag4(table: Table) -> Started:
    started = Started(libnfc(table.path("tag"), "nfc-emulate-forum-tag4"))
    table.until_doing("tag", "listening")
    return started


def test_adafruit_reads_on_its_uart(table: Table) -> None:
    with tag4(table):
        commands = (SELECT, SELECT_FILE, READ_LENGTH)
        lines = told(script("adafruit_uart", table.path("reader"), *commands))
    assert lines == [
        "version 32010607",
        "asleep True",
        "uid 0800b00b",
        f"{SELECT} 009000",
        f"{SELECT_FILE} 009000",
        f"{READ_LENGTH} 0000219000",
    ]


def test_adafruit_finds_nobody_in_time(table: Table) -> None:
    assert told(script("adafruit_uart", table.path("reader")))[-1] == "uid None"


def test_pn532pi_reads(table: Table) -> None:
    with tag4(table):
        commands = (SELECT, SELECT_FILE, READ_LENGTH)
        lines = told(script("pn532pi_reader", table.path("reader"), *commands))
    assert lines == [
        "version 32010607",
        "sam True",
        "uid True 0800b00b",
        f"{SELECT} True 9000",
        f"{SELECT_FILE} True 9000",
        f"{READ_LENGTH} True 00219000",
    ]


def test_pn532pi_is_a_tag_for_nfcpy(table: Table) -> None:
    new = ndef_octets.uri("tel:+1")
    with Started(script("pn532pi_tag", table.path("tag"), MESSAGE.hex())) as tag:
        table.until_doing("tag", "listening")
        lines = told(script("nfcpy_ndef", table.path("reader"), new.hex()))
        assert tag.ended() == (0, f"ready True\noctets {new.hex()}\n")
    assert lines[1:] == [
        "uid 08123456",
        f"octets {MESSAGE.hex()}",
        "changed False",
        f"octets {new.hex()}",
        "present True",
    ]


def test_ndeflib_means_the_same_octets() -> None:
    lines = told(script("ndeflib_uris"))
    assert lines == [f"{message.hex()}" for message in ndef_octets.MESSAGES[1:]]
