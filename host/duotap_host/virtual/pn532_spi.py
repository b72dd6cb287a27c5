# SPDX-License-Identifier: Apache-2.0
"""A virtual PN532 on SPI: mode 0, least significant bit first (UM0701-02 §6.2.6).

Its select wakes it and begins a transfer, whose first byte is an operation; while it wakes it
understands nothing. A frame that is read is gone when the select is taken away. Knows no frame
beyond its bytes.
"""

from __future__ import annotations

from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.pn532_bus import BEYOND, BusPort
from duotap_host.virtual.pn532_chip import WAKE_BY_SPI, VirtualPn532

WRITE, STATUS, READ = 0x01, 0x02, 0x03
READY = 0x01
HERTZ = 1_000_000
HERTZ_MAX = 5_000_000
FLIPPED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class SpiPort(BusPort):
    """The chip's end of the bus; bytes are as the chip sees them."""

    wake_bit = WAKE_BY_SPI

    def __init__(
        self,
        chip: VirtualPn532,
        clock: VirtualClock,
        *,
        hertz: int = HERTZ,
        keeps: bool = False,
    ) -> None:
        if hertz > HERTZ_MAX:
            raise ValueError(f"a PN532 takes at most {HERTZ_MAX} Hz")
        super().__init__(chip, clock, keeps=keeps)
        self._hertz = hertz
        self._selected = False
        self._operation = 0
        self._taken = bytearray()
        self._given = 0

    def select(self, level: int) -> None:
        """The line NSS: low begins a transfer, high ends it."""
        if level == (0 if self._selected else 1):
            return
        self._selected = not level
        if self._selected:
            self.called()
            self._operation, self._given = 0, 0
            self._taken.clear()
        elif self._operation == WRITE:
            self.written(bytes(self._taken))
        elif self._operation == READ and self._given:
            self.fetched()

    def transfer(self, octets: bytes) -> bytes:
        """Bytes out of the board and, at the same time, as many into it."""
        self.spend(8 * len(octets), self._hertz)
        if not self._selected or self.called():
            return b"\xff" * len(octets)
        return bytes(self._exchange(octet) for octet in octets)

    def _exchange(self, octet: int) -> int:
        if not self._operation:
            self._operation = octet
            return 0xFF
        if self._operation == WRITE:
            self._taken.append(octet)
            return 0xFF
        if self._operation == STATUS:
            return READY if self.frame else 0x00
        if self._operation != READ:
            return 0xFF
        frame = self.frame
        at, self._given = self._given, self._given + 1
        return frame[at] if at < len(frame) else BEYOND[0]


class SpiWires:
    """`machine.SPI`; `firstbit` as the board's hardware has it (MSB is all that an RP2040 can)."""

    MSB, LSB = 0, 1

    def __init__(self, port: SpiPort, firstbit: int = MSB) -> None:
        self._port = port
        self._flips = firstbit == self.MSB

    def read(self, nbytes: int, write: int = 0x00, /) -> bytes:
        return self._transfer(bytes((write,)) * nbytes)

    def readinto(self, buf: bytearray | memoryview, write: int = 0x00, /) -> None:
        buf[:] = self.read(len(buf), write)

    def write(self, buf: bytes | bytearray | memoryview, /) -> None:
        self._transfer(bytes(buf))

    def write_readinto(self, write_buf: bytes, read_buf: bytearray | memoryview, /) -> None:
        read_buf[:] = self._transfer(bytes(write_buf))

    def _transfer(self, octets: bytes) -> bytes:
        if self._flips:
            return self._port.transfer(octets.translate(FLIPPED)).translate(FLIPPED)
        return self._port.transfer(octets)


class SelectLine:
    """`machine.Pin` at NSS, driven by the board."""

    def __init__(self, port: SpiPort) -> None:
        self._port = port
        self._level = 1

    def value(self, x: int | None = None, /) -> int:
        if x is not None:
            self._level = 1 if x else 0
            self._port.select(self._level)
        return self._level
