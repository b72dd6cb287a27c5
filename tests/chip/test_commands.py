# SPDX-License-Identifier: Apache-2.0
"""Commands at a chip, as people run them: `duotap` flashes it through the boot drive, provisions,
loads and deposits it over its USB, a terminal here; mpremote finds a prompt where it may."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.unix import Terminal
from host.plugged_in import looked_at

from chip.coupled import CoupledLoop
from chip.pico import PicoDevice
from chip.setting import as_file, flashed, uf2_path
from chip.stage import FIRST_BOOT_S, firmware, pico_board

BIN = Path(sys.executable).parent
PATIENT = Path(__file__).with_name("patient.py")
PROGRAMS = {"duotap": [sys.executable, str(PATIENT)], "mpremote": [str(BIN / "mpremote")]}
LOOK_S = 0.02
STORY_S = 900.0  # of the chip's time
COMMAND_S = 300.0  # of this computer's
NO_END = -1
ENVIRONMENT = {**os.environ, "DUOTAP_PASSPHRASE": "correct horse battery staple"}

Told = tuple[int, str]
Work = Callable[[PicoDevice, Callable[..., Coroutine[Any, Any, Told]]], Coroutine[Any, Any, None]]


def at_a_terminal(flash: bytes, work: Work) -> None:
    """Boot a card from this flash; `work(device, run)` runs programs, PORT is its terminal."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        board = VirtualBoard(Timeline(loop), **pico_board("card"))
        with as_file(flash) as path:
            device = PicoDevice(board, path)
            try:
                await device.boot()
                await device.shows("new", FIRST_BOOT_S)
            except BaseException:
                await device.close()
                raise
        terminal = Terminal(loop)
        device.usb.bridge(terminal, loop)

        async def run(*command: str) -> Told:
            named = [terminal.path if word == "PORT" else word for word in command]
            return await _run(named)

        try:
            async with asyncio.timeout(STORY_S):
                await work(device, run)
        finally:
            loop.remove_reader(terminal.device_fd)
            terminal.close()
            await device.close()

    timeline.run(main(), CoupledLoop())  # type: ignore[abstract]  # as in timeline.run


async def _run(command: list[str]) -> Told:
    """A program beside the chip: status (NO_END: it was ended by us) and what it said."""
    program = subprocess.Popen(
        [*PROGRAMS[command[0]], *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
    )
    assert program.stdout is not None
    os.set_blocking(program.stdout.fileno(), False)
    said, ends = b"", time.monotonic() + COMMAND_S
    while program.poll() is None and time.monotonic() < ends:
        said += program.stdout.read() or b""
        await asyncio.sleep(LOOK_S)
    if program.poll() is None:
        program.kill()
        program.wait()
        return NO_END, said.decode(errors="replace")
    said += program.stdout.read() or b""
    return program.returncode, " ".join(said.decode(errors="replace").split())


def done(line: str) -> None:
    """A command of `duotap` that needs no chip."""
    command = [str(BIN / "duotap"), *line.split()]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_from_the_boot_drive_to_the_ledger(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    drive = BootDrive(tmp_path / "RPI-RP2")
    drive.plug_in()
    board = f"--board CARD_RP2040 --micropython {uf2_path()}"
    done("issuer init")
    done(f"image sign {board} --out card.signature")
    with looked_at(drive):
        done(f"flash {board} --signature card.signature --drive {drive.folder} --discard-journal")
    assert bytes(drive.flash) == flashed(firmware("card"))

    async def work(device: PicoDevice, run: Any) -> None:
        for command, told in (
            ("account open --holder 7 --name Lin", ""),
            ("account fund wallet:7 200.00", ""),
            ("provision PORT --role person --holder 7", "is"),
            ("load PORT 66.60", "holds 66.60"),
            ("deposit PORT", ""),
            ("reconcile", ""),
            ("ledger check", ""),
        ):
            status, said = await run("duotap", *command.split())
            assert status == 0, (command, said)
            assert told in said, (command, said)
        await device.press("ok")
        await device.shows("66.60")

    at_a_terminal(bytes(drive.flash), work)


def test_mpremote_at_a_development_build(tmp_path: Path) -> None:
    async def work(device: PicoDevice, run: Any) -> None:
        assert any("DEV" in line for line in device.screen_lines()), device.screen_lines()
        assert await run("mpremote", "connect", "PORT", "exec", "print(6 * 7)") == (0, "42")
        status, said = await run("mpremote", "connect", "PORT", "fs", "ls")
        assert status == 0, said
        assert "device.mpy" in said
        assert "journal.blocks" in said
        note = tmp_path / "note.txt"
        note.write_text("written by a tool")
        status, said = await run("mpremote", "connect", "PORT", "fs", "cp", str(note), ":note.txt")
        assert status == 0, said
        told = await run("mpremote", "connect", "PORT", "fs", "cat", ":note.txt")
        assert told == (0, "written by a tool")
        status, said = await run("mpremote", "connect", "PORT", "reset")
        assert status == 0, said
        await device.shows("new", FIRST_BOOT_S)

    at_a_terminal(flashed(firmware("card").for_development()), work)


def test_mpremote_at_a_production_build() -> None:
    async def work(device: PicoDevice, run: Any) -> None:
        status, said = await run("mpremote", "connect", "PORT", "exec", "print(6 * 7)")
        assert status != 0, said
        assert not device.crash_text
        assert any("new" in line for line in device.screen_lines())

    at_a_terminal(flashed(firmware("card")), work)
