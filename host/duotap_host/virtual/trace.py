# SPDX-License-Identifier: Apache-2.0
"""Traces: what a radio chip and its host said to each other, and what was on the air, with times.

A trace of the wires is text, one line a chunk (`microseconds > octets` to the chip, `<` from it),
and replays against a driver: `ReplayUart` takes the place of UART and chip. A trace of the air is
printed as a sniffer of ISO 14443 prints it: start and end in periods of the carrier, reader or
tag, the octets with their CRC_A (ISO/IEC 14443-3 annex B), and the block's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from duotap_host.virtual import isodep
from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.mishaps import Passage
from duotap_host.virtual.pn532_bus import BusPort
from duotap_host.virtual.pn532_hsu import RESET_BAUDRATE, HsuPort
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.uart import BITS_PER_BYTE

CARRIER_HZ = 13_560_000
TO_CHIP, TO_HOST = ">", "<"
CRC_A_START = 0x6363


class Chunk(NamedTuple):
    """`t_us`: when its last byte reached the chip, or when the chip began to send it."""

    t_us: int
    direction: str
    octets: bytes


class Trace:
    """Records one chip's host link from now on; on I2C and SPI a chunk is a transfer."""

    def __init__(self, timeline: Timeline, port: HsuPort | BusPort) -> None:
        self.chunks: list[Chunk] = []
        self._timeline = timeline
        say = port.say

        def said(frame: bytes) -> None:
            self._note(TO_HOST, frame)
            say(frame)

        port.say = said  # type: ignore[method-assign]  # a wire tap
        if isinstance(port, HsuPort):
            feed = port.feed

            def fed(chunk: bytes, byte_us: float = 0.0) -> None:
                self._note(TO_CHIP, chunk)
                feed(chunk, byte_us)

            port.feed = fed  # type: ignore[method-assign]  # a wire tap
        else:
            hear = port.hear

            def heard(octets: bytes) -> None:
                self._note(TO_CHIP, octets)
                hear(octets)

            port.hear = heard  # type: ignore[method-assign]  # a wire tap

    def _note(self, direction: str, octets: bytes) -> None:
        self.chunks.append(Chunk(self._timeline.now_us(), direction, bytes(octets)))

    def text(self) -> str:
        return "".join(f"{c.t_us} {c.direction} {c.octets.hex()}\n" for c in self.chunks)


def parse(text: str) -> list[Chunk]:
    """The chunks of a trace's text. ValueError for a line that is none."""
    chunks = []
    for line in text.splitlines():
        t_us, direction, octets = line.split()
        if direction not in (TO_CHIP, TO_HOST):
            raise ValueError(f"neither {TO_CHIP} nor {TO_HOST}: {line!r}")
        chunks.append(Chunk(int(t_us), direction, bytes.fromhex(octets)))
    return chunks


class Differs(Exception):
    """The driver says something else than in the trace."""


class ReplayUart:
    """`machine.UART` with a recorded chip behind it: it waits for the same octets, and answers."""

    def __init__(self, timeline: Timeline, clock: VirtualClock, chunks: Iterable[Chunk]) -> None:
        self._timeline = timeline
        self._clock = clock
        self._left = list(chunks)
        self._baudrate = RESET_BAUDRATE
        self._written = b""
        self._free_us = 0
        self._ring = bytearray()

    @property
    def over(self) -> bool:
        """Whether all of the trace has been played."""
        return not self._left and not self._written

    def init(self, baudrate: int = RESET_BAUDRATE, **_settings: object) -> None:
        self._baudrate = baudrate

    def any(self) -> int:
        return len(self._ring)

    def read(self, nbytes: int = -1) -> bytes | None:
        count = len(self._ring) if nbytes < 0 else min(nbytes, len(self._ring))
        chunk = bytes(self._ring[:count])
        del self._ring[:count]
        return chunk or None

    def readinto(self, buf: bytearray | memoryview, nbytes: int = -1) -> int | None:
        chunk = self.read(len(buf) if nbytes < 0 else min(nbytes, len(buf)))
        if chunk is None:
            return None
        buf[: len(chunk)] = chunk
        return len(chunk)

    def write(self, buf: bytes | bytearray | memoryview) -> int:
        """Raises Differs."""
        self._free_us = max(self._free_us, self._clock.now_us()) + self._wire_us(len(buf))
        self._written += bytes(buf)
        while self._left and self._left[0].direction == TO_CHIP and self._written:
            expected = self._left[0].octets
            if not self._written.startswith(expected[: len(self._written)]):
                raise Differs(f"{self._written.hex()} instead of {expected.hex()}")
            if len(self._written) < len(expected):
                break
            self._written = self._written[len(expected) :]
            self._answer(self._left.pop(0))
        if self._written and (not self._left or self._left[0].direction == TO_HOST):
            raise Differs(f"{self._written.hex()} instead of waiting")
        return len(buf)

    def _answer(self, asked: Chunk) -> None:
        """What the chip said next, as much later as it was then."""
        while self._left and self._left[0].direction == TO_HOST:
            said = self._left.pop(0)
            begin_us = self._free_us + said.t_us - asked.t_us
            self._timeline.at(begin_us + self._wire_us(len(said.octets)), self._say, said.octets)

    def _say(self, octets: bytes) -> None:
        self._ring += octets
        self._clock.kick()

    def _wire_us(self, count: int) -> int:
        return count * BITS_PER_BYTE * 1_000_000 // self._baudrate


def crc_a(octets: bytes) -> bytes:
    """CRC_A of a frame, in the order in which it is sent."""
    crc = CRC_A_START
    for octet in octets:
        octet ^= crc & 0xFF
        octet = (octet ^ octet << 4) & 0xFF
        crc = crc >> 8 ^ octet << 8 ^ octet << 3 ^ octet >> 4
    return crc.to_bytes(2, "little")


def sniffed(log: Iterable[Passage]) -> list[str]:
    """Lines of a field's log; a frame that did not arrive intact is marked by its fate."""
    lines = ["     Start |        End | Src | Data and CRC | Annotation"]
    for passage in log:
        begin = passage.t_us * CARRIER_HZ // 1_000_000
        end = begin + isodep.air_us(len(passage.frame)) * CARRIER_HZ // 1_000_000
        octets = passage.frame + (b"" if passage.kind == "SELECT" else crc_a(passage.frame))
        name = passage.kind if passage.fate == "passed" else f"{passage.kind} {passage.fate}!"
        source = "Rdr" if passage.downlink else "Tag"
        lines.append(f"{begin:10} | {end:10} | {source} | {octets.hex(' ')} | {name}")
    return lines
