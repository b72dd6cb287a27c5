# SPDX-License-Identifier: Apache-2.0
"""How much flash and heap the firmware takes on each board, with a ceiling for each figure.

`python -m duotap_host.flash.sizes` (`make size`) prints the table and fails above a ceiling.
Bytes are those of the files that are flashed. Heap is what the code loaded at start-up keeps in a
real MicroPython, on a PC of 64 bits, whose objects are up to twice a board's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from duotap_host.flash import image, linked, stock
from duotap_host.flash.geometry import BOARDS, Geometry

HEAP = "1m"
FLASH_MAX = 128 * 1024  # of files; leaves a third of what LittleFS has beside a journal
# Blocks of LittleFS that stay free beside the journal: it copies a pair before it changes it, and
# the files that a device writes itself (key, list of blocks, PIN, link) lie in their directory.
FREE_BLOCKS_MIN = 8
# Of an RP2040's 180 KiB, on a PC of 64 bits, for what is loaded at start-up; the rest is for what
# is loaded late and for what a tap computes with.
START_HEAP_MAX = 128 * 1024
FILE_MAX = 36 * 1024  # read piece by piece: the largest is the root of the firmware

MEASURE = """
import gc, sys
sys.path[:] = [{folder!r}, ".frozen"]
gc.collect()
before = gc.mem_alloc()
for name in {modules!r}:
    __import__(name)
    gc.collect()
print(gc.mem_alloc() - before)
"""


class BoardSize(NamedTuple):
    """One board; `heap` of the 64-bit PC."""

    board: str
    files: dict[str, int]
    free_blocks: int
    heap: int

    @property
    def flash(self) -> int:
        return sum(self.files.values())

    def too_large(self) -> list[str]:
        """What is above its ceiling, a line each."""
        found = [
            f"{self.board}: {name} has {size} bytes, at most {FILE_MAX}"
            for name, size in self.files.items()
            if size > FILE_MAX
        ]
        if self.flash > FLASH_MAX:
            found.append(f"{self.board}: {self.flash} bytes of files, at most {FLASH_MAX}")
        if self.free_blocks < FREE_BLOCKS_MIN:
            found.append(
                f"{self.board}: {self.free_blocks} free blocks, at least {FREE_BLOCKS_MIN}"
            )
        if self.heap > START_HEAP_MAX:
            found.append(f"{self.board}: {self.heap} bytes of heap, at most {START_HEAP_MAX}")
        return found


def measure(board: str) -> BoardSize:
    """Link and compile a board's firmware, lay it out and load it."""
    geometry = BOARDS[board]
    firmware = image.firmware(geometry.arch, board)
    files = {path: len(content) for path, content in firmware.files}
    return BoardSize(board, files, _free_blocks(firmware, geometry), _heap(board))


def _free_blocks(firmware: image.Firmware, geometry: Geometry) -> int:
    fs = stock.mounted(image.stock_image(firmware, geometry), geometry)
    return geometry.files_blocks - int(fs.used_block_count)


def _heap(board: str) -> int:
    """Bytes that the modules of boot.py keep, in the same order; the board's own chips are not
    there, so `board` itself is left out."""
    firmware = image.firmware("x64", board)
    with tempfile.TemporaryDirectory() as folder:
        for path, content in firmware.files:
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        code = MEASURE.format(folder=folder, modules=("duotap.p256_table", linked.DEVICE))
        micropython = Path(sys.executable).with_name("micropython")
        command = [str(micropython), "-X", f"heapsize={HEAP}", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def table(sizes: list[BoardSize]) -> str:
    """Bytes of each file on each board, then what they come to."""
    names = sorted({name for size in sizes for name in size.files})
    lines = [f"{'bytes of':24}" + "".join(f"{size.board:>14}" for size in sizes)]
    for name in names:
        cells = [f"{size.files.get(name, '-'):>14}" for size in sizes]
        lines.append(f"{name:24}" + "".join(cells))
    for what, values, limit in (
        ("all files", [size.flash for size in sizes], f"at most {FLASH_MAX}"),
        ("free blocks", [size.free_blocks for size in sizes], f"at least {FREE_BLOCKS_MIN}"),
        ("heap at start, 64 bits", [size.heap for size in sizes], f"at most {START_HEAP_MAX}"),
    ):
        lines.append(f"{what:24}" + "".join(f"{value:14}" for value in values) + f"  {limit}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 when something is too large."""
    sizes = [measure(board) for board in BOARDS]
    print(table(sizes))
    faults = [line for size in sizes for line in size.too_large()]
    for fault in faults:
        print(f"too large: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
