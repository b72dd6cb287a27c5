# SPDX-License-Identifier: Apache-2.0
"""What the journal's tests share: flash with a journal in it, and flash that misbehaves."""

import binascii

from duotap import record
from duotap.errors import Refusal
from duotap.journal import Journal
from duotap.record import PAGE
from nor import Nor


def text(length, seed=0):
    return (bytes(range(200)) * (length // 200 + 2))[seed : seed + length]


def opened(nor, **options):
    """A recovered journal and the records that it showed."""
    seen = []
    journal = Journal(nor, **options)
    journal.recover(lambda n, kind, body, digest: seen.append((n, kind, bytes(body), digest)))
    return journal, seen


def erase_ahead(journal):
    erased = 0
    while journal.needs_erase():
        journal.erase_one()
        erased += 1
    return erased


def fresh(blocks=5):
    nor = Nor(blocks)
    journal, _ = opened(nor)
    erase_ahead(journal)
    return nor, journal


def refused(status, action, *arguments):
    try:
        action(*arguments)
    except Refusal as refusal:
        return refusal.sw == status
    return False


class DeafNor(Nor):
    """A worn-out chip: from now on it takes no step of one kind, and says nothing."""

    deaf_to_marks = False
    deaf_to_erases = False
    slow_cells = False

    def writeblocks(self, n, buf, off):
        if self.deaf_to_marks and buf[0] == 0xFF:
            return
        if self.slow_cells and self.sectors[n][off + 9] == 0xFF:
            buf = bytes([buf[0] | 0xA0]) + bytes(buf[1:])
        Nor.writeblocks(self, n, buf, off)

    def ioctl(self, op, arg):
        return 0 if op == 6 and self.deaf_to_erases else Nor.ioctl(self, op, arg)


def lay(nor, sector, page, head, body):
    """A committed record with this head, whatever the head says."""
    buffer = bytearray(PAGE)
    for index in range(record.pages_for(len(body))):
        record.fill(buffer, index, head, body, binascii.crc32(head + body))
        buffer[1:5] = b"\xff" * 4 if index else bytes(4)
        nor.poke(sector, (page + index) * PAGE, buffer)
