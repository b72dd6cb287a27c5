# SPDX-License-Identifier: Apache-2.0
"""Where things lie in the flash of each board, with a stock interpreter of MicroPython 1.26 or
newer, and how its file system is mounted there. Knows no content.

Sources: MicroPython's ports/rp2 (mpconfigport.h, rp2_flash.c, modules/_boot.py), ports/esp32
(modules/_boot.py, flashbdev.py) and extmod/vfs_lfsx.c (cache of four units, at most one block).
"""

from __future__ import annotations

from typing import NamedTuple

BLOCK_BYTES = 4096
CACHE_UNITS = 4
READ_BYTES = LOOKAHEAD_BYTES = 32


class Geometry(NamedTuple):
    """One board. Addresses count from the beginning of the flash."""

    arch: str  # what mpy-cross calls its native code
    files_at: int  # where the file system lies
    files_blocks: int
    prog_bytes: int  # what its VfsLfs2 programs at once
    listed_blocks: int  # files of one block that are the journal's sectors, if it lies in them
    journal_at: int  # where the journal lies if it has a place of its own, else 0
    journal_blocks: int

    @property
    def cache_bytes(self) -> int:
        """The cache that MicroPython gives this file system."""
        return min(BLOCK_BYTES, CACHE_UNITS * max(READ_BYTES, self.prog_bytes))


# 2 MiB of flash, the last 1408 KiB of them the file system's. A stand's 1,000 payments of four
# pages take 250 sectors; then come the reserve for closings and a deposit, and those erased ahead.
RP2040 = Geometry("armv6m", 0xA0000, 352, 256, 272, 0, 0)
# 4 MB; the partition tables of both boards (boards/*_ESP32/partitions.csv).
ESP32 = Geometry("xtensawin", 0x340000, 192, 32, 0, 0x200000, 320)

BOARDS = {
    "CARD_RP2040": RP2040,
    "STAND_RP2040": RP2040,
    "CARD_ESP32": ESP32,
    "STAND_ESP32": ESP32,
}
