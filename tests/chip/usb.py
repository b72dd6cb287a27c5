# SPDX-License-Identifier: Apache-2.0
"""The host's end of the chip's USB: a console for our own client, or a terminal for others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from duotap_host.virtual.unix import Terminal

from chip.emulated import Emulated

HEARD_BYTES = 65536


class Usb:
    """`heard` is what the chip said last, for those who look back."""

    def __init__(self, chip: Emulated) -> None:
        self._chip = chip
        self._received = bytearray()
        self._something = asyncio.Event()
        self._also: Callable[[bytes], object] | None = None
        self.heard = bytearray()

    def said(self, chunk: bytes) -> None:
        """The chip has sent this."""
        self.heard = (self.heard + chunk)[-HEARD_BYTES:]
        if self._also is not None:
            self._also(chunk)
        else:
            self._received += chunk
            self._something.set()

    async def read(self, nbytes: int = 4096) -> bytes:
        while not self._received:
            self._something.clear()
            await self._something.wait()
        chunk = bytes(self._received[:nbytes])
        del self._received[:nbytes]
        return chunk

    async def write(self, chunk: bytes) -> None:
        self._chip.order("console", bytes(chunk).hex())

    def bridge(self, terminal: Terminal, loop: asyncio.AbstractEventLoop) -> None:
        """From now on whoever opens the terminal is the host."""
        fd = terminal.device_fd

        def typed() -> None:
            self._chip.order("console", os.read(fd, 4096).hex())

        self._also = lambda chunk: os.write(fd, chunk)
        loop.add_reader(fd, typed)
