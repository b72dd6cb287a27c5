# SPDX-License-Identifier: Apache-2.0
"""The journal's flash where its sectors lie apart: among the blocks of a file system that neither
moves nor reads them (port/places.py says why). An extended block device over raw flash.

Knows no file system, no chip and no record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken

if TYPE_CHECKING:
    from port.wiring import BlockDevice

NUMBER_BYTES = 2

IOCTL_BLOCK_COUNT = 4
IOCTL_BLOCK_ERASE = 6


class Sectors:
    """Sector n of the journal is the block of `flash` that `numbers` names at n, 2 bytes each."""

    def __init__(self, flash: BlockDevice, numbers: bytes) -> None:
        self._flash = flash
        self._numbers = numbers

    def readblocks(self, n: int, buf: bytearray | memoryview, off: int = 0) -> None:
        """Read from within one sector."""
        self._flash.readblocks(self._block(n), buf, off)

    def writeblocks(self, n: int, buf: bytes | bytearray | memoryview, off: int) -> None:
        """Program whole pages within one sector; erases nothing."""
        self._flash.writeblocks(self._block(n), buf, off)

    def ioctl(self, op: int, arg: int) -> int | None:
        """Count and erase are the journal's own, the rest is the flash's."""
        if op == IOCTL_BLOCK_COUNT:
            return len(self._numbers) // NUMBER_BYTES
        if op == IOCTL_BLOCK_ERASE:
            arg = self._block(arg)
        return self._flash.ioctl(op, arg)

    def _block(self, n: int) -> int:
        number = self._numbers[NUMBER_BYTES * n : NUMBER_BYTES * (n + 1)]
        if n < 0 or not number:
            raise Broken("the journal has no such sector")
        return int.from_bytes(number, "big")
