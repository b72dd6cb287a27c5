# SPDX-License-Identifier: Apache-2.0
"""A NOR flash chip that can lose power in the middle of a page or an erase.

It is MicroPython's extended block device. Programming clears bits and never sets one; erasing
sets all bits of a 4 KiB sector. An operation is one page programmed or one sector erased; a plan
tears one of them and raises PowerCut. It knows no format of what it holds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PAGE = 256
SECTOR = 4096
# Typical times of the W25Q family (Winbond W25Q16JV, AC characteristics: tPP, tSE).
PAGE_US = 800
ERASE_US = 45_000

IOCTL_BLOCK_COUNT = 4
IOCTL_BLOCK_SIZE = 5
IOCTL_BLOCK_ERASE = 6


class PowerCut(BaseException):
    """The device has no power any more: no handler of its program may take notice."""


class Tear(Protocol):
    """How far an operation came."""

    def left(self, old: bytes, new: bytes) -> bytes:
        """What the flash holds, if `old` was to become `new`."""


@dataclass(frozen=True)
class Prefix:
    """The first `size` bytes are done, and of the byte after them the bits set in `bits`."""

    size: int
    bits: int = 0

    def left(self, old: bytes, new: bytes) -> bytes:
        done = bytearray(new[: self.size] + old[self.size :])
        if self.size < len(old):
            done[self.size] = new[self.size] & self.bits | old[self.size] & ~self.bits
        return bytes(done)


@dataclass(frozen=True)
class Mix:
    """Each bit is done or not, at random.

    An erase (`new` is all ones) may have been at its first phase: the chip programs a sector
    before it erases it, so that bits read zero that were one before.
    """

    seed: int

    def left(self, old: bytes, new: bytes) -> bytes:
        rng = random.Random(self.seed)
        erasing = new.count(0xFF) == len(new) == SECTOR
        return b"".join(
            _mix(old[at : at + PAGE], new[at : at + PAGE], rng, erasing)
            for at in range(0, len(old), PAGE)
        )


def _mix(old: bytes, new: bytes, rng: random.Random, erasing: bool) -> bytes:
    """One page; some pages are left as they were and some are done."""
    size = 8 * len(old)
    done = rng.choice((0, -1, rng.getrandbits(size), rng.getrandbits(size)))
    bits = int.from_bytes(old, "big") & ~done | int.from_bytes(new, "big") & done
    if erasing and rng.random() < 0.5:
        bits &= rng.getrandbits(size) | rng.getrandbits(size)
    return bits.to_bytes(len(old), "big")


class VirtualNor:
    """`blocks` erased sectors; `on_busy` is told how many microseconds each operation took.

    `before` is told the bytes of each operation, while it may still be cut. `operations` are
    counted since the chip was made, `wear` erases a sector. `violations` are
    bytes that a program step could not store because their bits were cleared before, and steps in
    a `weak` sector: its erase was cut, so that it is worth nothing, whatever it reads.
    """

    def __init__(self, blocks: int, on_busy: Callable[[int], None] | None = None) -> None:
        self.blocks = blocks
        self.on_busy = on_busy
        self.before: Callable[[int], object] = lambda _size: None
        self.operations = 0
        self.violations = 0
        self.wear = [0] * blocks
        self.weak: set[int] = set()
        self.powered = True
        self._content = bytearray(b"\xff" * SECTOR * blocks)
        self._cut: tuple[int, Tear] | None = None

    # The extended block device

    def readblocks(self, n: int, buf: bytearray | memoryview, off: int = 0) -> None:
        self._check(n, off, len(buf))
        start = n * SECTOR + off
        buf[:] = self._content[start : start + len(buf)]

    def writeblocks(
        self, n: int, buf: bytes | bytearray | memoryview, off: int | None = None
    ) -> None:
        """With an offset program only; without one erase the sectors first."""
        self._check(n, off or 0, len(buf))
        if off is None:
            for block in range(n, n + len(buf) // SECTOR):
                self._erase(block)
        start = n * SECTOR + (off or 0)
        end = start + len(buf)
        for at in range(start - start % PAGE, end, PAGE):
            first, last = max(at, start), min(at + PAGE, end)
            self._program(first, bytes(buf[first - start : last - start]))

    def ioctl(self, op: int, arg: int) -> int | None:
        if op == IOCTL_BLOCK_COUNT:
            return self.blocks
        if op == IOCTL_BLOCK_SIZE:
            return SECTOR
        if op == IOCTL_BLOCK_ERASE:
            self._check(arg, 0, SECTOR)
            self._erase(arg)
        return 0

    # What a test or a virtual board does to the chip

    def plan_cut(self, operations: int, tear: Tear) -> None:
        """So many operations still go well; the one after them is torn."""
        self._cut = self.operations + operations, tear

    def power_on(self) -> None:
        """Power is back and no cut is planned."""
        self._cut = None
        self.powered = True

    def snapshot(self) -> bytes:
        """The content."""
        return bytes(self._content)

    def restore(self, content: bytes) -> None:
        """Replace the content, as someone with a programmer can; wear stays, weakness does not."""
        if len(content) != len(self._content):
            raise ValueError("an image of another size")
        self._content[:] = content
        self.weak.clear()

    def load(self, path: Path) -> None:
        """Replace the content by a file's. Raises OSError, ValueError for another size."""
        self.restore(path.read_bytes())

    def save(self, path: Path) -> None:
        """Write the content to a file. Raises OSError."""
        path.write_bytes(self._content)

    def _check(self, block: int, offset: int, size: int) -> None:
        if not self.powered:
            raise PowerCut
        if min(block, offset) < 0 or block * SECTOR + offset + size > len(self._content):
            raise ValueError("outside the flash")

    def _program(self, at: int, data: bytes) -> None:
        old = bytes(self._content[at : at + len(data)])
        bits = int.from_bytes(old, "big") & int.from_bytes(data, "big")
        new = bits.to_bytes(len(data), "big")
        if new != data:
            wanted = zip(data, new, strict=True)
            self.violations += sum(d not in (0xFF, n) for d, n in wanted)
        self.violations += at // SECTOR in self.weak
        self._do(at, old, new, PAGE_US)

    def _erase(self, block: int) -> None:
        at = block * SECTOR
        self.wear[block] += 1
        self.weak.add(block)
        self._do(at, bytes(self._content[at : at + SECTOR]), b"\xff" * SECTOR, ERASE_US)
        self.weak.remove(block)

    def _do(self, at: int, old: bytes, new: bytes, busy_us: int) -> None:
        self.before(len(new))
        operation, tear = self._cut or (-1, None)
        if tear is not None and operation == self.operations:
            self._content[at : at + len(old)] = tear.left(old, new)
            self.powered = False
            raise PowerCut
        self._content[at : at + len(new)] = new
        self.operations += 1
        if self.on_busy is not None:
            self.on_busy(busy_us)
