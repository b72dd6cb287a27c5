# SPDX-License-Identifier: Apache-2.0
"""The emulated chip around its core, by programs of a few instructions: its UART keeps the line's
time and has its FIFO, its flash is written by the boot ROM's functions and takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from duotap_host.virtual.nor import ERASE_US, PAGE_US

from chip.emulated import Emulated
from chip.setting import as_file, setting

FLASH_BYTES = 2 << 20
BYTE_US = 10e6 / 115200
FIFO_BYTES = 32
AROUND_US = 200  # the program itself, and until the byte at its end is told
ECHO_AT = 9  # halfword at which the echo begins
# Thumb: set UART0 to 115200 baud with FIFOs and enable it, then send back what comes.
ECHO = (
    *(0x480A, 0x2143, 0x6241, 0x2134, 0x6281, 0x2170, 0x62C1, 0x4908, 0x6301),
    *(0x6981, 0x06C9, 0xD4FC, 0x6801, 0x6001, 0xE7F9),
)
LITERALS_AT = 0x2C
LITERALS = (0x40034000, 0x301)
HALT = 0xE7FE
# Thumb: call the function in the fourth literal with the first three, then send a byte as above.
CALL = (
    *(0x480F, 0x4910, 0x4A10, 0x4B11, 0x4798),
    *(0x4811, 0x2143, 0x6241, 0x2134, 0x6281, 0x2170, 0x62C1, 0x490E, 0x6301, 0x6001, HALT),
)
CALL_LITERALS_AT = 0x40


def program(halfwords: tuple[int, ...], literals_at: int, literals: tuple[int, ...]) -> bytes:
    code = b"".join(word.to_bytes(2, "little") for word in halfwords).ljust(literals_at, b"\0")
    code += b"".join(word.to_bytes(4, "little") for word in literals)
    return code.ljust(FLASH_BYTES, b"\xff")


@contextmanager
def chip(flash: bytes) -> Iterator[Emulated]:
    with as_file(flash) as path:
        emulated = Emulated(*setting(), path)
        try:
            yield emulated
        finally:
            emulated.close()


def until(emulated: Emulated, t_us: int) -> list[tuple[int, list[Any]]]:
    """All that leaves the chip until then."""
    now_us, seen = 0, []
    while now_us < t_us:
        now_us, told = emulated.advance(t_us)
        seen += [(now_us, event) for event in told]
    return seen


def test_the_uart_keeps_the_time_of_its_line() -> None:
    sent = bytes(range(40))
    with chip(program(ECHO, LITERALS_AT, LITERALS)) as emulated:
        emulated.order("uart", sent.hex(), 1000, BYTE_US)
        seen = until(emulated, 10_000)
    assert all(event[0] == "uart" and event[2] in range(115_000, 115_400) for _, event in seen)
    assert bytes(byte for _, event in seen for byte in event[1]) == sent
    last_us = 1000 + (len(sent) - 1) * BYTE_US
    assert last_us <= seen[-1][0] <= last_us + 2 * BYTE_US


def test_what_nobody_reads_is_lost_beyond_the_fifo() -> None:
    halted = (*ECHO[:ECHO_AT], HALT)
    with chip(program(halted, LITERALS_AT, LITERALS)) as emulated:
        emulated.order("uart", bytes(40).hex(), 1000, BYTE_US)
        seen = until(emulated, 10_000)
    assert [event for _, event in seen] == [["overrun"]] * (40 - FIFO_BYTES)


def rom_function(code: bytes) -> int:
    """Address of a function of the boot ROM, by its table (RP2040 Datasheet §2.8.3)."""
    rom = setting().bootrom.read_bytes()
    at = int.from_bytes(rom[0x14:0x16], "little")
    while rom[at : at + 2] != code:
        at += 4
    return int.from_bytes(rom[at + 2 : at + 4], "little")


def called(code: bytes, *arguments: int) -> tuple[int, bytes]:
    """Call a function of the boot ROM; how long it took, and the flash from 64 KiB on then."""
    literals = (*arguments, rom_function(code), *LITERALS)
    with chip(program(CALL, CALL_LITERALS_AT, literals)) as emulated:
        emulated.order("write", 0x10000, bytes(8192).hex())
        emulated.order("poke", 0x20000000, bytes(range(256)).hex())
        (_, flash), (ended_us, sent) = until(emulated, 100_000)
        assert (flash[0], sent[0]) == ("flash", "uart")
        return ended_us, emulated.flash(0x10000, 8192)


def test_flash_is_erased_by_the_sector() -> None:
    took_us, flash = called(b"RE", 0x11000, 0x1000, 0)
    assert flash == bytes(4096) + b"\xff" * 4096
    assert ERASE_US <= took_us <= ERASE_US + AROUND_US


def test_flash_is_programmed_from_one_to_zero() -> None:
    took_us, flash = called(b"RP", 0x12000, 0x20000000, 512)
    assert flash == bytes(8192), "elsewhere"
    assert 2 * PAGE_US <= took_us <= 2 * PAGE_US + AROUND_US
    _, flash = called(b"RP", 0x10100, 0x20000000, 256)
    assert flash == bytes(8192), "no bit is set by programming"
