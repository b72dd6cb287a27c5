# SPDX-License-Identifier: Apache-2.0
"""Boards with one flash that either runs (a real MicroPython, behind what a stock interpreter has)
or is written by its chip's own boot loader; and the command at them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from duotap_host.flash import image, stock
from duotap_host.flash.geometry import BLOCK_BYTES, ESP32, RP2040, Geometry
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.esp32_rom import Esp32Rom
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.unix import ARCH, UnixDevice
from upy.interpreter import ROOT
from upy.stock import SIMULATED, STOCK, STOCK_HEAP, lines_of
from upy.test_cable import PASSPHRASE, Desk

LAYERS = {RP2040: STOCK, ESP32: STOCK.with_name("stock_esp32")}
BLANK = b"\xff"


class Bench(Desk):
    """Commands whose firmware this PC runs."""

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        paths = [str(ROOT / "tests"), str(ROOT / "tests" / "both")]
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "upy.for_pc", *arguments),
            cwd=self.folder,
            env={
                **os.environ,
                "DUOTAP_PASSPHRASE": PASSPHRASE,
                "PYTHONPATH": os.pathsep.join(paths),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


class BlankBoard(UnixDevice):
    """From its maker: there is nothing in its flash."""

    def __init__(self, name: str, geometry: Geometry) -> None:
        self.name, self.geometry = name, geometry
        board = VirtualBoard(
            Timeline(asyncio.get_running_loop()),
            kind=name.split("_")[0].lower(),
            seed=name.encode(),
            files_blocks=geometry.files_blocks,
            journal_blocks=geometry.journal_blocks or 1,
        )
        super().__init__(board, heap=STOCK_HEAP)

    def _flashed(self, firmware: image.Firmware) -> bytes:
        return BLANK * (self.geometry.files_blocks * BLOCK_BYTES)

    def _frozen(self) -> image.Firmware:
        found = {f"{path.stem}.mpy": path for path in LAYERS[self.geometry].glob("*.py")}
        found["simulated.mpy"] = SIMULATED / "machine.py"
        found["channel.mpy"] = SIMULATED / "channel.py"
        files = {name: image.compile_file(path, path.name, ARCH) for name, path in found.items()}
        lines = f"LINES = {lines_of(self.name)!r}\n"
        files["lines.mpy"] = image.compile_text(lines, "lines.py", ARCH)
        return image.Firmware(tuple(sorted(files.items())))

    @property
    def files(self) -> bytes:
        return self.board.files.content()

    def journal_bytes(self) -> bytes:
        if self.geometry.listed_blocks:
            return stock.journal(self.files, self.geometry)
        return self.board.journal.content()

    # The same flash as its boot loader sees it

    def held(self, drive: BootDrive) -> BootDrive:
        """BOOTSEL is held while it is plugged in."""
        self.cut()
        drive.flash[self.geometry.files_at :] = self.files
        drive.plug_in()
        return drive

    def let_go(self, drive: BootDrive) -> None:
        self.board.files.burn(bytes(drive.flash[self.geometry.files_at :]))

    def strapped(self, rom: Esp32Rom) -> Esp32Rom:
        """In download mode."""
        self.cut()
        rom.power_on()
        at = self.geometry.journal_at
        whole = self.board.journal.content() + self.files
        rom.flash[at : at + len(whole)] = whole
        return rom

    def released(self, rom: Esp32Rom) -> None:
        geometry = self.geometry
        at = geometry.journal_at
        self.board.journal.burn(bytes(rom.flash[at : geometry.files_at]))
        self.board.files.burn(bytes(rom.flash[geometry.files_at :]))

    def spoil(self, at: int, content: bytes) -> None:
        """Bytes of its files' flash are not what they were."""
        files = bytearray(self.files)
        files[at : at + len(content)] = content
        self.board.files.burn(bytes(files))


def folder_file(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return name
