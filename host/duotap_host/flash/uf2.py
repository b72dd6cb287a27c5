# SPDX-License-Identifier: Apache-2.0
"""UF2, the form in which an RP2040 in BOOTSEL mode takes what its flash shall hold.

A file is blocks of 512 bytes, each with 256 bytes for one page of flash, its address, its number
and how many there are in all; the boot ROM restarts the chip when it has had them all. Format:
microsoft/uf2, README; family and page size: RP2040 Datasheet §2.8.4.2. Knows no content.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from duotap_host.flash.failures import NotUsable

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256
DATA_MAX = 476
MAGIC_START = 0x0A324655, 0x9E5D5157
MAGIC_END = 0x0AB16F30
FLAG_NOT_MAIN_FLASH = 0x00000001
FLAG_FAMILY = 0x00002000
RP2040_FAMILY = 0xE48BFF56
XIP_BASE = 0x10000000  # where the RP2040 sees the beginning of its flash

HEAD = struct.Struct("<8I")  # magics, flags, address, size, number, count, family
TAIL = struct.Struct("<I")


class Uf2Error(NotUsable):
    """These bytes are no UF2 for an RP2040; the text says what is wrong with them."""


def encode(pages: dict[int, bytes]) -> bytes:
    """A UF2 of pages of 256 bytes by their address in flash, in the order of addresses."""
    blocks = []
    for number, (address, content) in enumerate(sorted(pages.items())):
        if address % PAYLOAD_BYTES or len(content) != PAYLOAD_BYTES:
            raise Uf2Error(f"no whole page of flash at {address:#x}")
        head = (*MAGIC_START, FLAG_FAMILY, XIP_BASE + address, PAYLOAD_BYTES, number)
        data = content.ljust(DATA_MAX, b"\0")
        blocks.append(HEAD.pack(*head, len(pages), RP2040_FAMILY) + data + TAIL.pack(MAGIC_END))
    return b"".join(blocks)


def decode(content: bytes) -> dict[int, bytes]:
    """The pages of a UF2 by their address in flash. Raises Uf2Error.

    Blocks of other families, and those marked as not for the flash, are passed over, as the boot
    ROM does; what is left must be whole.
    """
    if not content or len(content) % BLOCK_BYTES:
        raise Uf2Error("not a UF2: its length is no number of blocks")
    pages: dict[int, bytes] = {}
    numbers: set[int] = set()
    counts: set[int] = set()
    for address, number, count, page in _blocks(content):
        if pages.setdefault(address, page) != page:
            raise Uf2Error(f"two different pages for {address:#x}")
        numbers.add(number)
        counts.add(count)
    if not pages:
        raise Uf2Error("a UF2 for another chip than the RP2040")
    if len(counts) != 1 or numbers != set(range(*counts)):
        raise Uf2Error("blocks are missing")
    return pages


def _blocks(content: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    for at in range(0, len(content), BLOCK_BYTES):
        block = content[at : at + BLOCK_BYTES]
        first, second, flags, address, size, number, count, family = HEAD.unpack_from(block)
        (end,) = TAIL.unpack_from(block, BLOCK_BYTES - TAIL.size)
        if (first, second, end) != (*MAGIC_START, MAGIC_END):
            raise Uf2Error(f"not a UF2: block {at // BLOCK_BYTES} has no magic numbers")
        if flags & FLAG_NOT_MAIN_FLASH or not flags & FLAG_FAMILY or family != RP2040_FAMILY:
            continue
        if size != PAYLOAD_BYTES or address % PAYLOAD_BYTES or address < XIP_BASE:
            raise Uf2Error(f"block {at // BLOCK_BYTES} is no page of flash")
        page = block[HEAD.size : HEAD.size + PAYLOAD_BYTES]
        yield address - XIP_BASE, number, count, page
