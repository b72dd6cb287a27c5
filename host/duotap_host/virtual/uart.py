# SPDX-License-Identifier: Apache-2.0
"""A serial line: a board's `machine.UART` at one end, a chip or another program at the other.

Ten bits a byte at the sender's speed. When the two ends disagree on the speed the receiver gets
garbage. The board's end has the buffers of the stock ports: a transmit ring, a receive ring,
and in spans in which its interrupts are blocked (flash is being programmed) only the 32 bytes of
the hardware's FIFO; what does not fit is dropped and counted. Knows nothing of what it carries.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.timeline import Timeline

BITS_PER_BYTE = 10  # start, eight, stop
FIFO_BYTES = 32  # the RP2040's; an ESP32 has 128 but interrupts at fewer
RING_BYTES = 256  # MicroPython's default for rxbuf and txbuf
LOOK_BYTES = 32  # a reader is told of new bytes this often, and at the end of a write
MISMATCH = 0.05  # relative difference of speed from which a byte's last bits are missed


def garble(chunk: bytes) -> bytes:
    """What a receiver at another speed makes of `chunk`: never a start code, never the truth."""
    return bytes((byte * 29 + 0x5D) & 0xFF | 0x02 for byte in chunk)


class _Wire:
    """One direction: sends bytes one after another, never two at a time."""

    def __init__(self) -> None:
        self.free_us = 0
        self.bytes = 0
        self.busy_us = 0
        self.on_bytes: Callable[[int, int], object] = lambda _start_us, _end_us: None

    def put(self, from_us: int, count: int, baudrate: int) -> tuple[int, int]:
        """Occupy the wire for `count` bytes; returns when they start and end."""
        start_us = max(self.free_us, from_us)
        duration_us = count * BITS_PER_BYTE * 1_000_000 // baudrate
        self.free_us = start_us + duration_us
        self.bytes += count
        self.busy_us += duration_us
        self.on_bytes(start_us, self.free_us)
        return start_us, self.free_us


class UartLine:
    """Both ends and the wires between; `clock` is the board's and may be absent."""

    def __init__(
        self, timeline: Timeline, clock: VirtualClock | None = None, *, baudrate: int = 115200
    ) -> None:
        self.device = DeviceUart(timeline, clock, baudrate)
        self.far = FarEnd(timeline, baudrate)
        self.device._peer = self.far
        self.far._peer = self.device

    def wire_us(self) -> int:
        """Microseconds so far in which bytes were on either wire."""
        return self.device._wire.busy_us + self.far._wire.busy_us

    def on_bytes(self, seen: Callable[[int, int, bool], object]) -> None:
        """Have `seen(start_us, end_us, to_board)` called for each span of bytes on a wire."""
        self.device._wire.on_bytes = lambda start_us, end_us: seen(start_us, end_us, False)
        self.far._wire.on_bytes = lambda start_us, end_us: seen(start_us, end_us, True)

    def wire_bytes(self) -> int:
        return self.device._wire.bytes + self.far._wire.bytes


class FarEnd:
    """The end that is not a board's: bytes go in by `send`, come out by a callback."""

    _peer: DeviceUart

    def __init__(self, timeline: Timeline, baudrate: int) -> None:
        self.baudrate = baudrate
        self._timeline = timeline
        self._wire = _Wire()
        self._receive: Callable[[bytes, float], object] = lambda _chunk, _byte_us: None

    def set_baudrate(self, baudrate: int) -> None:
        self.baudrate = baudrate

    def on_receive(self, receive: Callable[[bytes, float], object]) -> None:
        """Have `receive(chunk, byte_us)` called as the last byte of each write arrives."""
        self._receive = receive

    def send(self, chunk: bytes) -> None:
        """Put `chunk` on the wire after whatever is on it."""
        if chunk:
            start_us, end_us = self._wire.put(self._timeline.now_us(), len(chunk), self.baudrate)
            self._peer._coming(bytes(chunk), start_us, end_us, self.baudrate)

    def _arrived(self, chunk: bytes, baudrate: int) -> None:
        if abs(baudrate - self.baudrate) > MISMATCH * self.baudrate:
            chunk = garble(chunk)
        self._receive(chunk, BITS_PER_BYTE * 1e6 / baudrate)


class _Coming:
    """A chunk on its way to the board, and how much of it has been taken in."""

    def __init__(self, chunk: bytes, start_us: int, end_us: int, baudrate: int) -> None:
        self.chunk = chunk
        self.start_us = start_us
        self.end_us = end_us
        self.baudrate = baudrate
        self.taken = 0

    def arrival_us(self, index: int) -> int:
        duration_us = self.end_us - self.start_us
        return self.start_us - -duration_us * (index + 1) // len(self.chunk)

    def arrived(self, now_us: int) -> int:
        """How many bytes are there by `now_us`."""
        if now_us >= self.end_us:
            return len(self.chunk)
        if now_us < self.start_us:
            return 0
        return (now_us - self.start_us) * len(self.chunk) // (self.end_us - self.start_us)


class DeviceUart:
    """The board's end, with the methods of `machine.UART`; reads never wait."""

    _peer: FarEnd

    def __init__(self, timeline: Timeline, clock: VirtualClock | None, baudrate: int) -> None:
        self.baudrate = baudrate
        self.dropped_fifo = 0
        self.dropped_ring = 0
        self._timeline = timeline
        self._clock = clock
        self._wire = _Wire()
        self._rxbuf = RING_BYTES
        self._txbuf = RING_BYTES
        self._ring = bytearray()
        self._coming_in: deque[_Coming] = deque()
        self._blocked: deque[list[int]] = deque()
        self._activity: Callable[[], object] = lambda: None
        self._taken_by: Callable[[bytes, int, int, int], object] | None = None
        if clock is not None:
            clock.on_flash(lambda begin_us, end_us: self._blocked.append([begin_us, end_us, 0]))
            self._activity = clock.kick

    def on_activity(self, activity: Callable[[], object]) -> None:
        """Have `activity()` called when bytes may have come; a clock's kick by default."""
        self._activity = activity

    def on_coming(self, taken: Callable[[bytes, int, int, int], object]) -> None:
        """Have `taken(chunk, start_us, end_us, baudrate)` called as bytes begin to come, in place
        of this UART's receiver."""
        self._taken_by = taken

    # machine.UART

    def init(
        self, baudrate: int = 115200, *, rxbuf: int = 0, txbuf: int = 0, **_pins: Any
    ) -> None:
        self._take_in()
        self.baudrate = baudrate
        self._rxbuf = rxbuf or self._rxbuf
        self._txbuf = txbuf or self._txbuf

    def deinit(self) -> None:
        self._take_in()
        self._ring.clear()

    def any(self) -> int:
        self._take_in()
        return len(self._ring)

    def read(self, nbytes: int = -1) -> bytes | None:
        self._take_in()
        count = len(self._ring) if nbytes < 0 else min(nbytes, len(self._ring))
        chunk = bytes(self._ring[:count])
        del self._ring[:count]
        return chunk or None

    def readinto(self, buf: bytearray | memoryview, nbytes: int = -1) -> int | None:
        chunk = self.read(len(buf) if nbytes < 0 else min(nbytes, len(buf)))
        if chunk is None:
            return None
        buf[: len(chunk)] = chunk
        return len(chunk)

    def write(self, buf: bytes | bytearray | memoryview) -> int | None:
        """Take as much as the transmit ring has room for; returns how much, or None."""
        now_us = self._timeline.now_us() if self._clock is None else self._clock.now_us()
        ahead_us = max(0, self._wire.free_us - now_us)
        waiting = -(-ahead_us * self.baudrate // (BITS_PER_BYTE * 1_000_000))
        chunk = bytes(buf[: max(0, self._txbuf - waiting)])
        if not chunk:
            return None
        _, end_us = self._wire.put(now_us, len(chunk), self.baudrate)
        self._timeline.at(end_us, self._peer._arrived, chunk, self.baudrate)
        return len(chunk)

    # The wire

    def _coming(self, chunk: bytes, start_us: int, end_us: int, baudrate: int) -> None:
        if self._taken_by is not None:
            self._taken_by(chunk, start_us, end_us, baudrate)
            return
        coming = _Coming(chunk, start_us, end_us, baudrate)
        self._coming_in.append(coming)
        for index in range(LOOK_BYTES - 1, len(chunk) - 1, LOOK_BYTES):
            self._timeline.at(coming.arrival_us(index), self._look)
        self._timeline.at(end_us, self._look)

    def _look(self) -> None:
        self._activity()

    def _take_in(self) -> None:
        """Move what has arrived by now into the ring, as far as the hardware could."""
        now_us = self._timeline.now_us()
        while self._coming_in:
            coming = self._coming_in[0]
            count = coming.arrived(now_us)
            if count > coming.taken:
                self._receive(coming, count)
            if count < len(coming.chunk):
                break
            self._coming_in.popleft()
        while self._blocked and self._blocked[0][1] < now_us:
            self._blocked.popleft()

    def _receive(self, coming: _Coming, count: int) -> None:
        chunk = coming.chunk[coming.taken : count]
        if abs(coming.baudrate - self.baudrate) > MISMATCH * self.baudrate:
            chunk = garble(chunk)
        if self._blocked:
            chunk = self._through_fifo(coming, chunk)
        coming.taken = count
        room = max(0, self._rxbuf - len(self._ring))
        self.dropped_ring += max(0, len(chunk) - room)
        self._ring += chunk[:room]

    def _through_fifo(self, coming: _Coming, chunk: bytes) -> bytes:
        """What is left of `chunk` when blocked spans keep at most a FIFO's worth each."""
        kept = bytearray()
        for offset, byte in enumerate(chunk):
            arrival_us = coming.arrival_us(coming.taken + offset)
            span = self._span_at(arrival_us)
            if span is None or span[2] < FIFO_BYTES:
                kept.append(byte)
            else:
                self.dropped_fifo += 1
            if span is not None:
                span[2] += 1
        return bytes(kept)

    def _span_at(self, t_us: int) -> list[int] | None:
        for span in self._blocked:
            if span[0] <= t_us < span[1]:
                return span
        return None
