# SPDX-License-Identifier: Apache-2.0
"""One emulated RP2040: the process of rp2040.mjs, asked and answered a line at a time.

Knows the chip's pins and its clock, and nothing of what is wired to them.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

GLUE = Path(__file__).with_name("rp2040.mjs")
STOP_S = 5.0


class Emulated:
    """Orders are kept until the chip runs on; `advance` then says what came of it."""

    def __init__(self, packages: Path, bootrom: Path, flash: Path) -> None:
        command = ["node", str(GLUE), f"{packages}/", str(bootrom), str(flash)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._orders: list[tuple[Any, ...]] = []

    def order(self, *order: Any) -> None:
        """Something that happens to the chip before it runs on."""
        self._orders.append(order)

    def advance(self, until_us: int) -> tuple[int, list[list[Any]]]:
        """Run until then or until something leaves the chip; when that is, and what."""
        self.order("run", until_us)
        now_us, told = self._ask()
        return now_us, told

    def flash(self, at: int, nbytes: int) -> bytes:
        """What the flash holds; address 0 is its first byte."""
        self.order("read", at, nbytes)
        return bytes.fromhex(self._ask())

    def memory(self, at: int, nbytes: int) -> bytes:
        """What the RAM holds at this address."""
        self.order("peek", at, nbytes)
        return bytes.fromhex(self._ask())

    def close(self) -> None:
        """End exactly this process."""
        self._process.kill()
        self._process.communicate(timeout=STOP_S)

    def _ask(self) -> Any:
        orders, self._orders = self._orders, []
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(orders) + "\n")
        return json.loads(self._process.stdout.readline())
