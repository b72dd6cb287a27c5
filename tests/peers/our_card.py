# SPDX-License-Identifier: Apache-2.0
"""Our own card in the field: provisioned by the operator's commands, asked over its cable."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from duotap_host.device.client import Client
from duotap_host.device.serial_line import SerialLine
from peers.conftest import Table
from peers.running_field import DUOTAP, script, told

HOLDER = "7"
SELECT = "00a4040007f044554f54415000"
# What is answered alike over radio and cable (PROTOCOL.md §5), and by an armed card alike twice.
APDUS = (
    "80990000",  # no such instruction
    "00a4040007d276000085010100",  # another application
    SELECT,
    "00a4040007f044554f544150",  # without Le: the answer waits
    "00c000000f",  # and is fetched
    "8010010000",  # wrong P1
    "8010000000",  # GET CERTIFICATE, in parts
    "00c0000000",
    "a0600000",  # no such class
    "00a40400",  # no name
    "80140000ff00",  # wrong length
)
# Of these, what opensc-tool hands on as it is: it fetches waiting answers by itself, and refuses
# what is no APDU.
PLAIN = ("80990000", "00a4040007d276000085010100", SELECT, "8010010000", "a0600000", "00a40400")


def provision(table: Table, name: str = "wallet") -> None:
    """Make the card the holder's, as `duotap` does it at a serial port."""
    folder = table.folder / "office"
    folder.mkdir()
    (folder / "passphrase").write_text("of the tests\n")
    options = ["--passphrase-file", str(folder / "passphrase")]
    options += ["--keys", str(folder / "keys"), "--ledger", f"sqlite:///{folder}/ledger"]
    for command in (
        ["issuer", "init"],
        ["account", "open", "--holder", HOLDER],
        ["provision", str(table.path(name)), "--role", "person", "--holder", HOLDER],
    ):
        done = subprocess.run([DUOTAP[0], *options, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def by_nfcpy(table: Table) -> list[str]:
    """The answers over radio, read by nfcpy on the chip `reader`."""
    lines = told(script("nfcpy_apdu", table.path("reader"), "-", *APDUS))
    return [line.split()[1] for line in lines[1:]]


def over_serial(path: Path, commands: tuple[str, ...] = APDUS) -> list[str]:
    """The answers to C-APDUs over the cable."""

    async def ask() -> list[str]:
        with SerialLine(str(path)) as line:
            client = Client(line)
            await client.connect()
            return [(await client.link.request(bytes.fromhex(one))).hex() for one in commands]

    return asyncio.run(ask())
