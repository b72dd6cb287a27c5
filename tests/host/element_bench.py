# SPDX-License-Identifier: Apache-2.0
"""A virtual ATECC608 on a wire, and a controller whose time only waiting and the bus move."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from drivers.atecc608 import Atecc608
from duotap_host.virtual.atecc608_chip import VirtualAtecc608
from port import bound

BITS_PER_BYTE = 9


class Wire:
    """machine.I2C at one speed; `tap` sees each transfer and may change what passes."""

    def __init__(self, bench: ElementBench, hz: int) -> None:
        self._bench = bench
        self._hz = hz

    def writeto(self, addr: int, buf: bytes | bytearray | memoryview, /) -> int:
        bench = self._bench
        bench.passes((1 + len(buf)) * BITS_PER_BYTE, self._hz)
        content = bench.tap("write", addr, bytes(buf))
        if not bench.chip.i2c_write(addr, content, self._hz):
            raise OSError(5)
        return len(buf)

    def readfrom(self, addr: int, nbytes: int, /) -> bytes:
        bench = self._bench
        bench.passes((1 + nbytes) * BITS_PER_BYTE, self._hz)
        answer = bench.chip.i2c_read(addr, nbytes)
        if not answer:
            raise OSError(5)
        return bench.tap("read", addr, answer)

    def readfrom_into(self, addr: int, buf: bytearray | memoryview, /) -> None:
        buf[:] = self.readfrom(addr, len(buf))

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes, /) -> None:
        self.writeto(addr, bytes((memaddr,)) + buf)

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, /) -> bytes:
        self.writeto(addr, bytes((memaddr,)))
        return self.readfrom(addr, nbytes)


class Stream:
    """Entropy that is the same in each run."""

    def __init__(self, seed: bytes = b"") -> None:
        self._seed = seed
        self._count = 0

    def read(self, purpose: str, nbytes: int) -> bytes:
        self._count += 1
        text = self._seed + purpose.encode() + self._count.to_bytes(4, "big")
        return hashlib.sha512(text).digest()[:nbytes]


class ElementBench:
    """`driver` speaks to `chip`; `seed` fixes both; `settings` are the chip's."""

    def __init__(self, seed: bytes = b"", **settings: Any) -> None:
        self.now_us = 0
        self.chip = VirtualAtecc608(lambda: self.now_us, seed, **settings)
        self.tap: Callable[[str, int, bytes], bytes] = lambda _way, _addr, content: content
        self.entropy = Stream(seed)
        self.driver = Atecc608(lambda hz: Wire(self, hz), self.sleep_us)

    def sleep_us(self, us: int) -> None:
        self.now_us += us

    def passes(self, bits: int, hz: int) -> None:
        self.now_us += bits * 1_000_000 // hz

    def power_on(self) -> None:
        self.chip.power_on()

    def signer(self, secret: int = 7) -> Any:
        """What boards with this element sign with."""
        return bound.signer(self.driver, secret, self.entropy, 100, 100)
