# SPDX-License-Identifier: Apache-2.0
"""A development build at the terminal: the real mpremote reaches the prompt of a device that runs,
reads and writes its files, and a production build gives it nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from duotap_host.device.client import Client
from duotap_host.device.serial_line import SerialLine
from duotap_host.flash import image
from duotap_host.flash.geometry import RP2040
from duotap_host.virtual.board import PWRON_RESET, VirtualBoard
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.unix import ARCH
from upy.stock import FIRST_BOOT_S, StockDevice, board_name, flashed

MPREMOTE = Path(sys.executable).with_name("mpremote")
STORY_S = 240.0
# mpremote gives up by itself, but not always; a prompt that is there comes at once.
PROMPT_S = 30.0
NO_PROMPT = -1
SOFT_RESET = b"MPY: soft reboot\r\n"
RAW = b"\x01"


class Workbench(StockDevice):
    """A stock board on a workbench: when its program ends, the prompt is there, as on a chip."""

    develop = True

    def _flashed(self, firmware: image.Firmware) -> bytes:
        board = image.firmware(ARCH, board_name(self.board.kind))
        return flashed(board.for_development() if self.develop else board)

    def _gone(self) -> None:
        """Ctrl-D at the prompt of a PC ends the process; on a chip it begins anew."""
        self._end()
        if not self.develop:
            super()._gone()
            return
        os.environ["DUOTAP_SOFT_RESET"] = "1"
        self._start(PWRON_RESET)
        os.write(self._terminal.device_fd, SOFT_RESET)
        os.write(self._terminal._host_fd, RAW)  # the prompt was a raw one, and stays one


async def mpremote(device: Workbench, *arguments: str) -> tuple[int, str]:
    command = await asyncio.create_subprocess_exec(
        *(str(MPREMOTE), "connect", device.path, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(command.communicate(), PROMPT_S)
    except TimeoutError:
        command.kill()
        await command.communicate()
        return NO_PROMPT, ""
    return command.returncode or 0, output.decode()


def play(story: Any, monkeypatch: pytest.MonkeyPatch, develop: bool = True) -> None:
    monkeypatch.setenv("MICROPYINSPECT", "1")
    monkeypatch.delenv("DUOTAP_SOFT_RESET", raising=False)
    monkeypatch.setattr(Workbench, "develop", develop)

    async def main() -> None:
        timeline = Timeline(asyncio.get_running_loop())
        blocks = RP2040.files_blocks
        device = Workbench(VirtualBoard(timeline, files_blocks=blocks, journal_blocks=1))
        try:
            async with asyncio.timeout(STORY_S):
                await device.boot()
                await device.shows("new", FIRST_BOOT_S)
                await story(device)
        finally:
            await device.close()

    asyncio.run(main())
    os.environ.pop("DUOTAP_SOFT_RESET", None)


async def hello(device: Workbench) -> bytes:
    """The link answers: nothing is provisioned."""
    with SerialLine(device.path) as line:
        return bytes((await Client(line).connect()).device)


def test_mpremote_at_a_running_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(device: Workbench) -> None:
        assert any("DEV" in line for line in device.screen_lines()), device.screen_lines()
        assert await hello(device) == b""
        status, said = await mpremote(device, "exec", "print(6 * 7)")
        assert (status, said.strip()) == (0, "42"), said
        status, said = await mpremote(device, "fs", "ls")
        assert status == 0
        assert "device.mpy" in said
        assert "journal.blocks" in said
        note = tmp_path / "note.txt"
        note.write_text("written by a tool")
        status, said = await mpremote(device, "fs", "cp", str(note), ":note.txt")
        assert status == 0, said
        status, said = await mpremote(device, "fs", "cat", ":note.txt")
        assert (status, said.strip()) == (0, "written by a tool"), said

    play(story, monkeypatch)


@pytest.mark.long
def test_a_production_build_gives_no_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(device: Workbench) -> None:
        assert not any("DEV" in line for line in device.screen_lines())
        status, _ = await mpremote(device, "exec", "print(6 * 7)")
        assert status != 0
        assert not device.ended.is_set()
        assert await hello(device) == b"", "it still serves its link"

    play(story, monkeypatch, develop=False)
