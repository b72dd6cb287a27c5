# SPDX-License-Identifier: Apache-2.0
"""`rp2` of the stock interpreter: its Flash, on the flash of a virtual board.

Refuses what the chip does not do: the boot ROM programs whole pages of 256 bytes.
"""

import simulated

BLOCK_BYTES = 4096
PAGE = 256


class Flash:
    def __init__(self, *, start=-1, len=-1):
        self._flash = simulated.flash("files")
        storage = self._flash.ioctl(4, 0) * BLOCK_BYTES
        start = max(start, 0)
        size = storage - start if len == -1 else len
        if start % BLOCK_BYTES or size % BLOCK_BYTES or not 0 < size <= storage - start:
            raise ValueError
        self._first = start // BLOCK_BYTES
        self._count = size // BLOCK_BYTES

    def readblocks(self, n, buf, off=0):
        self._flash.readblocks(self._first + n, buf, off)

    def writeblocks(self, n, buf, off=None):
        if (off or 0) % PAGE or len(buf) % PAGE:
            raise ValueError("the boot ROM programs whole pages")
        self._flash.writeblocks(self._first + n, buf, off)

    def ioctl(self, op, arg):
        if op == 4:
            return self._count
        if op == 5:
            return BLOCK_BYTES
        if op == 6:
            self._flash.ioctl(6, self._first + arg)
        return 0 if op in (1, 2, 3, 6) else None
