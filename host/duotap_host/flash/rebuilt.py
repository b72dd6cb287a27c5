# SPDX-License-Identifier: Apache-2.0
"""The file system for a device that has a life behind it: the firmware, the files that the device
wrote itself, and its journal's sectors as files in the very blocks where they lie.

LittleFS takes no wishes for a block. But it takes another one where a block turns out bad when it
is written: so blocks are bad until what comes is what belongs there.
"""

from __future__ import annotations

import zlib
from typing import Any

from littlefs import LittleFS, UserContext

from duotap_host.flash import image
from duotap_host.flash.geometry import BLOCK_BYTES, LOOKAHEAD_BYTES, READ_BYTES, Geometry
from duotap_host.flash.journal_files import CRC_BYTES, FOLDER, NUMBER_BYTES, NUMBERS_FILE

PLACE = b"a journal's here"  # stands for the content of its sectors
FILLER, FILLER_BYTES = "p", 24  # more than a file's place takes, so that no folder grows later
FOLDER_CHANGES = 3
BAD_BLOCK = -84  # LFS_ERR_CORRUPT


def rebuilt(
    contents: image.Firmware, geometry: Geometry, kept: dict[str, bytes], blocks: tuple[int, ...]
) -> bytes:
    """The image for a device that has a life behind it: with the files that it wrote itself, and
    with its journal's sectors as files where they lie, in `blocks`; those are left blank here."""
    pinned = _Pinned(geometry, blocks)
    fs = LittleFS(
        context=pinned,
        block_size=BLOCK_BYTES,
        block_count=geometry.files_blocks,
        read_size=READ_BYTES,
        prog_size=geometry.prog_bytes,
        cache_size=geometry.cache_bytes,
        lookahead_size=LOOKAHEAD_BYTES,
    )
    _lay_sectors(fs, pinned, blocks)
    image.fill(fs, contents)
    numbers = b"".join(block.to_bytes(NUMBER_BYTES, "big") for block in blocks)
    listed = (
        {NUMBERS_FILE: numbers + zlib.crc32(numbers).to_bytes(CRC_BYTES, "big")} if blocks else {}
    )
    for path, content in {**kept, **listed}.items():
        with fs.open(path, "wb") as file:
            file.write(content)
    for block in blocks:
        pinned.buffer[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
    return bytes(pinned.buffer)


def _lay_sectors(fs: LittleFS, pinned: _Pinned, blocks: tuple[int, ...]) -> None:
    """The journal's files. LittleFS takes two blocks for each piece of a folder and writes to one
    of them much later: so the folder is filled first, and changed until both were written."""
    paths = [f"{FOLDER}/{index:03}" for index in range(len(blocks))]
    if paths:
        fs.mkdir(FOLDER)
    for path in paths:
        fs.open(path, "wb").close()
    for count in range(FOLDER_CHANGES):
        for path in paths:
            fs.setattr(path, FILLER, bytes((count,)) * FILLER_BYTES)
    for path, pinned.only in zip(paths, blocks, strict=True):
        with fs.open(path, "wb") as file:
            file.write(PLACE * (BLOCK_BYTES // len(PLACE)))
        fs.removeattr(path, FILLER)
    pinned.only = -1


class _Pinned(UserContext):
    """A flash that calls blocks bad, until LittleFS has put the content of a journal's file where
    it shall lie and everything else somewhere else."""

    def __init__(self, geometry: Geometry, blocks: tuple[int, ...]) -> None:
        super().__init__(geometry.files_blocks * BLOCK_BYTES)
        self._blocks = frozenset(blocks)
        self.only = -1

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        is_sector = bytes(data[: len(PLACE)]) == PLACE
        if is_sector != (block in self._blocks) or (is_sector and block != self.only):
            return BAD_BLOCK
        at = block * BLOCK_BYTES + off
        self.buffer[at : at + len(data)] = data
        return 0

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        """As above, without the words that the base class makes for a log at each call."""
        at = block * BLOCK_BYTES + off
        return self.buffer[at : at + size]

    def erase(self, cfg: Any, block: int) -> int:
        self.buffer[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        return 0
