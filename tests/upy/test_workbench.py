# SPDX-License-Identifier: Apache-2.0
"""The life of a board at a workbench: flashed, provisioned, loaded, broken, recovered and wiped
by the command `duotap`, with the real esptool and mpremote; between that it runs on a real
MicroPython from what was written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from duotap_host.flash import esp32, image, prompt, rescue, rp2040, stock, uf2
from duotap_host.flash.failures import FlashFailed
from duotap_host.flash.geometry import BLOCK_BYTES, ESP32, RP2040, Geometry
from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.esp32_rom import Esp32Rom
from duotap_host.virtual.unix import ARCH
from host.plugged_in import looked_at, rom_on_a_pty
from host.test_flash_esp32 import interpreter as esp32_interpreter
from upy.stand_in import interpreter
from upy.stock import FIRST_BOOT_S
from upy.test_cable import state  # noqa: F401  (a fixture)
from upy.workbench import BLANK, Bench, BlankBoard

STORY_S = 600.0  # on a machine that is busy with other things
LOOK_S = 0.05
HALF = 0x55  # what a break has left of the file system's first blocks
PERSON = ("--role", "person", "--holder", "7")


def play(
    name: str, geometry: Geometry, story: Callable[[BlankBoard], Coroutine[Any, Any, None]]
) -> None:
    async def main() -> None:
        board = BlankBoard(name, geometry)
        try:
            async with asyncio.timeout(STORY_S):
                await story(board)
        finally:
            await board.close()

    asyncio.run(main())


async def new(board: BlankBoard) -> None:
    await board.boot()
    await board.shows("new", FIRST_BOOT_S)


async def loaded(desk: Bench, board: BlankBoard) -> bytes:
    """Provisioned and loaded; returns its journal once it is off."""
    assert "is a card of holder 7" in await desk.run("provision", board.path, *PERSON)
    assert "holds 10.00" in await desk.run("load", board.path, "10")
    board.cut()
    return board.journal_bytes()


def key_of(board: BlankBoard) -> bytes:
    with stock.mounted(board.files, board.geometry).open(rescue.KEY_FILE, "rb") as file:
        return bytes(file.read())


def spoil_superblocks(board: BlankBoard) -> None:
    """Both: it does not mount."""
    for block in (0, 1):
        board.spoil(block * BLOCK_BYTES, bytes((HALF,)) * 64)


def test_an_esp32(state: Path) -> None:  # noqa: F811
    (state / "esp32.bin").write_bytes(esp32_interpreter())
    what = ("--board", "CARD_ESP32", "--micropython", "esp32.bin", "--no-stub", "--unsigned")
    rom = Esp32Rom()
    firmware = image.firmware(ARCH, "CARD_ESP32")
    pieces = esp32.pieces(esp32_interpreter(), "CARD_ESP32", firmware)

    async def at_rom(desk: Bench, board: BlankBoard, *arguments: str) -> str:
        with rom_on_a_pty(board.strapped(rom)) as port:
            said = await desk.run(arguments[0], port, *what, *arguments[1:])
        board.released(rom)
        return said

    async def story(board: BlankBoard) -> None:
        desk = Bench(state)
        await at_rom(desk, board, "flash", "--discard-journal")
        for piece in pieces:
            assert rom.flash[piece.at : piece.at + len(piece.content)] == piece.content
        await new(board)
        journal = await loaded(desk, board)
        key = key_of(board)
        spoil_superblocks(board)
        await board.boot()
        await board.ended.wait()
        assert "by --board" in await desk.fails("recover", board.path)
        assert "file system is broken, the journal whole, the key there" in await at_rom(
            desk, board, "recover"
        )
        assert (board.journal_bytes(), key_of(board)) == (journal, key)
        await board.boot()
        assert "holds 10.00.\nIt works" in await desk.run("recover", board.path)
        assert "holds 10.00" in await desk.fails("wipe", board.path)
        assert not list((state / "duotap-state" / "rescue").iterdir())
        await at_rom(desk, board, "wipe", "--discard-journal")
        assert board.files == image.stock_image(firmware, ESP32)
        assert board.journal_bytes() == BLANK * (ESP32.journal_blocks * BLOCK_BYTES)
        await new(board)
        assert "an unprovisioned one" in await desk.run("wipe", board.path)

    play("CARD_ESP32", ESP32, story)


class Rp2040:
    """A board, its boot drive, and the command at both."""

    what = ("--board", "CARD_RP2040", "--micropython", "pico.uf2", "--unsigned")

    def __init__(self, state: Path, board: BlankBoard, drive: BootDrive) -> None:  # noqa: F811
        self.desk, self.board, self.drive = Bench(state), board, drive

    async def at_drive(self, *arguments: str) -> str:
        self.board.held(self.drive)
        return await self.desk.run(*arguments, *self.what, "--drive", str(self.drive.folder))

    async def started(self) -> tuple[bytes, bytes]:
        """Let go of when the chip restarts: it runs from what it has then, which is returned."""
        before = self.drive.restarts
        while self.drive.restarts == before:
            await asyncio.sleep(LOOK_S)
        self.board.let_go(self.drive)
        found = self.board.journal_bytes(), key_of(self.board)
        await self.board.boot()
        return found

    async def without_files(self) -> None:
        """Half written: there is a prompt, and the files are put there by mpremote."""
        fs = stock.mounted(self.board.files, RP2040)
        for name in ("boot.py", "device.mpy"):
            fs.remove(name)
        with fs.open("main.py", "wb") as file:
            file.write(b"# what an older build starts\n")
        self.board.board.files.burn(bytes(fs.context.buffer))
        await self.board.boot()
        await self.broken_off()
        await self.board.boot()
        said = await self.desk.run("recover", self.board.path, *self.what)
        assert "2 files are written anew" in said
        assert "holds 10.00" in said
        self.board.cut()

    async def broken_off(self) -> None:
        """After the first file there is nothing yet that would start a mixture of two builds."""

        def pulled(_what: str, _done: int, _whole: int) -> None:
            raise OSError("the cable was pulled")

        firmware = image.firmware(ARCH, "CARD_RP2040")
        with pytest.raises(FlashFailed, match="cable was pulled"):
            await asyncio.to_thread(prompt.put, self.board.path, firmware, pulled)
        self.board.cut()
        names = stock.mounted(self.board.files, RP2040).listdir("/")
        assert "device.mpy" in names
        assert not {"boot.py", "main.py"} & set(names)

    async def without_superblocks(self, folder: Path) -> None:
        """What a programmer reads is enough: a UF2 goes around the journal's sectors."""
        before = self.board.journal_bytes(), key_of(self.board)
        spoil_superblocks(self.board)
        program = bytes(self.drive.flash[: RP2040.files_at])
        (folder / "dump.bin").write_bytes(program + self.board.files)
        starting = asyncio.create_task(self.started())
        said = await self.at_drive("recover", self.board.path, "--dump", "dump.bin")
        assert "file system is broken, the journal whole, the key there" in said
        assert "holds 10.00.\nIt works" in said
        assert await starting == before


def test_an_rp2040(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("MICROPYINSPECT", "1")  # a prompt when its program ends, as on a chip
    (state / "pico.uf2").write_bytes(interpreter())
    drive = BootDrive(state / "RPI-RP2")
    firmware = image.firmware(ARCH, "CARD_RP2040")

    async def story(board: BlankBoard) -> None:
        bench = Rp2040(state, board, drive)
        await bench.at_drive("flash", "--discard-journal")
        content = rp2040.combined(rp2040.interpreter(interpreter()), firmware)
        for at, page in uf2.decode(content).items():
            assert drive.flash[at : at + len(page)] == page
        board.let_go(drive)
        await new(board)
        await loaded(bench.desk, board)
        await bench.without_files()
        await bench.without_superblocks(state)
        await bench.at_drive("wipe", "--discard-journal")
        board.let_go(drive)
        assert board.files == image.stock_image(firmware, RP2040)
        await new(board)

    with looked_at(drive):
        play("CARD_RP2040", RP2040, story)
