# SPDX-License-Identifier: Apache-2.0
"""The USB cable between a host and a device in this Python: two ends, bytes a frame later.

The device's end has the shape of `port.console.Console`, the host's that of a `Console` of
virtual/device.py. Knows no frame of the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from duotap_host.virtual.clock import VirtualClock

FRAME_US = 1000  # full-speed USB carries bulk bytes once a frame


class Cable:
    """`device` and `host` are its ends; `clear` is pulling it out and plugging it in again."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        # What is left of the bytes that are sent; told whether the host sends them.
        self.befall: Callable[[bytes, bool], bytes] = lambda chunk, _by_host: chunk
        self.host = HostEnd(self)
        self.device = DeviceEnd(self)
        self._plugged = 0

    def clear(self) -> None:
        """Whatever is under way or not yet read is gone."""
        self._plugged += 1
        self.host.received.clear()
        self.device.received.clear()

    def carry(self, chunk: bytes, end: HostEnd | DeviceEnd) -> None:
        """Bring `chunk` to an end: after what the device is busy with, one frame later."""
        chunk = self.befall(chunk, end is self.device)
        t_us = self.clock.now_us() if end is self.host else self.clock.timeline.now_us()
        self.clock.timeline.at(t_us + FRAME_US, self._arrive, chunk, end, self._plugged)

    def _arrive(self, chunk: bytes, end: HostEnd | DeviceEnd, plugged: int) -> None:
        if chunk and plugged == self._plugged:
            end.received += chunk
            end.arrived()


class HostEnd:
    """Waits for bytes."""

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self.received = bytearray()
        self._something = asyncio.Event()

    def arrived(self) -> None:
        self._something.set()

    async def read(self, nbytes: int = 4096) -> bytes:
        while not self.received:
            self._something.clear()
            await self._something.wait()
        chunk = bytes(self.received[:nbytes])
        del self.received[:nbytes]
        return chunk

    async def write(self, chunk: bytes) -> None:
        self._cable.carry(bytes(chunk), self._cable.device)


class DeviceEnd:
    """Never waits; tells the clock that there is something to look at."""

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self.received = bytearray()

    def arrived(self) -> None:
        self._cable.clock.kick()

    def any(self) -> int:
        return len(self.received)

    def read(self, nbytes: int = 64) -> bytes | None:
        chunk = bytes(self.received[:nbytes])
        del self.received[:nbytes]
        return chunk or None

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        self._cable.carry(bytes(chunk), self._cable.host)
        return len(chunk)
