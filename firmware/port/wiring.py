# SPDX-License-Identifier: Apache-2.0
"""The shapes of the pins, buses and flash that a board hands to drivers.

For the type checker only: import these names under TYPE_CHECKING; at run time the module is empty.
Knows no chip and no board. Signatures: MicroPython 1.26, modules `machine` and `os`
(extended block protocol).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol

    class Pin(Protocol):
        """One digital line; `value()` reads 0 or 1, `value(x)` drives it."""

        def value(self, x: int = ..., /) -> int: ...

    class Uart(Protocol):
        """Reads never wait: they return what is there, or None when nothing is."""

        def any(self) -> int: ...

        def read(self, nbytes: int = ..., /) -> bytes | None: ...

        def readinto(self, buf: bytearray | memoryview, nbytes: int = ..., /) -> int | None: ...

        def write(self, buf: bytes | bytearray | memoryview, /) -> int | None: ...

        def init(self, *, baudrate: int) -> None: ...

        def deinit(self) -> None: ...

    class I2c(Protocol):
        """Seven-bit addresses; a device that does not acknowledge raises OSError."""

        def writeto(self, addr: int, buf: bytes | bytearray | memoryview, /) -> int: ...

        def readfrom(self, addr: int, nbytes: int, /) -> bytes: ...

        def readfrom_into(self, addr: int, buf: bytearray | memoryview, /) -> None: ...

        def writeto_mem(self, addr: int, memaddr: int, buf: bytes, /) -> None: ...

        def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, /) -> bytes: ...

    class Spi(Protocol):
        """Mode 0; the chip-select line is a Pin of its own."""

        def write(self, buf: bytes | bytearray | memoryview, /) -> None: ...

        def readinto(self, buf: bytearray | memoryview, write: int = ..., /) -> None: ...

        def write_readinto(self, write_buf: bytes, read_buf: bytearray, /) -> None: ...

    class Pwm(Protocol):
        """`freq` in hertz; `duty_u16` of 65535 is always on."""

        def freq(self, value: int = ..., /) -> int | None: ...

        def duty_u16(self, value: int = ..., /) -> int | None: ...

    class Adc(Protocol):
        """0 to 65535 over the input's range."""

        def read_u16(self) -> int: ...

    class Watchdog(Protocol):
        """Resets the board unless fed in time."""

        def feed(self) -> None: ...

    class BlockDevice(Protocol):
        """NOR flash in erase blocks: `writeblocks` with an offset programs (clears bits) only.

        `ioctl(4, 0)` counts the blocks, `ioctl(5, 0)` gives their size, `ioctl(6, n)` erases one.
        """

        def readblocks(self, n: int, buf: bytearray | memoryview, off: int, /) -> None: ...

        def writeblocks(
            self, n: int, buf: bytes | bytearray | memoryview, off: int, /
        ) -> None: ...

        def ioctl(self, op: int, arg: int, /) -> int | None: ...
