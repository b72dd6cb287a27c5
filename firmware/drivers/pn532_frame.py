# SPDX-License-Identifier: Apache-2.0
"""PN532 frames seen from the host: written into one buffer, read from another, nothing moved.

No bus, no time, no command. The buffers are made once; a frame allocates no more than the views
on them. UM0701-02 §6.2.1: normal frames up to 255 bytes, extended ones up to 265, ACK, NACK and
the error frame. A body is TFI, code and parameters.
"""

from __future__ import annotations

from duotap.errors import Broken

HOST_TO_CHIP = 0xD4
CHIP_TO_HOST = 0xD5
SYNTAX_ERROR = 0x7F

ACK_FRAME = b"\x00\x00\xff\x00\xff\x00"
NACK_FRAME = b"\x00\x00\xff\xff\x00\x00"

BODY_MAX = 265  # TFI and 264 bytes
NORMAL_MAX = 255  # LEN is one byte
OVERHEAD_MAX = 10  # extended: 00 00 FF FF FF LENM LENL LCS, DCS 00
FRAME_MAX = BODY_MAX + OVERHEAD_MAX
# A frame behind an ACK's postamble and the bytes that a chip may put before it.
READER_BYTES = FRAME_MAX + 16

# What scan() finds.
MORE, ACK, NACK, FRAME, ERROR, BAD = 0, 1, 2, 3, 4, 5

SHORTEST = 5  # preamble, start code, two bytes that tell what it is
START_BYTES = 2  # of the start code 00 FF, where scanning begins
SHORTEST_FRAME = 6  # ACK: reading so much reads beyond no frame
HEADER_MAX = 8  # of an extended frame: 00 00 FF FF FF LENM LENL LCS


def encode(frame: bytearray, head: bytes, tail: bytes | memoryview) -> int:
    """Write the frame of command code and parameters `head` + `tail`; returns its length."""
    count = 1 + len(head) + len(tail)
    if count > BODY_MAX:
        raise Broken("a PN532 frame holds 264 bytes")
    frame[0], frame[1], frame[2] = 0x00, 0x00, 0xFF
    at = 5
    if count <= NORMAL_MAX:
        frame[3], frame[4] = count, -count & 0xFF
    else:
        high, low = count >> 8, count & 0xFF
        frame[3], frame[4], frame[5], frame[6] = 0xFF, 0xFF, high, low
        frame[7] = -(high + low) & 0xFF
        at = 8
    frame[at] = HOST_TO_CHIP
    middle = at + 1 + len(head)
    end = at + count
    frame[at + 1 : middle] = head
    frame[middle:end] = tail
    frame[end] = -(HOST_TO_CHIP + sum(head) + sum(tail)) & 0xFF
    frame[end + 1] = 0x00
    return end + 2


def whole_bytes(begin: bytes | memoryview) -> int:
    """How long the frame is that begins with these bytes, at least SHORTEST_FRAME of them.

    As the chip sends it, with one byte of padding on each side. An extended frame of which less
    than its header is there is told as that; 0 is what begins no frame, as a broken ACK does.
    """
    if begin[0] or begin[1] or begin[2] != 0xFF:
        return 0
    first, second = begin[3], begin[4]
    if first + second == 0xFF:
        return SHORTEST_FRAME if first in (0x00, 0xFF) else 0
    if first & second == 0xFF:
        if len(begin) < HEADER_MAX:
            return HEADER_MAX
        count = (begin[5] << 8) + begin[6]
        return 0 if count > BODY_MAX else count + OVERHEAD_MAX
    if first + second & 0xFF or begin[5] not in (CHIP_TO_HOST, SYNTAX_ERROR):
        return 0
    return first + 7


class FrameReader:
    """Bytes are put at `room()` and counted by `took(n)`; `scan()` says what they make.

    `need` is the least number of bytes that are missing before `scan()` can say more.
    """

    def __init__(self) -> None:
        self._buffer = bytearray(READER_BYTES)
        self._view = memoryview(self._buffer)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._fill = 0
        self._used = 0
        self._body = 0
        self._body_end = 0
        self._astray = False
        self.need = SHORTEST

    def room(self, count: int) -> memoryview:
        """Where at most `count` bytes may be put."""
        return self._view[self._fill : min(self._fill + count, READER_BYTES)]

    def took(self, count: int) -> None:
        self._fill += count

    def body(self) -> memoryview:
        """The body of the frame that was found; it stands until the next scan."""
        return self._view[self._body : self._body_end]

    def fingerprint(self) -> int:
        """Code, length and check byte of the frame that was found."""
        length = self._body_end - self._body
        return self._buffer[self._body + 1] << 17 | length << 8 | self._buffer[self._body_end]

    def put_back(self) -> None:
        """Find the last frame again at the next scan."""
        self._used = 0

    def begun(self) -> bool:
        """Whether something that is not mere padding has come and is not complete."""
        return self._astray or any(self._view[self._used : self._fill])

    def scan(self) -> int:
        """What the bytes make: MORE, ACK, NACK, FRAME, ERROR, or BAD.

        Behind the start code of a bad frame it goes on looking: the next one may begin there.
        """
        self._drop()
        at = self._start()
        have = self._fill - at
        if have < SHORTEST - 1:
            return self._missing(SHORTEST - 1 - have)
        first, second = self._buffer[at + 2], self._buffer[at + 3]
        if first == 0x00 and second == 0xFF:
            return self._found(ACK, at + 4)
        if first == 0xFF and second == 0x00:
            return self._found(NACK, at + 4)
        if first != 0xFF or second != 0xFF:
            return self._information(at + 4, first, first + second)
        if have < 7:
            return self._missing(7 - have)
        high, low = self._buffer[at + 4], self._buffer[at + 5]
        return self._information(at + 7, (high << 8) + low, high + low + self._buffer[at + 6])

    def _information(self, body: int, count: int, check: int) -> int:
        if check & 0xFF or not 0 < count <= BODY_MAX:
            return self._found(BAD, START_BYTES)
        end = body + count
        if self._fill <= end:
            return self._missing(end + 1 - self._fill)
        self._body, self._body_end = body, end
        if sum(self._view[body : end + 1]) & 0xFF:
            return self._found(BAD, START_BYTES)
        tfi = self._buffer[body]
        if count == 1 and tfi == SYNTAX_ERROR:
            return self._found(ERROR, end + 1)
        if count < 2 or tfi != CHIP_TO_HOST:
            return self._found(BAD, START_BYTES)
        return self._found(FRAME, end + 1)

    def _start(self) -> int:
        """Where the start code 00 FF begins; what precedes it is dropped, so mostly 0."""
        last = self._fill - 1
        for at in range(last):
            if self._buffer[at] == 0x00 and self._buffer[at + 1] == 0xFF:
                self._used = at
                self._drop()
                return 0
        if last > 0:
            self._astray = self.begun()
            self._used = last
            self._drop()
        return 0

    def _drop(self) -> None:
        """Move what follows the last frame to the front: mostly its postamble."""
        if self._used:
            rest = self._fill - self._used
            self._view[0:rest] = self._view[self._used : self._fill]
            self._fill = rest
            self._used = 0

    def _missing(self, count: int) -> int:
        self.need = count
        return MORE

    def _found(self, kind: int, used: int) -> int:
        self._used = used
        self._astray = False
        self.need = SHORTEST
        return kind
