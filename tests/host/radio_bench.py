# SPDX-License-Identifier: Apache-2.0
"""Virtual PN532 chips without a driver: a test types frames and reads what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from duotap_host.virtual import timeline
from duotap_host.virtual.field import Field
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_frame import encode
from duotap_host.virtual.pn532_hsu import HsuPort
from duotap_host.virtual.timeline import Timeline

T = TypeVar("T")
ACK = "0000ff00ff00"
BYTE_US = 10e6 / 115200
# Mode 05, SENS_RES 0004, UID 08 11 22 33, SEL_RES 20; FeliCa, NFCID3 and lengths of nothing.
LISTEN = "8c05 0400 112233 20" + "01fe" + "00" * 16 + "00" * 10 + "0000"


class Chip:
    """One chip and everything that it has said, with the time of each chunk."""

    def __init__(self, time: Timeline, field: Field, name: str, **settings: Any) -> None:
        self.time = time
        self.pn532 = VirtualPn532(time, field, name, **settings)
        self.said: list[tuple[int, str]] = []
        self.speeds: list[int] = []
        self.hsu = HsuPort(self.pn532)
        self.hsu.on_output(lambda chunk: self.said.append((time.now_us(), chunk.hex())))
        self.hsu.on_baudrate(self.speeds.append)

    def put(self, octets: str) -> None:
        """Bytes on its receive line, all at this instant."""
        self.hsu.feed(bytes.fromhex(octets))

    def command(self, body: str) -> None:
        self.put(encode(b"\xd4" + bytes.fromhex(body)).hex())

    def heard(self) -> list[str]:
        """What it has said since the last time."""
        chunks = [chunk for _, chunk in self.said]
        self.said.clear()
        return chunks

    async def ask(self, body: str, ms: float = 100) -> str:
        """The response's body behind D5, after its ACK; "" while there is none."""
        self.heard()
        self.command(body)
        for _ in range(int(ms * 10)):
            await asyncio.sleep(0.0001)
            if len(self.said) > 1:
                break
        chunks = self.heard()
        assert chunks[:1] == [ACK]
        return body_of(chunks[1]) if len(chunks) > 1 else ""

    async def wake(self) -> None:
        """55h, the pause, and out of LowVbat."""
        self.put("55")
        await asyncio.sleep(0.003)
        assert await self.ask("1401") == "15"


def body_of(frame: str) -> str:
    """The body behind D5 of a chip's frame; its checks are the frame tests' business."""
    octets = bytes.fromhex(frame)
    at = 8 if octets[3:5] == b"\xff\xff" else 5
    return octets[at + 1 : -2].hex() if octets[at] == 0xD5 else octets[at:-2].hex()


class Bench:
    """A field and the chips that a test puts into it."""

    def __init__(self) -> None:
        self.time = Timeline(asyncio.get_running_loop())
        self.field = Field(self.time)

    def chip(self, name: str = "chip", **settings: Any) -> Chip:
        chip = Chip(self.time, self.field, name, **settings)
        self.field.enter(chip.pn532)
        return chip

    async def awake(self, name: str = "chip") -> Chip:
        chip = self.chip(name)
        await chip.wake()
        return chip


def on_bench(story: Callable[[Bench], Coroutine[Any, Any, T]]) -> T:
    async def main() -> T:
        return await story(Bench())

    return timeline.run(main())
