# SPDX-License-Identifier: Apache-2.0
"""The device's end of the channel to a virtual board: frames on an inherited socket.

A frame is kind (1 byte), length (2 bytes, little-endian), content. A request is answered by one
frame of kind ANSWER; frames that report (bytes of the UART, levels of pins) may come before it and
are taken in at once. Looking for frames costs one read of the socket and no round trip.
Knows no pin and no bus. The host's end: duotap_host/virtual/channel.py.
"""

import os
import select

ANSWER = 0x61
HEAD_BYTES = 3


class Channel:
    """`taken(kind, content)` is called for each frame that reports."""

    def __init__(self, taken):
        self._file = open(int(os.getenv("DUOTAP_CHANNEL")), "r+b")  # noqa: SIM115  (open as long as it runs)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self._head = bytearray(HEAD_BYTES)
        self._taken = taken

    def send(self, kind, *parts):
        """Send a frame; nothing is waited for but room in the socket."""
        size = 0
        for part in parts:
            size += len(part)
        self._write(bytes((kind, size & 0xFF, size >> 8)))
        for part in parts:
            self._write(part)

    def ask(self, kind, *parts):
        """Send a request; returns the content of its answer."""
        self.send(kind, *parts)
        while True:
            self._fill(self._head, 0)
            size = self._head[1] | self._head[2] << 8
            content = bytearray(size)
            self._fill(content, 0)
            if self._head[0] == ANSWER:
                return content
            self._taken(self._head[0], content)

    def look(self):
        """Take in every frame that has come."""
        while True:
            got = self._file.readinto(self._head)
            if got is None:
                return
            self._alive(got)
            self._fill(self._head, got)
            content = bytearray(self._head[1] | self._head[2] << 8)
            self._fill(content, 0)
            self._taken(self._head[0], content)

    def wait(self):
        """Wait until there is a frame to take in."""
        self._poll.poll(-1)

    def fileno(self):
        return self._file.fileno()

    def _fill(self, buf, got):
        view = memoryview(buf)
        while got < len(buf):
            count = self._file.readinto(view[got:])
            if count is None:
                self._poll.poll(-1)
            else:
                self._alive(count)
                got += count

    def _write(self, part):
        view = memoryview(part)
        while len(view):
            count = self._file.write(view)
            if count is None:
                self._poll.modify(self._file, select.POLLOUT)
                self._poll.poll(-1)
                self._poll.modify(self._file, select.POLLIN)
            else:
                view = view[count:]

    def _alive(self, count):
        if count == 0:
            raise SystemExit("the virtual board is gone")
