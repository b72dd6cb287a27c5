# SPDX-License-Identifier: Apache-2.0
"""The shape of the flash that a journal is handed.

For the type checker only: import it under TYPE_CHECKING; a device has no such module. Signatures:
MicroPython 1.26, module `os`, extended block protocol.
"""

from typing import Protocol

class BlockDevice(Protocol):
    """NOR flash in erase blocks: `writeblocks` with an offset programs (clears bits) only.

    `ioctl(4, 0)` counts the blocks, `ioctl(5, 0)` gives their size, `ioctl(6, n)` erases one.
    """

    def readblocks(self, n: int, buf: bytearray | memoryview, off: int, /) -> None: ...
    def writeblocks(self, n: int, buf: bytes | bytearray | memoryview, off: int, /) -> None: ...
    def ioctl(self, op: int, arg: int, /) -> int | None: ...
