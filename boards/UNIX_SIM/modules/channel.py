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
        self._file.write(bytes((kind, size & 0xFF, size >> 8)))
        for part in parts:
            self._file.write(part)

    def ask(self, kind, *parts):
        """Send a request; returns the content of its answer."""
        self.send(kind, *parts)
        while True:
            content = self._frame()
            if self._head[0] == ANSWER:
                return content
            self._taken(self._head[0], content)

    def look(self, wait_ms=0):
        """Take in every frame that has come, or comes in that time (-1: for ever)."""
        while self._poll.poll(wait_ms):
            content = self._frame()
            self._taken(self._head[0], content)
            wait_ms = 0

    def _frame(self):
        """The content of the next frame, whose kind is in `_head`; waits for all of it."""
        try:
            if self._file.readinto(self._head):
                content = bytearray(self._head[1] | self._head[2] << 8)
                if not content or self._file.readinto(content):
                    return content
        except OSError:
            pass
        raise SystemExit("the virtual board is gone")
