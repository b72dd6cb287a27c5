# SPDX-License-Identifier: Apache-2.0
"""The PN532's bus HSU: bytes over a UART, and the pulses that wake the chip.

Knows no frame beyond where its bytes go. Another bus has the same six methods. UM0701-02 §6.2.4
and §7.2.11: the fifth rising edge wakes, then bytes are lost for up to 2 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from port.clock import Clock
    from port.wiring import Pin, Uart

    from drivers.pn532_frame import FrameReader

RESET_BAUDRATE = 115200
BITS_PER_BYTE = 10
WAKING = b"\x55\x55"  # five rising edges each; a frame parser eats them
WAKE_MS = 4  # 2 ms of start-up, and what a sleep of whole ticks may fall short of
SEND_STEP_MS = 1
RESET_MS = 2  # RSTPDN low for 20 ns is enough; then the oscillator starts


class Hsu:
    """Owns the UART, which was opened at 115200 baud; the board can go up to `baudrate_max`.

    `reset` is the chip's RSTPDN, where it is wired: the way back from a speed that the wires do
    not carry. `irq` is low when a field has woken a chip that was powered down.
    """

    wake_bit = 0x10  # its own in WakeUpEnable of PowerDown
    nacks = 0

    def __init__(
        self,
        uart: Uart,
        clock: Clock,
        baudrate_max: int = RESET_BAUDRATE,
        reset: Pin | None = None,
        irq: Pin | None = None,
    ) -> None:
        self.uart = uart
        self.clock = clock
        self.baudrate = RESET_BAUDRATE
        self.baudrate_max = baudrate_max
        self.irq = irq
        self._reset = reset
        self._need = 0
        self._is_enough = self._enough

    def duration_ms(self, count: int) -> int:
        """Time of `count` bytes on the wire, rounded up."""
        return count * BITS_PER_BYTE * 1000 // self.baudrate + 1

    async def wake(self) -> None:
        self.uart.write(WAKING)
        await self.clock.sleep_ms(WAKE_MS + self.duration_ms(len(WAKING)))

    async def send(self, view: memoryview | bytes) -> None:
        """Hand all of `view` to the UART, waiting where its transmit ring is full."""
        sent = self.uart.write(view) or 0
        while sent < len(view):
            await self.clock.sleep_ms(SEND_STEP_MS)
            sent += self.uart.write(view[sent:]) or 0

    async def receive(
        self, reader: FrameReader, need: int, timeout_ms: int | None, step_ms: int
    ) -> None:
        """Wait until `need` bytes are there, then give `reader` all there are.

        Raises Timeout; what is there then stays there.
        """
        self._need = need
        await self.clock.poll(self._is_enough, timeout_ms, step_ms)
        count = self.uart.any()
        reader.took(self.uart.readinto(reader.room(count)) or 0)

    def flush(self) -> None:
        """Drop what has come unasked."""
        count = self.uart.any()
        while count:
            self.uart.read(min(count, 32))
            count = self.uart.any()

    async def restart(self) -> bool:
        """Whether the chip begins anew, at its first speed."""
        if self._reset is None:
            return False
        self._reset.value(0)
        await self.clock.sleep_ms(RESET_MS)
        self._reset.value(1)
        await self.clock.sleep_ms(RESET_MS)
        self.set_baudrate(RESET_BAUDRATE)
        return True

    def set_baudrate(self, baudrate: int) -> None:
        self.uart.init(baudrate=baudrate)
        self.baudrate = baudrate

    def _enough(self) -> bool:
        return self.uart.any() >= self._need
