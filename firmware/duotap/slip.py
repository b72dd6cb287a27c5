# SPDX-License-Identifier: Apache-2.0
"""APDUs on a serial line: SLIP frames (RFC 1055) with a sequence number and CRC-32, and the rule
that a repeated request gets its stored answer (PROTOCOL.md §4).

    END | sequence (1) | APDU | CRC-32 (4, little-endian, over sequence and APDU) | END

What arrives can be four things: a frame; boot text or noise, which fails its CRC; a frame that is
cut, too long or wrongly escaped; nothing between two ENDs. Only the first is ever told. It knows
no port and no time.
"""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING

from duotap import apdu, commands

if TYPE_CHECKING:
    from typing import Callable

    Buffer = bytes | bytearray | memoryview

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
END_BYTE = b"\xc0"
ESCAPED_END = b"\xdb\xdc"
ESCAPED_ESC = b"\xdb\xdd"
CRC_BYTES = 4
OVERHEAD_BYTES = 1 + CRC_BYTES
APDU_MAX = apdu.HEADER_BYTES + 1 + apdu.COMMAND_PART_MAX + 1  # ISO 7816-3, case 4 with short Lc
FRAME_MAX = OVERHEAD_BYTES + APDU_MAX
FRAME_MIN = OVERHEAD_BYTES + 2  # a bare status word
SEQUENCES = 256
HELLO_HEADER = bytes((commands.CLA, commands.HELLO))


def encode(sequence: int, message: bytes) -> bytes:
    """The bytes of one frame that bears an APDU."""
    body = bytes((sequence,)) + message
    body += (crc32(body) & 0xFFFFFFFF).to_bytes(CRC_BYTES, "little")
    body = body.replace(b"\xdb", ESCAPED_ESC).replace(END_BYTE, ESCAPED_END)
    return END_BYTE + body + END_BYTE


def command_part(frame_max: int) -> int:
    """How many bytes of data a command may have, for frames of at most `frame_max` bytes."""
    return min(frame_max - OVERHEAD_BYTES - apdu.HEADER_BYTES - 2, apdu.COMMAND_PART_MAX)


def answer_part(frame_max: int) -> int:
    """How many bytes of data an answer may have, for frames of at most `frame_max` bytes."""
    return min(frame_max - OVERHEAD_BYTES - 2, apdu.ANSWER_PART_MAX)


class Decoder:
    """Finds frames in what arrives, in pieces of any size.

    `frame_max` counts sequence, APDU and CRC before escaping; the buffer is allocated once.
    """

    def __init__(self, frame_max: int = FRAME_MAX) -> None:
        self._frame = bytearray(frame_max)
        self._view = memoryview(self._frame)
        self._length = 0
        self._escaped = False
        self._dropping = False

    def feed(self, piece: Buffer) -> list[tuple[int, bytes]]:
        """Sequence and APDU of each frame that this piece completes."""
        frames = []
        for byte in piece:
            if byte == END:
                frame = self._finish()
                if frame is not None:
                    frames.append(frame)
            elif not self._dropping:
                self._take(byte)
        return frames

    def _take(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
            if byte not in (ESC_END, ESC_ESC):
                self._dropping = True
                return
            byte = END if byte == ESC_END else ESC
        elif byte == ESC:
            self._escaped = True
            return
        if self._length == len(self._frame):
            self._dropping = True
            return
        self._frame[self._length] = byte
        self._length += 1

    def _finish(self) -> tuple[int, bytes] | None:
        """The frame that END closes, if it is one; the next byte begins another."""
        end = self._length - CRC_BYTES
        whole = not (self._dropping or self._escaped) and self._length >= FRAME_MIN
        self._length = 0
        self._escaped = self._dropping = False
        if not whole:
            return None
        told = int.from_bytes(self._view[end : end + CRC_BYTES], "little")
        if crc32(self._view[:end]) & 0xFFFFFFFF != told:
            return None
        return self._frame[0], bytes(self._view[1:end])


class LinkServer:
    """A device's end: executes each request once, in order.

    `serve(apdu)` gives the answer to a request, `begin()` starts a new session. A request is one
    of four things:
    1. HELLO with sequence 0: a new session, whatever was before;
    2. the next sequence: executed, its answer stored;
    3. the last sequence again: the stored answer, not executed;
    4. any other, or one before the first HELLO: dropped.
    """

    def __init__(self, serve: Callable[[bytes], bytes], begin: Callable[[], None]) -> None:
        self._serve = serve
        self._begin = begin
        self._last = -1
        self._stored = b""

    def begins(self, sequence: int, request: bytes) -> bool:
        """Whether a request is the first of a session."""
        return sequence == 0 and request[:2] == HELLO_HEADER

    def answer(self, sequence: int, request: bytes) -> bytes:
        """The frame to send, b"" for none."""
        if self.begins(sequence, request):
            self._begin()
        elif not self._stored:
            return b""
        elif sequence == self._last:
            return self._stored
        elif sequence != (self._last + 1) % SEQUENCES:
            return b""
        self._stored = b""
        self._stored = encode(sequence, self._serve(request))
        self._last = sequence
        return self._stored
