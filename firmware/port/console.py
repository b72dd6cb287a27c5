# SPDX-License-Identifier: Apache-2.0
"""The USB serial line of a board as binary bytes: its standard input and output.

Has the shape of a UART: reads never wait. A board's input gives its bytes one by one, since
reading more would wait for them. Knows no frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class Console:
    """`reader` and `writer` are binary streams, `poll` a select.poll that watches `reader`."""

    def __init__(self, reader: Any, writer: Any, poll: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._poll = poll

    def any(self) -> int:
        """1 when there is something to read, else 0; how much is not known."""
        return 1 if self._poll.poll(0) else 0

    def read(self, nbytes: int = 64) -> bytes | None:
        """What is there, at most `nbytes`; None when nothing is."""
        chunk = bytearray()
        while len(chunk) < nbytes and self.any():
            byte = self._reader.read(1)
            if not byte:
                break
            chunk += byte
        return bytes(chunk) or None

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Send all of it."""
        self._writer.write(chunk)
        return len(chunk)


def usb_console() -> Console:
    """Standard input and output of a board as binary bytes; no byte of them interrupts the
    program any more."""
    import select
    import sys

    import micropython

    micropython.kbd_intr(-1)
    poll = select.poll()
    poll.register(sys.stdin.buffer, select.POLLIN)
    return Console(sys.stdin.buffer, sys.stdout.buffer, poll)
