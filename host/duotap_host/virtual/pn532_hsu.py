# SPDX-License-Identifier: Apache-2.0
"""The HSU of a virtual PN532: its serial front end, and how bytes wake the chip.

Knows frames and time and no command; what carries the bytes (a `UartLine`, a PTY) is not known
here. UM0701-02 §6.2.1 and its "HSU wake up condition": the fifth rising edge on the receive line
wakes the chip; what comes before its clock runs is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from duotap_host.virtual.pn532_chip import WAKE_BY_HSU, VirtualPn532
from duotap_host.virtual.pn532_frame import FrameParser

WAKING_EDGES = 5  # rising edges on the receive line
RESET_BAUDRATE = 115200


def rising_edges(byte: int) -> int:
    """How often the line goes high while `byte` is sent: start bit, LSB first, stop bit."""
    levels = [0, *((byte >> bit) & 1 for bit in range(8)), 1]
    return sum(after > before for before, after in pairwise(levels))


EDGES = bytes(rising_edges(byte) for byte in range(256))


class HsuPort:
    """The `HostLink` of a chip that is strapped for HSU: bytes by `feed`, and by `on_output`."""

    wake_bit = WAKE_BY_HSU

    def __init__(self, chip: VirtualPn532) -> None:
        self._chip = chip
        self._parser = FrameParser()
        self._edges = 0
        self._hears_from_us = 0
        self._told_wake = False
        self._on_irq: Callable[[int], object] = lambda _level: None
        self._output: Callable[[bytes], object] = lambda _chunk: None
        self._switch: Callable[[int], object] = lambda _baudrate: None
        chip.attach(self)

    # Its pins

    def on_output(self, output: Callable[[bytes], object]) -> None:
        """Have `output(chunk)` called as the chip begins to send it: one call, one frame."""
        self._output = output

    def on_baudrate(self, switch: Callable[[int], object]) -> None:
        """Have `switch(baudrate)` called when the chip changes its speed."""
        self._switch = switch

    @property
    def irq(self) -> int:
        """Level of the line: low from a wake by the field until the host sends something."""
        return 0 if self._told_wake else 1

    def on_irq(self, moved: Callable[[int], object]) -> None:
        """Have `moved(level)` called when the line may have moved."""
        self._on_irq = moved

    def feed(self, chunk: bytes, byte_us: float = 0.0) -> None:
        """Bytes of which the last has just arrived, `byte_us` apart."""
        if self._told_wake:
            self._told_wake = False
            self._on_irq(1)
        if self._chip.asleep or self._hears_from_us:
            chunk = self._awake_for(chunk, byte_us)
        for frame in self._parser.push(chunk):
            self._chip.receive(frame)

    def agreed_baudrate(self) -> int:
        """The speed that the chip takes at the next ACK of its host; 0 when none is agreed."""
        return self._chip.next_baudrate

    def _awake_for(self, chunk: bytes, byte_us: float) -> bytes:
        """The bytes that come once the chip is awake; the others only wake it."""
        chip, now_us = self._chip, self._chip.timeline.now_us()
        for at, byte in enumerate(chunk):
            end_us = now_us - (len(chunk) - 1 - at) * byte_us
            if not chip.asleep and end_us - byte_us >= self._hears_from_us:
                self._hears_from_us = 0
                return chunk[at:]
            if chip.asleep:
                self._edges += EDGES[byte]
                if self._edges >= WAKING_EDGES and chip.wakes_by(self.wake_bit):
                    chip.wake()
                    self._hears_from_us = int(end_us) + chip.startup_us
        return b""

    # What the chip sees

    def say(self, frame: bytes) -> None:
        self._output(frame)

    def woken(self) -> None:
        self._told_wake = True
        self._on_irq(self.irq)

    def slept(self) -> None:
        self._edges = 0
        self._hears_from_us = 0
        self._parser.clear()

    def powered(self) -> None:
        self.slept()
        self._switch(RESET_BAUDRATE)

    def speed(self, baudrate: int) -> None:
        self._switch(baudrate)
