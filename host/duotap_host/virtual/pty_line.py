# SPDX-License-Identifier: Apache-2.0
"""Pseudo-terminals at which programs outside of this process find a virtual part.

`Pty` keeps its slave open and raw, so that programs may come and go; `PtyHsu` is the serial line
from there to a virtual PN532, at the speed that the program has set on its terminal. Bytes take
their time on the line; at a wrong speed they are garbage. Knows no frame but the ACK of a host.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
import tty
from collections.abc import Callable
from contextlib import suppress

from duotap_host.virtual.pn532_frame import ACK
from duotap_host.virtual.pn532_hsu import RESET_BAUDRATE, HsuPort
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.uart import BITS_PER_BYTE, MISMATCH, garble

READ_BYTES = 4096
# struct termios2 of Linux: four flags, the line discipline and 19 control characters, two speeds
# in bits a second. The old call tells only of speeds that have a name.
TCGETS2 = 0x802C542A
TERMIOS2 = struct.Struct("IIII20sII")


class Pty:
    """One pseudo-terminal; `path` is what a program opens."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, baudrate: int = RESET_BAUDRATE) -> None:
        self._loop = loop
        self.fd, self._slave = os.openpty()
        os.set_blocking(self.fd, False)
        tty.setraw(self._slave, termios.TCSANOW)
        settings = termios.tcgetattr(self._slave)
        settings[4] = settings[5] = getattr(termios, f"B{baudrate}")
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        self.path = os.ttyname(self._slave)

    def on_receive(
        self, receive: Callable[[bytes], object], flushed: Callable[[], object] = lambda: None
    ) -> None:
        """Have `receive(chunk)` called with what a program has written.

        `flushed()` tells that it has dropped what it wrote (tcflush) and was not read yet.
        """
        fcntl.ioctl(self.fd, termios.TIOCPKT, struct.pack("i", 1))

        def look() -> None:
            with suppress(BlockingIOError):
                packet = os.read(self.fd, READ_BYTES)
                if packet[0] & termios.TIOCPKT_FLUSHWRITE:
                    flushed()
                if len(packet) > 1:
                    receive(packet[1:])

        self._loop.add_reader(self.fd, look)

    def baudrate(self) -> int:
        """What the program has set; 0 is a line that is hung up."""
        settings = TERMIOS2.unpack(fcntl.ioctl(self._slave, TCGETS2, bytes(TERMIOS2.size)))
        return int(settings[-1])

    def put(self, chunk: bytes) -> int:
        """Hand over as much as there is room for, without waiting; returns how much."""
        try:
            return os.write(self.fd, chunk)
        except BlockingIOError:
            return 0

    async def write(self, chunk: bytes) -> None:
        """Hand over all of `chunk`, once the program has made room for it."""
        while chunk := chunk[self.put(chunk) :]:
            room = asyncio.Event()
            self._loop.add_writer(self.fd, room.set)
            try:
                await room.wait()
            finally:
                self._loop.remove_writer(self.fd)

    def close(self) -> None:
        self._loop.remove_reader(self.fd)
        os.close(self.fd)
        os.close(self._slave)


class PtyHsu:
    """The line between a program at `pty` and a chip's HSU; nothing is kept that nobody reads."""

    def __init__(self, timeline: Timeline, pty: Pty, hsu: HsuPort) -> None:
        self.baudrate = RESET_BAUDRATE
        self._timeline = timeline
        self._pty = pty
        self._hsu = hsu
        self._flushed = False
        self._free_us = {True: 0, False: 0}
        pty.on_receive(self._from_program, self._has_flushed)
        hsu.on_output(self._from_chip)
        hsu.on_baudrate(self._switch)

    def _switch(self, baudrate: int) -> None:
        self.baudrate = baudrate

    def _has_flushed(self) -> None:
        self._flushed = True

    def _from_program(self, chunk: bytes) -> None:
        """Bytes at the speed that the terminal has now.

        The one exception: a program may set the speed that it has agreed with the chip right
        behind its ACK, before this process has come to read that. The ACK still counts; so it
        does when the program has flushed it meanwhile, since a wire does not take bytes back.
        """
        speed = self._pty.baudrate()
        if self._hsu.agreed_baudrate() == speed != self.baudrate:
            if chunk.startswith(ACK):
                chunk = chunk[len(ACK) :]
                self._send(ACK, self.baudrate)
            elif self._flushed:
                self._send(ACK, self.baudrate)
        self._flushed = False
        if chunk and speed:
            self._send(chunk, speed)

    def _send(self, chunk: bytes, speed: int) -> None:
        end_us = self._occupy(True, len(chunk), speed)
        self._timeline.at(end_us, self._to_chip, chunk, speed)

    def _to_chip(self, chunk: bytes, speed: int) -> None:
        heard = chunk if _close(speed, self.baudrate) else garble(chunk)
        self._hsu.feed(heard, BITS_PER_BYTE * 1e6 / speed)

    def _from_chip(self, chunk: bytes) -> None:
        end_us = self._occupy(False, len(chunk), self.baudrate)
        self._timeline.at(end_us, self._to_program, chunk, self.baudrate)

    def _to_program(self, chunk: bytes, speed: int) -> None:
        # At the end of the line the program listens at its own speed, not at the chip's of now.
        listens = self._pty.baudrate()
        if listens:
            self._pty.put(chunk if _close(speed, listens) else garble(chunk))

    def _occupy(self, downward: bool, count: int, speed: int) -> int:
        """When the last of `count` bytes has passed; one direction carries one byte at a time."""
        begin_us = max(self._free_us[downward], self._timeline.now_us())
        self._free_us[downward] = begin_us + count * BITS_PER_BYTE * 1_000_000 // speed
        return self._free_us[downward]


def _close(one: int, other: int) -> bool:
    return abs(one - other) <= MISMATCH * other
