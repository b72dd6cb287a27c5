# SPDX-License-Identifier: Apache-2.0
"""Run by test_journal_boot.py on MicroPython: boots a journal from a flash image in a file.

`boot_journal.py IMAGE DIRECTORY...`; prints records, damage, bytes of heap that the journal keeps,
bytes read from flash, and the milliseconds that the boot took.
"""

import gc
import sys
import time

sys.path[:] = sys.argv[2:]
sys.path.append(".frozen")

from duotap.journal import Journal  # noqa: E402

SECTOR = 4096


class FileNor:
    """A flash image that is only read."""

    def __init__(self, path):
        self.file = open(path, "rb")  # noqa: SIM115
        self.blocks = self.file.seek(0, 2) // SECTOR
        self.bytes_read = 0

    def readblocks(self, n, buf, off):
        self.file.seek(n * SECTOR + off)
        self.bytes_read += self.file.readinto(buf)

    def ioctl(self, op, arg):
        return {4: self.blocks, 5: SECTOR}.get(op, 0)


def boot(path):
    seen = [0]

    def see(sequence, kind, body, digest):
        seen[0] += 1

    nor = FileNor(path)
    gc.collect()
    before = gc.mem_alloc()
    journal = Journal(nor)
    start = time.ticks_us()
    journal.recover(see)
    spent = time.ticks_diff(time.ticks_us(), start)
    gc.collect()
    kept = gc.mem_alloc() - before
    print(seen[0], int(journal.damaged), kept, nor.bytes_read, spent // 1000)


boot(sys.argv[1])
