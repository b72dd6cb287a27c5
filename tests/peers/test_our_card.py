# SPDX-License-Identifier: Apache-2.0
"""Our own firmware behind the virtual chip, before other people's programs: the same bytes over
radio by nfcpy, by PC/SC, and over its cable."""

from __future__ import annotations

import os
import re
import socket

import pytest
from peers.conftest import Table
from peers.our_card import APDUS, PLAIN, SELECT, by_nfcpy, over_serial, provision
from peers.running_field import Started, run, script, told

PCSCD = "/usr/sbin/pcscd"
COMM = "/run/pcscd/pcscd.comm"
VPCD = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
ATTEMPTS_MAX = 500  # each takes some milliseconds while nobody listens
HEX_LINE = re.compile(r"^((?:[0-9A-F]{2} )+)")


def close_cable(table: Table) -> None:
    """Press a button: the first one may fall into the last 50 ms of the session."""
    for _ in range(2):
        table.tell("press wallet ok")
    table.until_doing("wallet", "listening")


def arm(table: Table) -> None:
    table.tell("press wallet pay")
    table.until_shows("wallet", "UP")


def test_a_new_card_answers_alike_over_radio_and_cable(table_with_card: Table) -> None:
    heard = by_nfcpy(table_with_card)
    assert heard[2] == "6f0d8407f044554f544150a5020102" + "9000"
    assert heard == over_serial(table_with_card.path("wallet"))


def test_each_activation_has_a_uid_of_its_own(table_with_card: Table) -> None:
    uids = {
        told(script("nfcpy_apdu", table_with_card.path("reader"), "-", SELECT))[0]
        for _ in range(3)
    }
    assert len(uids) == 3
    assert all(uid.startswith("uid 08") for uid in uids)


def free_ports() -> int:
    """The first of two neighbouring ports of loopback that nobody listens on."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port: int = one.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except OSError:
                continue
            return port


def by_pcsc(table: Table) -> tuple[str, list[str]]:
    """ATR and answers through opensc-tool, pcscd, vpcd, nfcpy and the chip."""
    port = free_ports()
    settings = table.folder / "reader.conf"
    reader = f'FRIENDLYNAME "duotap"\nDEVICENAME localhost:{port}\n'
    settings.write_text(f"{reader}LIBPATH {VPCD}\nCHANNELID {port:#x}\n")
    daemon = ([PCSCD, "--foreground", "--config", str(settings)], dict(os.environ))
    asked = [part for apdu in PLAIN for part in ("-s", apdu)]
    tool = ["opensc-tool", "-r", "duotap 00 00"]
    with Started(script("nfcpy_vpcd", table.path("reader"), port)) as bridge:
        assert bridge.line() == "waiting"
        with Started(daemon) as running:
            atr = atr_of(tool)
            lines = told(([*tool, *asked], dict(os.environ)))
            running.process.terminate()
            running.ended()
    return atr, answers_of(lines)


def atr_of(tool: list[str]) -> str:
    """The card's ATR, once pcscd has come up and seen it."""
    for _ in range(ATTEMPTS_MAX):
        ended = run(([*tool, "-a"], dict(os.environ)))
        if ended.returncode == 0:
            return ended.stdout.splitlines()[-1]
    raise AssertionError(ended.stdout)


def answers_of(lines: list[str]) -> list[str]:
    """What opensc-tool prints: `Received (SW1=0x90, SW2=0x00)`, then lines of hex and text."""
    answers: list[str] = []
    words = ""
    for line in lines:
        if line.startswith("Received"):
            words = "".join(re.findall(r"=0x(..)", line)).lower()
            answers.append(words)
        elif match := HEX_LINE.match(line):
            octets = match[1].replace(" ", "").lower()
            answers[-1] = answers[-1].removesuffix(words) + octets + words
    return answers


def is_free() -> bool:
    """Whether this may start a pcscd, of which a machine has one."""
    if os.geteuid() != 0:
        return False
    with socket.socket(socket.AF_UNIX) as asked:
        return asked.connect_ex(COMM) != 0


needs_pcscd = pytest.mark.skipif(
    not is_free(), reason="cannot run: needs to be root, and no other pcscd"
)


@needs_pcscd
def test_an_armed_card_answers_alike_by_pcsc_by_nfcpy_and_over_its_cable(
    table_with_card: Table,
) -> None:
    table = table_with_card
    provision(table)
    close_cable(table)
    unarmed = by_nfcpy(table)
    arm(table)
    armed = by_nfcpy(table)
    atr, through_pcsc = by_pcsc(table)
    table.until_doing("wallet", "listening")
    assert atr == "3b:80:80:01:01"
    assert len(armed[2]) > len(unarmed[2]), "an armed card tells who it is"
    wanted = [armed[APDUS.index(apdu)] for apdu in PLAIN]
    assert through_pcsc == wanted
    assert over_serial(table.path("wallet"), PLAIN) == wanted
