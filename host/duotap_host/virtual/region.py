# SPDX-License-Identifier: Apache-2.0
"""A part of a flash chip, as a board's partition table cuts it: a block device of its own.

Knows no format; what lies outside it cannot be reached through it.
"""

from __future__ import annotations

from duotap_host.virtual.nor import (
    IOCTL_BLOCK_COUNT,
    IOCTL_BLOCK_ERASE,
    SECTOR,
    VirtualNor,
)


class Region:
    """`blocks` sectors of `chip` from `first` on, with the extended block protocol."""

    def __init__(self, chip: VirtualNor, first: int, blocks: int) -> None:
        self._chip = chip
        self.first = first
        self.blocks = blocks

    def readblocks(self, n: int, buf: bytearray | memoryview, off: int = 0) -> None:
        self._check(n, off, len(buf))
        self._chip.readblocks(self.first + n, buf, off)

    def writeblocks(
        self, n: int, buf: bytes | bytearray | memoryview, off: int | None = None
    ) -> None:
        self._check(n, off or 0, len(buf))
        self._chip.writeblocks(self.first + n, buf, off)

    def ioctl(self, op: int, arg: int) -> int | None:
        if op == IOCTL_BLOCK_COUNT:
            return self.blocks
        if op == IOCTL_BLOCK_ERASE:
            self._check(arg, 0, SECTOR)
            arg += self.first
        return self._chip.ioctl(op, arg)

    def content(self) -> bytes:
        """All that it holds."""
        start, end = self._bytes()
        return self._chip.snapshot()[start:end]

    def burn(self, content: bytes) -> None:
        """Replace all that it holds, as a programmer does: no wear, no time."""
        start, end = self._bytes()
        if len(content) != end - start:
            raise ValueError("an image of another size")
        whole = self._chip.snapshot()
        self._chip.restore(whole[:start] + content + whole[end:])

    def _bytes(self) -> tuple[int, int]:
        return self.first * SECTOR, (self.first + self.blocks) * SECTOR

    def _check(self, block: int, offset: int, size: int) -> None:
        if min(block, offset) < 0 or block * SECTOR + offset + size > self.blocks * SECTOR:
            raise ValueError("outside the region")
