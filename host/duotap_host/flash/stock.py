# SPDX-License-Identifier: Apache-2.0
"""Reads what a stock RP2040 holds from a dump of its flash: files, and the journal among them.

For recovery and for tests. It repairs nothing and knows no record.
"""

from __future__ import annotations

import zlib

from littlefs import LittleFS, LittleFSError

from duotap_host.flash.geometry import BLOCK_BYTES, LOOKAHEAD_BYTES, READ_BYTES, Geometry
from duotap_host.flash.journal_files import CRC_BYTES, NUMBER_BYTES, NUMBERS_FILE


class NotReadable(Exception):
    """The dump does not hold what is asked for; the text says what is missing."""


def mounted(dump: bytes, geometry: Geometry) -> LittleFS:
    """The file system of a dump, on a copy of it. Raises NotReadable."""
    fs = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=geometry.files_blocks,
        read_size=READ_BYTES,
        prog_size=geometry.prog_bytes,
        cache_size=geometry.cache_bytes,
        lookahead_size=LOOKAHEAD_BYTES,
        mount=False,
    )
    fs.context.buffer[:] = dump
    try:
        fs.mount()
    except LittleFSError:
        raise NotReadable("the file system does not mount") from None
    return fs


def journal_blocks(dump: bytes, geometry: Geometry) -> tuple[int, ...]:
    """Where the sectors of the journal lie, in their order. Raises NotReadable."""
    fs = mounted(dump, geometry)  # kept by name: it must outlive its open file
    try:
        with fs.open(NUMBERS_FILE, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise NotReadable("the journal has no list of its blocks yet") from None
    numbers = content[:-CRC_BYTES]
    if zlib.crc32(numbers).to_bytes(CRC_BYTES, "big") != content[-CRC_BYTES:]:
        raise NotReadable("the list of the journal's blocks is damaged")
    return numbers_in(numbers)


def numbers_in(content: bytes) -> tuple[int, ...]:
    """Block numbers as the list has them."""
    pieces = range(0, len(content), NUMBER_BYTES)
    return tuple(int.from_bytes(content[at : at + NUMBER_BYTES], "big") for at in pieces)


def journal(dump: bytes, geometry: Geometry) -> bytes:
    """The sectors of the journal, one behind the other. Raises NotReadable."""
    places = [number * BLOCK_BYTES for number in journal_blocks(dump, geometry)]
    return b"".join(dump[at : at + BLOCK_BYTES] for at in places)
