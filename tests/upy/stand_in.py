# SPDX-License-Identifier: Apache-2.0
"""Stands in for the UF2 of a stock MicroPython, which the user downloads: its form, no program."""

from __future__ import annotations

import struct

from duotap_host.flash import uf2
from duotap_host.flash.geometry import RP2040

PROGRAM_BYTES = 40 * uf2.PAYLOAD_BYTES
NAME_AT = uf2.XIP_BASE + 0x100


def interpreter(
    version: str = "v1.26.1", files_at: int = RP2040.files_at, blocks: int = RP2040.files_blocks
) -> bytes:
    """A UF2 whose program says what a real one says of itself, and is noise beside."""
    banner = f"MicroPython {version} on 2025-09-11".encode()
    place = struct.pack("<3I", NAME_AT, uf2.XIP_BASE + files_at, blocks * 4096)
    program = bytearray(number * 7 & 0xFF for number in range(PROGRAM_BYTES))
    program[0x400 : 0x400 + len(banner)] = banner
    program[0x500:0x510] = b"\x07\0MP" + place
    cut = range(0, PROGRAM_BYTES, uf2.PAYLOAD_BYTES)
    return uf2.encode({at: bytes(program[at : at + uf2.PAYLOAD_BYTES]) for at in cut})
