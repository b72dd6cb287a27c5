# SPDX-License-Identifier: Apache-2.0
"""The command `duotap` at the terminal of a device that runs on a real MicroPython: from the shelf
to the ledger, with noise, a killed command and a power cut on the way."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from duotap_host.issuer import Issuer, pkcs8
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.local import now_us
from duotap_host.ledger.opening import create_ledger
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.unix import UnixDevice
from upy.forms import UNIX, play

COMMAND = Path(sys.executable).with_name("duotap")
PASSPHRASE = "correct horse"
COMMAND_S = 60.0  # a hundred times what a command takes; ends one that hangs


class Desk:
    """Commands run one after the other in one folder, as an operator would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(COMMAND),
            *arguments,
            cwd=self.folder,
            env={**os.environ, "DUOTAP_PASSPHRASE": PASSPHRASE},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def status(self, *arguments: str) -> int:
        command = await self.start(*arguments)
        output, _ = await asyncio.wait_for(command.communicate(), COMMAND_S)
        self.said = output.decode()
        return command.returncode or 0

    async def run(self, *arguments: str) -> str:
        assert await self.status(*arguments) == 0, self.said
        return self.said

    async def fails(self, *arguments: str) -> str:
        assert await self.status(*arguments) != 0, self.said
        assert self.said.count("\n") == 1, self.said
        return self.said

    async def broken_off(self, after_s: float, *arguments: str) -> None:
        """Killed in the midst of it."""
        command = await self.start(*arguments)
        await asyncio.sleep(after_s)
        if command.returncode is None:
            command.kill()
        await command.communicate()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an issuer, whose keys open quickly, and a wallet of 500.00."""
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)
    for name in ("duotap-state", "other"):
        folder = tmp_path / name
        issuer = Issuer.create(folder / "keys", PASSPHRASE.encode(), now_us())
        ledger = create_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", issuer)
        ledger.open_account(AccountCode.WALLET, 7)
        ledger.fund("wallet:7", 50_000)
        ledger.close()
    return tmp_path


def test_the_operators_first_day(state: Path) -> None:
    async def story(device: VirtualDevice) -> None:
        assert isinstance(device, UnixDevice)
        desk, port = Desk(state), device.path
        card = ("provision", port, "--role", "person", "--holder", "7")
        assert "not provisioned" in await desk.fails("deposit", port)
        assert "is a card of holder 7" in await desk.run(*card)
        assert "was already a card of holder 7" in await desk.run(*card)
        await device.console.write(b"\x03\x04>>> import os\r\n\xc0\xdb")
        assert "holds 200.00, wallet:7 300.00" in await desk.run("load", port, "200")
        for after_s in (0.8, 1.0, 1.2):
            await desk.broken_off(after_s, "deposit", port)
        device.cut()
        await device.boot()
        assert "It holds 200.00" in await desk.run("deposit", port)
        assert "0 handed over" in await desk.run("deposit", port)
        assert "holds 150.00, wallet:7 350.00" in await desk.run("unload", port, "50")
        assert "give either AMOUNT or --all" in await desk.fails("unload", port)
        assert "holds 0.00, wallet:7 500.00" in await desk.run("unload", port, "--all")
        assert "No findings" in await desk.run("reconcile")
        assert "The trial balance closes" in await desk.run("ledger", "check")
        other = ("--keys", "other/keys", "--ledger", "sqlite:///other/ledger.sqlite")
        assert "not in this ledger's book" in await desk.fails(*other, "deposit", port)
        device.cut()
        assert "no device answers there" in await desk.fails("deposit", port)

    play(story, UNIX)
