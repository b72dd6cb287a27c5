# SPDX-License-Identifier: Apache-2.0
"""The PN532's bus SPI: mode 0, least significant bit first, at most 5 MHz.

Knows no command. Its select wakes the chip; the first byte behind it says what follows: status,
a frame to the chip, or one from it. Hardware that can only send the most significant bit first is
handed bytes that are reversed by a table. UM0701-02 §6.2.6 and §7.2.11. IRQ, where it is wired, is
low while a frame is ready.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.pn532_frame import FRAME_MAX, SHORTEST_FRAME, whole_bytes

if TYPE_CHECKING:
    from port.clock import Clock
    from port.wiring import Pin
    from port.wiring import Spi as Wires

    from drivers.pn532_frame import FrameReader

WRITE, STATUS, READ = 0x01, 0x02, 0x03
READY = 0x01
BYTES_PER_MS = 125  # at 1 MHz; a faster bus only waits longer than it must
WAKE_MS = 4  # 2 ms of start-up, and what a sleep of whole ticks may fall short of


def reversed_bits() -> bytearray:
    """For each byte the one with its eight bits from the other end."""
    table = bytearray(256)
    for byte in range(256):
        table[byte] = table[byte >> 1] >> 1 | (byte & 1) << 7
    return table


class Spi:
    """`select` is the chip's NSS; `msb_first`: the wires cannot do otherwise."""

    wake_bit = 0x20  # its own in WakeUpEnable of PowerDown
    nacks = 0

    def __init__(
        self,
        wires: Wires,
        select: Pin,
        clock: Clock,
        irq: Pin | None = None,
        msb_first: bool = True,
    ) -> None:
        self.wires = wires
        self.select = select
        self.clock = clock
        self.irq = irq
        self.baudrate = self.baudrate_max = 0  # there is none to raise
        self._table = reversed_bits() if msb_first else bytearray()
        self._frame = bytearray(1 + FRAME_MAX)
        self._view = memoryview(self._frame)
        select.value(1)

    def duration_ms(self, count: int) -> int:
        """Time of `count` bytes on the wires, rounded up."""
        return count // BYTES_PER_MS + 1

    async def wake(self) -> None:
        self.select.value(0)
        await self.clock.sleep_ms(WAKE_MS)
        self.select.value(1)

    async def send(self, view: memoryview | bytes) -> None:
        """Write one frame."""
        end = 1 + len(view)
        self._frame[1:end] = view
        self._select(WRITE, end)
        self.select.value(1)

    async def receive(
        self, reader: FrameReader, need: int, timeout_ms: int | None, step_ms: int
    ) -> None:
        """Wait for a frame and give it to `reader`. Raises Timeout."""
        await self.clock.poll(self._ready, timeout_ms, step_ms)
        reader.clear()  # what is there is the rest of none
        self._select(READ)
        count, whole = 0, SHORTEST_FRAME
        while whole > count:
            part = reader.room(whole)[count:]
            self.wires.readinto(part)
            self._reverse(part)
            count = whole
            whole = whole_bytes(reader.room(whole))
        self.select.value(1)
        reader.took(count)

    def _ready(self) -> bool:
        if self.irq is not None:
            return not self.irq.value()
        self._select(STATUS)
        status = self._view[1:2]
        self.wires.readinto(status)
        self._reverse(status)
        self.select.value(1)
        return status[0] & READY == READY

    def _select(self, operation: int, end: int = 1) -> None:
        """Begin a transfer: this byte first, then what stands behind it in the frame."""
        self._frame[0] = operation
        begin = self._view[:end]
        self._reverse(begin)
        self.select.value(0)
        self.wires.write(begin)

    def _reverse(self, view: memoryview) -> None:
        table = self._table
        if table:
            for at in range(len(view)):
                view[at] = table[view[at]]

    def flush(self) -> None:
        """Nothing comes unasked; a frame that nobody wanted is passed over by who reads it."""

    def set_baudrate(self, baudrate: int) -> None:
        """There is none."""

    async def restart(self) -> bool:
        """Nothing that can be set wrong on this bus outlives a command."""
        return False
