# SPDX-License-Identifier: Apache-2.0
"""What I2C and SPI have in common at the chip's end: frames that wait until the host fetches them.

The time of a transfer is the board's own: it is charged to its clock, and the chip hears the bytes
at its end. IRQ is low while a frame waits. Knows no bus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_frame import NACK, FrameParser

WAITING_MAX = 4  # ACK, a response, and one more of each for a host that never fetches
BEYOND = b"\x80"  # what a read gets behind the frame; no host may rely on it


class BusPort:
    """The `HostLink` of a chip on a bus with transfers.

    `keeps`: a frame that the host has not fetched survives its next command.
    """

    wake_bit = 0

    def __init__(self, chip: VirtualPn532, clock: VirtualClock, *, keeps: bool = False) -> None:
        self._chip = chip
        self._clock = clock
        self._keeps = keeps
        self._parser = FrameParser()
        self._frames: deque[bytes] = deque(maxlen=WAITING_MAX)
        self._hears_from_us = 0
        self._told_wake = False
        self._on_irq: Callable[[int], object] = lambda _level: None
        chip.attach(self)

    @property
    def irq(self) -> int:
        """Level of the line."""
        return 0 if self._frames or self._told_wake else 1

    def on_irq(self, moved: Callable[[int], object]) -> None:
        """Have `moved(level)` called when the line may have moved."""
        self._on_irq = moved

    @property
    def frame(self) -> bytes:
        """The frame that waits; empty when there is none."""
        return self._frames[0] if self._frames else b""

    def fetched(self) -> None:
        """The host has read the frame, wholly or not: it is gone."""
        if self._frames:
            self._frames.popleft()
        self._on_irq(self.irq)

    def written(self, octets: bytes) -> None:
        """A transfer of the host; a new command or its ACK takes unread frames away."""
        self._told_wake = False
        self._on_irq(self.irq)
        if octets.find(NACK) < 0 and not self._keeps:
            self._frames.clear()
            self._on_irq(self.irq)
        self._chip.timeline.at(self._clock.now_us(), lambda: self.hear(octets))

    def spend(self, bits: int, hertz: int) -> None:
        """The bus is busy, and the board with it."""
        self._clock.charge(-(-bits * 1_000_000 // hertz), "bus")

    def called(self) -> int:
        """The host calls the chip, which may wake it; microseconds until it understands.

        Negative: it sleeps on. The board looks again once it is awake.
        """
        chip, now_us = self._chip, self._clock.now_us()
        if chip.asleep:
            if not chip.wakes_by(self.wake_bit):
                return -1
            chip.wake()
            self._hears_from_us = now_us + chip.startup_us
            chip.timeline.at(self._hears_from_us, self._clock.kick)
        return max(0, self._hears_from_us - now_us)

    def hear(self, octets: bytes) -> None:
        """Bytes of a whole transfer have arrived."""
        for frame in self._parser.push(octets):
            self._chip.receive(frame)

    # What the chip sees

    def say(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._on_irq(self.irq)
        self._clock.kick()

    def woken(self) -> None:
        self._told_wake = True
        self._on_irq(self.irq)
        self._clock.kick()

    def slept(self) -> None:
        self._hears_from_us = 0
        self._parser.clear()

    def powered(self) -> None:
        self.slept()
        self._frames.clear()
        self._on_irq(self.irq)

    def speed(self, baudrate: int) -> None:
        """A bus with a clock has its master's."""


class IrqLine:
    """`machine.Pin` at IRQ, read by the board."""

    def __init__(self, port: BusPort) -> None:
        self._port = port

    def value(self, x: int | None = None, /) -> int:
        return self._port.irq
