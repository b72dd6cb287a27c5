# SPDX-License-Identifier: Apache-2.0
"""A virtual PN532 on I2C: address 24h, a status byte before each frame (UM0701-02 §6.2.5).

A read of the status byte alone takes no frame; a longer one takes it whether or not it was read to
its end, and NACK brings it back. Knows no frame beyond its bytes.
"""

from __future__ import annotations

from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.pn532_bus import BEYOND, BusPort
from duotap_host.virtual.pn532_chip import WAKE_BY_I2C, VirtualPn532

ADDRESS = 0x24
READY, BUSY = b"\x01", b"\x00"
BITS_PER_BYTE = 9
HERTZ = 400_000


class I2cPort(BusPort):
    """The chip's end of the bus. `stretches`: it holds the clock while it wakes; if not, or if the
    master does not wait so long, the address is not acknowledged."""

    wake_bit = WAKE_BY_I2C

    def __init__(
        self,
        chip: VirtualPn532,
        clock: VirtualClock,
        *,
        stretches: bool = False,
        keeps: bool = False,
    ) -> None:
        super().__init__(chip, clock, keeps=keeps)
        self._stretches = stretches

    def write(self, octets: bytes) -> bool:
        """A write transfer; False: not acknowledged."""
        if not self._acknowledges(1 + len(octets)):
            return False
        self.written(octets)
        return True

    def read(self, count: int) -> bytes:
        """A read transfer; empty: not acknowledged."""
        if not self._acknowledges(1 + count):
            return b""
        frame = self.frame
        if not frame:
            return BUSY + BEYOND * (count - 1)
        if count > 1:
            self.fetched()
        return (READY + frame + BEYOND * count)[:count]

    def _acknowledges(self, octets: int) -> bool:
        waits_us = self.called()
        if waits_us > 0 and self._stretches:
            self._clock.charge(waits_us, "bus")
            waits_us = self.called()
        self.spend(BITS_PER_BYTE * (1 if waits_us else octets), HERTZ)
        return not waits_us


class I2cWires:
    """`machine.I2C` with one chip on it."""

    def __init__(self, port: I2cPort, address: int = ADDRESS) -> None:
        self._port = port
        self._address = address

    def writeto(self, addr: int, buf: bytes | bytearray | memoryview, stop: bool = True, /) -> int:
        if addr != self._address or not self._port.write(bytes(buf)):
            raise OSError(5, "no acknowledge")
        return len(buf)

    def readfrom(self, addr: int, nbytes: int, stop: bool = True, /) -> bytes:
        answer = self._port.read(nbytes) if addr == self._address else b""
        if not answer:
            raise OSError(5, "no acknowledge")
        return answer

    def readfrom_into(self, addr: int, buf: bytearray | memoryview, stop: bool = True, /) -> None:
        buf[:] = self.readfrom(addr, len(buf))

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes, /) -> None:
        self.writeto(addr, bytes((memaddr,)) + bytes(buf))

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, /) -> bytes:
        self.writeto(addr, bytes((memaddr,)), False)
        return self.readfrom(addr, nbytes)

    def scan(self) -> list[int]:
        return [self._address] if self._port.read(1) else []
