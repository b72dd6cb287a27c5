# SPDX-License-Identifier: Apache-2.0
"""Where the journal's sectors lie on a stock RP2040, whose file system takes all of the flash.

The image that is flashed holds the journal as blank files of exactly one block, and a list of
their blocks, which nobody changes. LittleFS keeps no pointer in a file of one block, so it never
reads or moves that block as long as nobody writes the file: the blocks are reached through raw
flash (port/sectors.py). Imported when it is needed; it knows no record.
"""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING

from duotap.errors import Broken

from port.sectors import NUMBER_BYTES

if TYPE_CHECKING:
    from typing import Any

NUMBERS_FILE = "journal.blocks"  # block numbers, then the CRC-32 of all before it


def read(files: Any) -> bytes:
    """The block numbers as they were flashed. Raises Broken if they are missing or decayed."""
    content = bytes(files.read(NUMBERS_FILE))
    numbers = content[:-4]
    crc = (crc32(numbers) & 0xFFFFFFFF).to_bytes(4, "big")
    if not numbers or len(numbers) % NUMBER_BYTES or crc != content[-4:]:
        raise Broken("the list of the journal's blocks is damaged")
    return numbers
