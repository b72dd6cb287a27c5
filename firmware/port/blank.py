# SPDX-License-Identifier: Apache-2.0
"""Makes the flash of a journal blank on a device that has no key yet, when nothing in it can be
worth anything. A board does so before it starts its watchdog: 300 sectors take 14 s.

Imported when it is needed; it knows no record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from port.wiring import BlockDevice

PAGE = 256
SECTOR = 4096

IOCTL_BLOCK_COUNT = 4
IOCTL_BLOCK_ERASE = 6


def make_blank(store: BlockDevice) -> int:
    """Erase each sector in which a bit is programmed; returns how many had one. Power may fail
    anywhere: the next boot goes on."""
    page = bytearray(PAGE)
    blank = b"\xff" * PAGE
    count = 0
    for sector in range(store.ioctl(IOCTL_BLOCK_COUNT, 0) or 0):
        for at in range(0, SECTOR, PAGE):
            store.readblocks(sector, page, at)
            if page != blank:
                store.ioctl(IOCTL_BLOCK_ERASE, sector)
                count += 1
                break
    return count
