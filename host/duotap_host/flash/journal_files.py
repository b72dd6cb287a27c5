# SPDX-License-Identifier: Apache-2.0
"""The journal in the LittleFS of a stock RP2040: blank files of one block each, and the list of
their blocks, which the device reads (firmware/port/places.py).

LittleFS says nowhere which block it has given to a file. So each file, the list too, is first
written with a mark of its own; where they lie is seen in the image, and then the blocks themselves
are made what they are to be: a file's blocks have no checksum in LittleFS (a file that is so small
that it lies in its directory has one; the list is larger).
"""

from __future__ import annotations

import zlib

from littlefs import LittleFS

from duotap_host.flash.geometry import BLOCK_BYTES

FOLDER = "journal"
NUMBERS_FILE = "journal.blocks"  # port.places.NUMBERS_FILE
NUMBER_BYTES = 2
CRC_BYTES = 4


def reserve(fs: LittleFS, count: int) -> None:
    """Write marked files for `count` sectors and their list; `settle` what comes of it."""
    fs.mkdir(FOLDER)
    names = [f"{FOLDER}/{index:03}" for index in range(count)]
    for index, name in enumerate([*names, NUMBERS_FILE]):
        size = NUMBER_BYTES * count + CRC_BYTES if name == NUMBERS_FILE else BLOCK_BYTES
        with fs.open(name, "wb") as file:
            file.write(_mark(index)[:size])


def settle(content: bytes, count: int) -> bytes:
    """The image with blank files and the true list. Raises ValueError if a mark is not there."""
    blocks = [content[at : at + BLOCK_BYTES] for at in range(0, len(content), BLOCK_BYTES)]
    where = {block: number for number, block in enumerate(blocks)}
    size = NUMBER_BYTES * count + CRC_BYTES
    begins = {block[:size]: number for block, number in where.items()}
    try:
        places = [where[_mark(index)] for index in range(count)]
        listed = begins[_mark(count)[:size]]
    except KeyError:
        raise ValueError("a file of the journal does not lie in one block") from None
    numbers = b"".join(place.to_bytes(NUMBER_BYTES, "big") for place in places)
    numbers += zlib.crc32(numbers).to_bytes(CRC_BYTES, "big")
    for place in places:
        blocks[place] = b"\xff" * BLOCK_BYTES
    blocks[listed] = numbers + blocks[listed][size:]
    return b"".join(blocks)


def _mark(index: int) -> bytes:
    """A block that is no other file's."""
    return (b"sector %d of the journal " % index).ljust(32, b".") * (BLOCK_BYTES // 32)
