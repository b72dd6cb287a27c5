# SPDX-License-Identifier: Apache-2.0
"""An RP2040 in BOOTSEL mode: a directory that behaves like its drive, and the boot ROM behind it.

The ROM takes 512 bytes at a time as they are written. What is no UF2 block for it is passed over;
of the others it erases a sector when the first page of it comes and programs the pages, in any
order. When it has had every block of one file the chip restarts and the drive is gone (RP2040
Datasheet §2.8.4.2). `unplug_after` bytes the cable is pulled, and with it the power: the drive is
gone, the flash stays, torn where the last block was being written.
"""

from __future__ import annotations

import struct
from pathlib import Path

from duotap_host.flash import uf2
from duotap_host.virtual.nor import Mix

INFO = "INFO_UF2.TXT"
INFO_TEXT = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
SECTOR = 4096


class BootDrive:
    """`flash` outlives the drive; `plug_in` makes the drive, `look` takes in what was written."""

    def __init__(self, folder: Path, flash_bytes: int = 2 << 20) -> None:
        self.folder = folder
        self.flash = bytearray(b"\xff" * flash_bytes)
        self.restarts = 0
        self.unplug_after = -1
        self._taken: dict[str, int] = {}
        self._had: set[int] = set()
        self._erased: set[int] = set()
        self._count = 0
        self._busy = 0, b""  # sector that was changed last, and from what

    def plug_in(self, unplug_after: int = -1) -> None:
        """With BOOTSEL held."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / INFO).write_text(INFO_TEXT)
        self.unplug_after = unplug_after
        self._taken.clear()
        self._busy = 0, b""
        self._forget()

    @property
    def is_there(self) -> bool:
        return (self.folder / INFO).exists()

    def look(self) -> None:
        """Take in the whole blocks that were written since."""
        if not self.is_there:
            return
        for path in sorted(self.folder.iterdir()):
            if path.name == INFO:
                continue
            at = self._taken.get(path.name, 0)
            with path.open("rb") as file:
                file.seek(at)
                content = file.read()
            for block in range(0, len(content) - uf2.BLOCK_BYTES + 1, uf2.BLOCK_BYTES):
                if 0 <= self.unplug_after < at + uf2.BLOCK_BYTES:
                    self._tear()
                    self._gone()
                    return
                self._block(content[block : block + uf2.BLOCK_BYTES])
                at += uf2.BLOCK_BYTES
                if not self.is_there:
                    return
            self._taken[path.name] = at
            if not self.is_there:
                return

    def _block(self, block: bytes) -> None:
        first, second, flags, address, size, number, count, family = uf2.HEAD.unpack_from(block)
        (end,) = struct.unpack_from("<I", block, uf2.BLOCK_BYTES - 4)
        is_ours = (first, second, end) == (*uf2.MAGIC_START, uf2.MAGIC_END)
        for_us = flags & uf2.FLAG_FAMILY and family == uf2.RP2040_FAMILY
        if not is_ours or not for_us or flags & uf2.FLAG_NOT_MAIN_FLASH:
            return
        at = address - uf2.XIP_BASE
        if size != uf2.PAYLOAD_BYTES or not 0 <= at <= len(self.flash) - size or at % size:
            return
        if count != self._count:
            self._forget()
            self._count = count
        self._program(at, block[uf2.HEAD.size : uf2.HEAD.size + size])
        self._had.add(number)
        if len(self._had) == count:
            self.restarts += 1
            self._gone()

    def _tear(self) -> None:
        """What the last block changed is done in part."""
        at, old = self._busy
        new = bytes(self.flash[at : at + len(old)])
        self.flash[at : at + len(old)] = Mix(self.unplug_after).left(old, new)

    def _program(self, at: int, page: bytes) -> None:
        sector = at // SECTOR
        self._busy = sector * SECTOR, bytes(self.flash[sector * SECTOR : (sector + 1) * SECTOR])
        if sector not in self._erased:
            self.flash[sector * SECTOR : (sector + 1) * SECTOR] = b"\xff" * SECTOR
            self._erased.add(sector)
        self.flash[at : at + len(page)] = page

    def _forget(self) -> None:
        self._had.clear()
        self._erased.clear()
        self._count = 0

    def _gone(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()
