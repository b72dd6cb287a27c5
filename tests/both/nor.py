# SPDX-License-Identifier: Apache-2.0
"""NOR flash in memory for both interpreters: programming clears bits, erasing sets a sector."""

SECTOR = 4096
ERASED = b"\xff" * SECTOR


class Cut(BaseException):
    """The power went."""


class Nor:
    """`cut_after` operations go well, of the next one the first `done` bytes; -1: no cut."""

    def __init__(self, blocks):
        self.sectors = [ERASED] * blocks
        self.cut_after = -1
        self.done = 0

    def readblocks(self, n, buf, off):
        buf[:] = memoryview(self.sectors[n])[off : off + len(buf)]

    def writeblocks(self, n, buf, off):
        self._do(n, off, bytes([self.sectors[n][off + i] & buf[i] for i in range(len(buf))]))

    def ioctl(self, op, arg):
        if op == 6:
            self._do(arg, 0, ERASED)
        return {4: len(self.sectors), 5: SECTOR}.get(op, 0)

    def _do(self, n, off, new):
        size = len(new) if self.cut_after else self.done
        self.poke(n, off, new[:size])
        self.cut_after -= 1
        if self.cut_after == -1:
            raise Cut

    def poke(self, n, off, new):
        sector = bytearray(self.sectors[n])
        sector[off : off + len(new)] = new
        self.sectors[n] = ERASED if sector == ERASED else sector
