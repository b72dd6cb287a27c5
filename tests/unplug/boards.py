# SPDX-License-Identifier: Apache-2.0
"""Boards that are unplugged while they are flashed: the real esptool at an ESP32's ROM, a UF2 on
an RP2040's boot drive. The whole image, bit for bit, must be there after the same again."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from duotap_host.flash import boot_drive, esp32, image, rp2040, uf2
from duotap_host.flash.esp32 import Board, Piece
from duotap_host.flash.failures import FlashError
from duotap_host.flash.geometry import ESP32
from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.esp32_rom import Esp32Rom
from host.rom_port import RomPort
from host.test_flash_esp32 import interpreter as esp32_interpreter
from upy.stand_in import interpreter

from unplug.point import Point, Result, failing

WORN = b"\x5a"  # what an earlier life has left in the flash


def nobody(_what: str, _done: int, _whole: int) -> None: ...


@cache
def pieces() -> list[Piece]:
    firmware = image.firmware(ESP32.arch, "CARD_ESP32")
    return esp32.pieces(esp32_interpreter(), "CARD_ESP32", firmware)


@cache
def esp32_bytes() -> int:
    """Bytes on the line of a whole run."""
    rom = worn_rom()
    Board(RomPort(rom), stub=False).write(pieces(), nobody)
    return rom.passed


def worn_rom() -> Esp32Rom:
    rom = Esp32Rom()
    rom.flash[:] = WORN * len(rom.flash)
    return rom


def flash_esp32(point: Point) -> Result:
    """Write, unplugged; then write."""
    byte = point.dice().randrange(esp32_bytes())
    rom = worn_rom()
    rom.unplug_after = byte
    board = Board(RomPort(rom), stub=False)
    told = failing(lambda: board.write(pieces(), nobody), FlashError)
    rom.power_on()
    fault = failing(lambda: board.write(pieces(), nobody), FlashError)
    for piece in pieces():
        if rom.flash[piece.at : piece.at + len(piece.content)] != piece.content:
            fault = fault or f"{piece.name} is not what was sent"
    if rom.flash[ESP32.journal_at : ESP32.files_at].strip(WORN):
        fault = fault or "the journal's partition was touched"
    return Result(point, byte, esp32_bytes(), told, fault)


@cache
def whole_uf2() -> bytes:
    firmware = image.firmware(image.THUMB, "CARD_RP2040")
    return rp2040.combined(rp2040.interpreter(interpreter()), firmware)


@cache
def uf2_pages() -> dict[int, bytes]:
    return uf2.decode(whole_uf2())


def flash_rp2040(point: Point) -> Result:
    """Drop the UF2, unplugged; then drop it."""
    content = whole_uf2()
    byte = point.dice().randrange(len(content))
    with tempfile.TemporaryDirectory() as folder:
        drive = BootDrive(Path(folder) / "RPI-RP2")
        drive.flash[:] = WORN * len(drive.flash)

        def drop() -> None:
            boot_drive.write(content, drive.folder, lambda *_step: drive.look())

        drive.plug_in(byte)
        told = failing(drop, FlashError)
        drive.plug_in()
        fault = failing(drop, FlashError)
    for at, page in uf2_pages().items():
        if drive.flash[at : at + len(page)] != page:
            fault = fault or f"the page at {at:#x} is not what was sent"
    return Result(point, byte, len(content), told, fault)
