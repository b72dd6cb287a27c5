# SPDX-License-Identifier: Apache-2.0
"""One UF2 that holds a stock MicroPython and duotap's file system behind it.

The interpreter is a file that the user downloaded. It is asked three things before it is used:
that it is MicroPython for this chip, which version, and that its file system lies where ours is
made for; it says so in its binary information (pico-sdk, pico/binary_info/structure.h). All of the
file system is written, the empty blocks too: nothing of what was there before stays readable.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection
from typing import NamedTuple

from duotap_host.flash import image, uf2
from duotap_host.flash.failures import NotUsable
from duotap_host.flash.geometry import BLOCK_BYTES, RP2040
from duotap_host.flash.image import Firmware

VERSION_MIN = (1, 26)
VERSION = re.compile(rb"MicroPython v(\d+)\.(\d+)[0-9A-Za-z.-]*")
# Of a block device: type 7, tag "MP", pointer to its name; address and size follow.
BLOCK_DEVICE = re.compile(rb"\x07\x00MP....(.{8})", re.DOTALL)
PLACE = struct.Struct("<2I")
FILES = uf2.XIP_BASE + RP2040.files_at, RP2040.files_blocks * BLOCK_BYTES


class Interpreter(NamedTuple):
    """A stock MicroPython: pages by address, and what it calls itself."""

    pages: dict[int, bytes]
    version: str


def interpreter(content: bytes) -> Interpreter:
    """Read a downloaded UF2. Raises Uf2Error, NotUsable."""
    pages = uf2.decode(content)
    binary = _joined(pages)
    found = VERSION.search(binary)
    if found is None:
        raise NotUsable("there is no MicroPython in this UF2")
    version = found[0].decode()
    if (int(found[1]), int(found[2])) < VERSION_MIN:
        raise NotUsable(f"{version} is too old: 1.26 or newer is needed")
    places = {PLACE.unpack(match[1]) for match in BLOCK_DEVICE.finditer(binary)}
    if FILES not in places:
        told = ", ".join(f"{size >> 10} KiB at {at:#x}" for at, size in sorted(places))
        raise NotUsable(
            f"{version} keeps its files elsewhere ({told or 'it does not say where'}):"
            f" needed are {FILES[1] >> 10} KiB at {FILES[0]:#x}, as RPI_PICO has them"
        )
    if max(pages) >= RP2040.files_at:
        raise NotUsable("the interpreter reaches into its own file system")
    return Interpreter(pages, version)


def combined(
    base: Interpreter, firmware: Firmware, files: bytes = b"", spared: Collection[int] = ()
) -> bytes:
    """The UF2 to be dropped on the boot drive; `files` in the place of a new file system, without
    its `spared` blocks: what it does not name, the boot ROM leaves as it is."""
    files = files or image.stock_image(firmware, RP2040)
    pages = dict(base.pages)
    for at in range(0, len(files), uf2.PAYLOAD_BYTES):
        if at // BLOCK_BYTES not in spared:
            pages[RP2040.files_at + at] = files[at : at + uf2.PAYLOAD_BYTES]
    return uf2.encode(pages)


def dumped(content: bytes) -> bytes:
    """The file system in a dump of the whole flash, as `picotool save --all` writes it: a UF2, or
    the bare bytes. Raises Uf2Error, NotUsable."""
    if content[:4] == struct.pack("<I", uf2.MAGIC_START[0]):
        pages = uf2.decode(content)
        content = b"".join(
            pages.get(at, b"\xff" * uf2.PAYLOAD_BYTES)
            for at in range(0, sum(FILES) - uf2.XIP_BASE, uf2.PAYLOAD_BYTES)
        )
    files = content[RP2040.files_at : RP2040.files_at + FILES[1]]
    if len(files) != FILES[1]:
        raise NotUsable("this is no dump of all of an RP2040's flash")
    return files


def _joined(pages: dict[int, bytes]) -> bytes:
    """The pages in their order; a gap is left out."""
    return b"".join(page for _, page in sorted(pages.items()))
