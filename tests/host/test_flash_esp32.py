# SPDX-License-Identifier: Apache-2.0
"""The real esptool writes an ESP32 whose ROM is virtual: bit for bit, again after every kind of
break, and never over a journal unasked."""

from __future__ import annotations

import random
import struct
from functools import lru_cache

import pytest
from duotap_host.flash import esp32, image, partitions
from duotap_host.flash.esp32 import Board, Piece
from duotap_host.flash.failures import FlashFailed, NotUsable
from duotap_host.flash.geometry import BLOCK_BYTES, ESP32
from duotap_host.flash.partitions import Partition, PartitionError
from duotap_host.virtual import esp32_rom
from duotap_host.virtual.esp32_rom import Esp32Rom
from host.plugged_in import rom_on_a_pty
from host.rom_port import RomPort

STOCK = [
    Partition("nvs", 1, 2, 0x9000, 0x6000),
    Partition("phy_init", 1, 1, 0xF000, 0x1000),
    Partition("factory", 0, 0, 0x10000, 0x1F0000),
    Partition("vfs", 1, 0x81, 0x200000, 0x200000),
]
CUTS = 100
SEED = 32


def interpreter(version: str = "v1.26.1", rows: list[Partition] | None = None) -> bytes:
    """In the form of ESP32_GENERIC as it is flashed at 0x1000; its program is noise."""
    content = bytearray(b"\xff" * 0x20000)
    content[:24] = bytes((0xE9, 1, 2, 0x20)) + bytes(20)
    table = partitions.encode(STOCK if rows is None else rows)
    content[0x7000 : 0x7000 + len(table)] = table
    content[0xF000 : 0xF000 + 24] = bytes((0xE9, 1, 2, 0x20)) + bytes(20)
    banner = f"MicroPython {version} on 2025-09-11".encode()
    content[0x10000 : 0x10000 + len(banner)] = banner
    return bytes(content)


@lru_cache
def parts(board: str = "CARD_ESP32") -> tuple[Piece, ...]:
    firmware = image.firmware(ESP32.arch, board)
    return tuple(esp32.pieces(interpreter(), board, firmware))


def is_written(rom: Esp32Rom, pieces: tuple[Piece, ...]) -> bool:
    return all(rom.flash[p.at : p.at + len(p.content)] == p.content for p in pieces)


def nobody(_what: str, _done: int, _whole: int) -> None: ...


def test_flash_holds_what_was_sent() -> None:
    rom = Esp32Rom()
    seen: list[tuple[str, int, int]] = []
    board = Board(RomPort(rom), stub=False)
    board.write(list(parts()), lambda *step: seen.append(step))
    assert is_written(rom, parts())
    assert set(rom.errors) == {esp32_rom.INVALID}, "it asks what only later chips answer"
    whole = sum(len(part.content) for part in parts())
    assert seen[-1] == ("files", whole, whole)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    table = partitions.decode(bytes(rom.flash[0x8000:0x9000]))
    assert [row.label for row in table] == ["nvs", "phy_init", "factory", "journal", "vfs"]


def test_what_is_there_is_not_written_again() -> None:
    rom = Esp32Rom()
    Board(RomPort(rom), stub=False).write(list(parts()), nobody)
    whole = rom.passed
    rom.power_on()
    Board(RomPort(rom), stub=False).write(list(parts()), nobody)
    assert rom.passed < whole / 100


def test_unplugged_at_any_byte_a_second_run_ends_it() -> None:
    """A piece of 24 KiB, so that many cuts are tried; the line knows nothing of its size."""
    print(f"\nseed {SEED}")
    noise = random.Random(SEED)
    piece = Piece("noise", 0x340000, noise.randbytes(24 * 1024))
    rom = Esp32Rom()
    Board(RomPort(rom), stub=False).write([piece], nobody)
    whole = rom.passed
    failed = 0
    for _ in range(CUTS):
        rom = Esp32Rom()
        rom.unplug_after = noise.randrange(whole)
        try:
            Board(RomPort(rom), stub=False).write([piece], nobody)
        except FlashFailed:
            failed += 1
        rom.power_on()
        Board(RomPort(rom), stub=False).write([piece], nobody)
        assert is_written(rom, (piece,))
    print(f"{CUTS} times unplugged within {whole} bytes, {failed} commands failed, all converged")
    assert failed >= CUTS * 9 // 10


def test_a_journal_is_seen() -> None:
    rom = Esp32Rom()
    assert not esp32.has_journal(Board(RomPort(rom), stub=False))
    rom.flash[ESP32.journal_at + ESP32.journal_blocks * BLOCK_BYTES - 1] = 0xFE
    assert esp32.has_journal(Board(RomPort(rom), stub=False))


def test_another_chip_is_not_flashed() -> None:
    rom = Esp32Rom()
    rom._registers[esp32_rom.CHIP_MAGIC_REG] = 0x000007C6  # an ESP32-S2
    with pytest.raises(FlashFailed, match="ESP32-S2"):
        Board(RomPort(rom), stub=False).write(list(parts()), nobody)


def request(command: int, content: bytes, checksum: int = 0) -> bytes:
    frame = struct.pack("<BBHI", 0, command, len(content), checksum) + content
    return b"\xc0" + frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


BEGIN = request(esp32_rom.FLASH_BEGIN, struct.pack("<4I", 4096, 4, 1024, 0x1000))


def block(sequence: int, content: bytes = bytes(1024), checksum: int = 0xEF) -> bytes:
    head = struct.pack("<4I", len(content), sequence, 0, 0)
    return request(esp32_rom.FLASH_DATA, head + content, checksum)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (request(0x55, b""), esp32_rom.INVALID),
        (request(esp32_rom.READ_REG, b"\0\0\0"), esp32_rom.INVALID),
        (request(esp32_rom.SYNC, bytes(36)), esp32_rom.INVALID),
        (block(0), esp32_rom.FAILED),
        (BEGIN + block(1), esp32_rom.FAILED),
        (BEGIN + block(0, checksum=0xEE), esp32_rom.CHECKSUM),
        (BEGIN + block(0, bytes(1023)), esp32_rom.INVALID),
        (BEGIN + block(0) + block(0), esp32_rom.FAILED),
        (
            request(esp32_rom.FLASH_BEGIN, struct.pack("<4I", 4096, 1, 1024, 0x3FFFFF)),
            esp32_rom.FAILED,
        ),
        (
            request(esp32_rom.FLASH_MD5, struct.pack("<4I", 4 << 20, 1, 0, 0)),
            esp32_rom.FAILED,
        ),
    ],
)
def test_what_the_rom_refuses(sent: bytes, reason: int) -> None:
    rom = Esp32Rom()
    answer = rom.feed(sent)
    assert rom.errors == [reason]
    assert bytes((1, reason, 0, 0)) in answer


def test_noise_is_no_frame() -> None:
    rom = Esp32Rom()
    assert rom.feed(random.Random(SEED).randbytes(4000)) == b"" or rom.errors
    assert rom.feed(b"\xc0" + request(esp32_rom.READ_REG, struct.pack("<I", 0x40001000)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no image"),
        (b"\xe9" + bytes(11) + b"\x09\0" + interpreter()[14:], "another chip"),
        (interpreter("v1.25.0"), "too old"),
        (interpreter().replace(b"MicroPython", b"CircuitPyth"), "no MicroPython"),
        (interpreter(rows=[STOCK[0], Partition("ota_0", 0, 0x10, 0x20000, 0x100000)]), "stock"),
        (interpreter() + bytes(2 << 20), "too large"),
    ],
)
def test_an_interpreter_that_does_not_fit(content: bytes, told: str) -> None:
    firmware = image.firmware(ESP32.arch, "CARD_ESP32")
    with pytest.raises(NotUsable, match=told):
        esp32.pieces(content, "CARD_ESP32", firmware)


def test_a_partition_table_is_read_back_and_checked() -> None:
    sector = partitions.encode(STOCK)
    assert partitions.decode(sector) == STOCK
    for at in range(len(STOCK) * 32 + 32):
        broken = sector[:at] + bytes((sector[at] ^ 1,)) + sector[at + 1 :]
        try:
            assert partitions.decode(broken) != STOCK
        except PartitionError:
            pass
    with pytest.raises(PartitionError):
        partitions.decode(b"\xff" * 4096)


def test_over_a_terminal_with_pyserial() -> None:
    rom = Esp32Rom()
    piece = Piece("noise", 0x340000, random.Random(SEED).randbytes(8 * 1024))
    with rom_on_a_pty(rom) as path:
        Board(path, stub=False).write([piece], nobody)
    assert is_written(rom, (piece,))


def test_the_stub_needs_a_real_chip() -> None:
    """As far as the wire goes: control lines that a terminal does not have."""
    with rom_on_a_pty(Esp32Rom()) as path, pytest.raises(FlashFailed):
        Board(path).write([], nobody)
