# SPDX-License-Identifier: Apache-2.0
"""Finds the journal's sectors on a stock RP2040, whose file system takes all of the flash.

The image that is flashed holds the journal as files of exactly one block, each with a marker in
it. LittleFS keeps no pointer in a file of one block, so it never reads or moves that block as long
as nobody writes the file. At the first boot the raw flash is searched for the markers, and which
block has which is written into a file, once. From then on the blocks are reached through raw flash
(port/sectors.py), and only then may their markers be erased.

A search can end in three ways: every marker was found once; one is missing or there twice, which
is no image of ours (Broken); power fails before the file is whole, and the next boot searches
again. Imported when it is needed; it knows no record.
"""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING

from duotap.errors import Broken

from port.sectors import IOCTL_BLOCK_COUNT, NUMBER_BYTES

if TYPE_CHECKING:
    from typing import Any

    from port.wiring import BlockDevice

MAGIC = b"duotap journal 1"
NUMBERS_AT = len(MAGIC)  # index and count, 2 bytes each, then the CRC-32 of all before it
CRC_AT = NUMBERS_AT + 2 * NUMBER_BYTES
MARKER_BYTES = CRC_AT + 4

NUMBERS_FILE = "journal.blocks"
NOWHERE = b"\xff\xff"


def read(files: Any) -> bytes:
    """The block numbers as they were written once. Raises Broken if the file decayed."""
    content = bytes(files.read(NUMBERS_FILE))
    numbers = content[:-4]
    if not numbers or len(numbers) % NUMBER_BYTES or _crc(numbers) != content[-4:]:
        raise Broken("the list of the journal's blocks is damaged")
    return numbers


def find(flash: BlockDevice, files: Any) -> bytes:
    """Search all of `flash`, write the numbers into their file and return them."""
    numbers = bytearray()
    marker = bytearray(MARKER_BYTES)
    for block in range(flash.ioctl(IOCTL_BLOCK_COUNT, 0) or 0):
        flash.readblocks(block, marker, 0)
        if marker[:NUMBERS_AT] == MAGIC and _crc(marker[:CRC_AT]) == marker[CRC_AT:]:
            index = int.from_bytes(marker[NUMBERS_AT : NUMBERS_AT + NUMBER_BYTES], "big")
            count = int.from_bytes(marker[NUMBERS_AT + NUMBER_BYTES : CRC_AT], "big")
            numbers = numbers or bytearray(NOWHERE * count)
            at = NUMBER_BYTES * index
            if len(numbers) != NUMBER_BYTES * count or numbers[at : at + 2] != NOWHERE:
                raise Broken("two markers of the journal do not go together")
            numbers[at : at + NUMBER_BYTES] = block.to_bytes(NUMBER_BYTES, "big")
    found = bytes(numbers)
    for at in range(0, len(found), NUMBER_BYTES):
        if found[at : at + NUMBER_BYTES] == NOWHERE:
            found = b""
    if not found:
        raise Broken("markers of the journal are missing")
    files.write_once(NUMBERS_FILE, found + _crc(found))
    return found


def _crc(content: bytes | bytearray) -> bytes:
    return (crc32(content) & 0xFFFFFFFF).to_bytes(4, "big")
