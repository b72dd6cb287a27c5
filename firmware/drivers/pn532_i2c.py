# SPDX-License-Identifier: Apache-2.0
"""The PN532's bus I2C: each read begins with a byte that says whether a frame is ready.

Knows no command. A read is one transfer, so a frame is read twice: its first bytes tell how long
it is, NACK asks for it again, and no read is longer than the frame, at which masters are known to
stall. A chip that wakes stretches the clock or does not acknowledge: both mean "not yet". IRQ,
where it is wired, is low while a frame is ready. UM0701-02 §6.2.5 and §7.2.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault, Timeout

from drivers.pn532_frame import NACK_FRAME, SHORTEST_FRAME, whole_bytes

if TYPE_CHECKING:
    from port.clock import Clock
    from port.wiring import I2c as Wires
    from port.wiring import Pin

    from drivers.pn532_frame import FrameReader

ADDRESS = 0x24
READY = 0x01
BYTES_PER_MS = 40  # nine bits each at 400 kHz; a slower bus has the slack of the time-outs
WAKING = b"\x00"  # its address wakes it; a frame parser eats the byte
WAKE_MS = 4  # 2 ms of start-up, and what a sleep of whole ticks may fall short of
AGAIN_MS = 2
TRIES_MAX = 4  # of a transfer that is not acknowledged
REPEAT_MS = 10  # a chip has the frame at hand that NACK asks for


class I2c:
    """Owns the address; the wires may be shared. Its speed is set where the wires are."""

    wake_bit = 0x80  # its own in WakeUpEnable of PowerDown

    def __init__(self, wires: Wires, clock: Clock, irq: Pin | None = None) -> None:
        self.wires = wires
        self.clock = clock
        self.irq = irq
        self.nacks = 0
        self.baudrate = self.baudrate_max = 0  # there is none to raise
        self._status = bytearray(1)

    def duration_ms(self, count: int) -> int:
        """Time of `count` bytes on the wires, rounded up."""
        return count // BYTES_PER_MS + 1

    async def wake(self) -> None:
        try:
            self.wires.writeto(ADDRESS, WAKING)
        except OSError:
            pass
        await self.clock.sleep_ms(WAKE_MS)

    async def send(self, view: memoryview | bytes) -> None:
        """Write one frame; a chip that acknowledges none of the tries will send no ACK either."""
        for _ in range(TRIES_MAX):
            try:
                self.wires.writeto(ADDRESS, view)
                return
            except OSError:
                await self.clock.sleep_ms(AGAIN_MS)

    async def receive(
        self, reader: FrameReader, need: int, timeout_ms: int | None, step_ms: int
    ) -> None:
        """Wait for a frame and give it to `reader`. Raises Timeout, or Fault on bad wires."""
        await self.clock.poll(self._ready, timeout_ms, step_ms)
        reader.clear()  # what is there is the rest of none
        count, whole = 0, SHORTEST_FRAME
        while whole > count:
            if count:
                await self._again(step_ms)
            count = whole
            view = reader.room(count + 1)
            await self._read(view)
            whole = whole_bytes(view[1:])
        reader.took(count + 1)

    async def _again(self, step_ms: int) -> None:
        """Have the frame repeated."""
        for _ in range(TRIES_MAX):
            self.nacks += 1
            await self.send(NACK_FRAME)
            try:
                await self.clock.poll(self._ready, REPEAT_MS, step_ms)
                return
            except Timeout:
                pass
        raise Fault("the PN532 does not repeat its frame")

    async def _read(self, view: memoryview) -> None:
        for _ in range(TRIES_MAX):
            try:
                self.wires.readfrom_into(ADDRESS, view)
                return
            except OSError:
                await self.clock.sleep_ms(AGAIN_MS)
        raise Fault("the PN532 does not acknowledge")

    def _ready(self) -> bool:
        if self.irq is not None:
            return not self.irq.value()
        try:
            self.wires.readfrom_into(ADDRESS, self._status)
        except OSError:
            return False
        return self._status[0] == READY

    def flush(self) -> None:
        """Nothing comes unasked; a frame that nobody wanted is passed over by who reads it."""

    def set_baudrate(self, baudrate: int) -> None:
        """There is none."""

    async def restart(self) -> bool:
        """Nothing that can be set wrong on this bus outlives a command."""
        return False
