# SPDX-License-Identifier: Apache-2.0
"""NOR flash of a device under test, kept by pages: what is erased takes no room in the heap."""

SECTOR = 4096
PAGE = 256
ERASED = b"\xff" * PAGE


class Flash:
    """`blocks` sectors; programs whole pages, as the journal does."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.pages = {}

    def readblocks(self, n, buf, off):
        view = memoryview(buf)
        at = n * SECTOR + off
        done = 0
        while done < len(buf):
            page = self.pages.get((at + done) // PAGE, ERASED)
            piece = page[(at + done) % PAGE :][: len(buf) - done]
            view[done : done + len(piece)] = piece
            done += len(piece)

    def writeblocks(self, n, buf, off):
        assert len(buf) == PAGE and off % PAGE == 0
        number = (n * SECTOR + off) // PAGE
        old = self.pages.get(number, ERASED)
        self.pages[number] = bytes([old[i] & buf[i] for i in range(PAGE)])

    def ioctl(self, op, arg):
        if op == 6:
            first = arg * SECTOR // PAGE
            for number in range(first, first + SECTOR // PAGE):
                self.pages.pop(number, None)
        return {4: self.blocks, 5: SECTOR}.get(op, 0)
