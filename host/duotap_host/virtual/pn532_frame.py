# SPDX-License-Identifier: Apache-2.0
"""Frames between a host and a PN532, seen from the chip: parse what comes, build what goes.

Knows no command. UM0701-02 §6.2.1: normal and extended information frames, ACK, NACK and the
application-level error frame; any number of bytes may stand before and after a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

HOST_TO_CHIP = 0xD4  # TFI
CHIP_TO_HOST = 0xD5
SYNTAX_ERROR = 0x7F

START = b"\x00\xff"
ACK = bytes.fromhex("0000ff00ff00")
NACK = bytes.fromhex("0000ffff0000")

NORMAL_MAX = 255  # LEN is one byte
EXTENDED_MAX = 265  # TFI and 264 bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing received, of kind `command`, `ack` or `nack`; `body` begins with the TFI."""

    kind: str
    body: bytes = b""


def encode(body: bytes, *, bare: bool = False) -> bytes:
    """The frame around `body` (TFI first); `bare` leaves out preamble and postamble."""
    if not 0 < len(body) <= EXTENDED_MAX:
        raise ValueError(f"a frame body has 1..{EXTENDED_MAX} bytes, not {len(body)}")
    if len(body) <= NORMAL_MAX:
        length = bytes([len(body), -len(body) & 0xFF])
    else:
        high, low = divmod(len(body), 256)
        length = bytes([0xFF, 0xFF, high, low, -(high + low) & 0xFF])
    core = START + length + body + bytes([-sum(body) & 0xFF])
    return core if bare else b"\x00" + core + b"\x00"


def error_frame(*, bare: bool = False) -> bytes:
    """Unknown command or wrong number of parameters, after its ACK."""
    return encode(bytes([SYNTAX_ERROR]), bare=bare)


class FrameParser:
    """Eats bytes in any pieces; what is not a whole, valid frame vanishes without an answer."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def push(self, chunk: bytes) -> list[Frame]:
        """The frames that `chunk` completes."""
        self._buffer += chunk
        return list(self._frames())

    def clear(self) -> None:
        self._buffer.clear()

    def _frames(self) -> Iterator[Frame]:
        while True:
            begin = self._buffer.find(START)
            if begin < 0:
                del self._buffer[:-1]
                return
            del self._buffer[:begin]
            if len(self._buffer) < 4:
                return
            used, frame = self._one()
            if not used:
                return
            del self._buffer[:used]
            if frame is not None:
                yield frame

    def _one(self) -> tuple[int, Frame | None]:
        """Bytes to drop and the frame they were; nothing to drop means more are needed."""
        first, second = self._buffer[2], self._buffer[3]
        if (first, second) == (0x00, 0xFF):
            return 4, Frame("ack")
        if (first, second) == (0xFF, 0x00):
            return 4, Frame("nack")
        if (first, second) == (0xFF, 0xFF):
            if len(self._buffer) < 7:
                return 0, None
            high, low, check = self._buffer[4:7]
            return self._information(7, high * 256 + low, high + low + check)
        return self._information(4, first, first + second)

    def _information(self, at: int, length: int, check: int) -> tuple[int, Frame | None]:
        if check & 0xFF or not 0 < length <= EXTENDED_MAX:
            return len(START), None
        end = at + length + 1
        if len(self._buffer) < end:
            return 0, None
        if sum(self._buffer[at:end]) & 0xFF:
            return len(START), None
        return end, Frame("command", bytes(self._buffer[at : end - 1]))
