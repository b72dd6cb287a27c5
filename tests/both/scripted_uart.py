# SPDX-License-Identifier: Apache-2.0
"""A UART with a PN532 behind it that follows a script; and a clock; no driver.

A line of a script is a frame's body: `>` what the driver must send, `<` what the chip says then.
The chip acknowledges by itself.
"""

import asyncio
from binascii import hexlify, unhexlify

from duotap.errors import Timeout

ACK = "0000ff00ff00"
NACK = "0000ffff0000"
# SAMConfiguration, GetFirmwareVersion, SetParameters, RFConfiguration retries and field.
SETUP = (
    "> 14010001",
    "< 15",
    "> 02",
    "< 0332010607",
    "> 1234",
    "< 13",
    "> 3205ff0101",
    "< 33",
    "> 320100",
    "< 33",
)
PATTERN = "00ff55aa0ff00080" * 4
LISTEN = (
    "> 0863013f",
    "< 09",
    "> 8c05 0400 000000 20 01fea2a3a4a5a6a7 c0c1c2c3c4c5c6c7 ffff" + "00" * 12,
    "< 8d08e080",
)
FOUND = "< 4b01 01 0004 20 04 08112233 05 75339203"


class Clock:
    """Time is the number of milliseconds slept."""

    def __init__(self):
        self.now_ms = 0

    def ticks_ms(self):
        return self.now_ms

    def ticks_us(self):
        return self.now_ms * 1000

    def diff(self, later, earlier):
        return later - earlier

    async def sleep_ms(self, ms):
        self.now_ms += ms
        await asyncio.sleep(0)

    async def poll(self, ready, timeout_ms, step_ms=2):
        began = self.now_ms
        while not ready():
            if timeout_ms is not None and self.now_ms - began >= timeout_ms:
                raise Timeout("nothing came in time")
            await self.sleep_ms(step_ms)


class ScriptedUart:
    """Takes frames in pieces of at most 100 bytes; answers as its script says."""

    def __init__(self, *script):
        self.lines = [(line[0], unhexlify(line[2:].replace(" ", ""))) for line in script]
        self.raw = []  # frames without a body, as text
        self.spoil = {}  # number of a frame of the chip: what is left of it
        self.told = 0
        self.woken = 0
        self.baudrate = 115200
        self.deaf_at = ()  # speeds at which nothing is understood
        self._in = bytearray()
        self._out = bytearray()
        self._last = b""

    def init(self, baudrate):
        self.baudrate = baudrate

    def any(self):
        return len(self._out)

    def read(self, count):
        chunk = bytes(self._out[:count])
        self._out = self._out[count:]
        return chunk

    def readinto(self, view):
        chunk = self.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def write(self, view):
        if self.baudrate in self.deaf_at:
            return len(view)
        chunk = bytes(view[:100])
        self.woken += chunk == b"\x55\x55"
        self._in += chunk
        frame = bytes(self._in).lstrip(b"\x55")
        if len(frame) >= 6 and frame[3:5] in (b"\x00\xff", b"\xff\x00"):
            self._in = bytearray()
            self._bare(hexlify(frame).decode())
        elif len(frame) >= 8 and len(frame) >= frame_length(frame):
            self._in = bytearray()
            self._command(frame)
        return len(chunk)

    def _bare(self, frame):
        self.raw.append(frame)
        if frame == NACK:
            self._say(self._last)

    def _command(self, frame):
        kind, body = self.lines.pop(0)
        begin = 9 if frame[3:5] == b"\xff\xff" else 6
        got = frame[begin:-2]
        assert kind == ">" and got == body, hexlify(got)
        self._say(unhexlify(ACK))
        while self.lines and self.lines[0][0] == "<":
            self._last = chip_frame(self.lines.pop(0)[1])
            self._say(self._last)

    def _say(self, frame):
        self.told += 1
        self._out += self.spoil.get(self.told, lambda whole: whole)(frame)


def frame_length(frame):
    """Of a host's frame, by its header."""
    if frame[3:5] == b"\xff\xff":
        return (frame[5] << 8 | frame[6]) + 10
    return frame[3] + 7


def chip_frame(body):
    """What a chip sends; an empty body is the error frame."""
    body = b"\xd5" + body if body else b"\x7f"
    count = len(body)
    if count > 255:
        head = bytes([0, 0, 0xFF, 0xFF, 0xFF, count >> 8, count & 0xFF])
        head += bytes([-((count >> 8) + count) & 0xFF])
    else:
        head = bytes([0, 0, 0xFF, count, -count & 0xFF])
    return head + body + bytes([-sum(body) & 0xFF, 0])
