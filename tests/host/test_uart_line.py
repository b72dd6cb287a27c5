# SPDX-License-Identifier: Apache-2.0
"""The serial line's time, buffers and losses, seen from the board's end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from duotap_host.virtual import timeline
from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.uart import FIFO_BYTES, RING_BYTES, UartLine

T = TypeVar("T")
BYTE_US = 10e6 / 115200


class Bench:
    """A line whose far end keeps what it hears, with the time of each chunk's last byte."""

    def __init__(self) -> None:
        self.time = Timeline(asyncio.get_running_loop())
        self.clock = VirtualClock(self.time)
        self.line = UartLine(self.time, self.clock)
        self.uart = self.line.device
        self.heard: list[tuple[int, bytes]] = []
        self.line.far.on_receive(lambda chunk, _: self.heard.append((self.time.now_us(), chunk)))

    async def until(self, t_us: int) -> None:
        await asyncio.sleep((t_us - self.time.now_us()) / 1e6)


def on_bench(story: Callable[[Bench], Coroutine[Any, Any, T]]) -> T:
    async def main() -> T:
        return await story(Bench())

    return timeline.run(main())


def test_bytes_arrive_one_by_one_at_the_line_s_speed() -> None:
    async def story(bench: Bench) -> list[int]:
        bench.line.far.send(bytes(100))
        counts = []
        for t_us in (86, 87, 174, 4339, 4340, 8679, 8680):
            await bench.until(t_us)
            counts.append(bench.uart.any())
        return counts

    assert on_bench(story) == [0, 1, 2, 49, 50, 99, 100]


def test_two_writes_follow_each_other_on_the_wire() -> None:
    async def story(bench: Bench) -> list[tuple[int, bytes]]:
        assert bench.uart.write(b"abc") == 3
        assert bench.uart.write(b"defgh") == 5
        await bench.until(1000)
        assert bench.line.wire_bytes() == 8
        assert bench.line.wire_us() == 694
        return bench.heard

    assert on_bench(story) == [(260, b"abc"), (694, b"defgh")]


def test_reading_takes_what_is_there_and_never_waits() -> None:
    async def story(bench: Bench) -> None:
        uart, buffer = bench.uart, bytearray(8)
        assert uart.read() is None
        assert uart.readinto(buffer) is None
        bench.line.far.send(b"0123456789")
        await bench.until(900)
        assert uart.read(2) == b"01"
        assert uart.readinto(buffer, 3) == 3
        assert uart.readinto(memoryview(buffer)[3:5]) == 2
        assert buffer == b"23456\0\0\0"
        assert uart.read() == b"789"

    on_bench(story)


def test_a_poll_wakes_when_the_last_byte_is_there() -> None:
    async def story(bench: Bench) -> int:
        bench.line.far.send(bytes(60))
        await bench.clock.poll(lambda: bench.uart.any() >= 60, 100, 1)
        return bench.time.now_us()

    assert on_bench(story) == 6000  # 60 bytes take 5.2 ms; the grid has whole ones


def test_the_receive_ring_overflows_and_counts() -> None:
    async def story(bench: Bench) -> None:
        bench.line.far.send(bytes(range(200)) + bytes(range(100)))
        await bench.until(100_000)
        assert bench.uart.any() == RING_BYTES
        assert bench.uart.dropped_ring == 300 - RING_BYTES
        assert bench.uart.read() == bytes(range(200)) + bytes(range(56))
        bench.uart.init(115200, rxbuf=512)
        bench.line.far.send(bytes(300))
        await bench.until(200_000)
        assert bench.uart.any() == 300

    on_bench(story)


def test_while_flash_is_programmed_only_the_fifo_listens() -> None:
    async def story(bench: Bench) -> None:
        await bench.until(1000)
        bench.line.far.send(bytes(range(100)))  # until 9680
        await bench.until(2000)  # 11 bytes are there
        bench.clock.charge(4000, "flash")  # 46 bytes come meanwhile
        await bench.until(20_000)
        lost = bench.uart.read()
        assert bench.uart.dropped_fifo == 46 - FIFO_BYTES
        assert lost == bytes(range(11 + FIFO_BYTES)) + bytes(range(57, 100))
        bench.clock.charge(4000, "computing")
        bench.line.far.send(bytes(100))
        await bench.until(40_000)
        assert bench.uart.any() == 100

    on_bench(story)


def test_what_is_written_while_busy_leaves_when_the_debt_is_paid() -> None:
    async def story(bench: Bench) -> list[tuple[int, bytes]]:
        bench.clock.charge(50_000, "computing")
        bench.uart.write(b"x")
        await bench.until(60_000)
        return bench.heard

    assert on_bench(story) == [(50_086, b"x")]


def test_the_transmit_ring_takes_no_more_than_it_holds() -> None:
    async def story(bench: Bench) -> None:
        assert bench.uart.write(bytes(300)) == RING_BYTES
        assert bench.uart.write(bytes(44)) is None
        await bench.until(1000)
        assert bench.uart.write(bytes(44)) == 11
        await bench.until(50_000)
        assert sum(len(chunk) for _, chunk in bench.heard) == RING_BYTES + 11

    on_bench(story)


@pytest.mark.parametrize(("device", "far", "same"), [(115200, 115200, True), (9600, 9700, True)])
def test_close_speeds_understand_each_other(device: int, far: int, same: bool) -> None:
    assert on_bench(lambda bench: exchange(bench, device, far)) == (same, same)


@pytest.mark.parametrize(("device", "far"), [(115200, 9600), (115200, 230400), (921600, 115200)])
def test_other_speeds_give_garbage_both_ways(device: int, far: int) -> None:
    assert on_bench(lambda bench: exchange(bench, device, far)) == (False, False)


async def exchange(bench: Bench, device: int, far: int) -> tuple[bool, bool]:
    """Send a frame both ways; whether each end heard what the other said."""
    frame = bytes.fromhex("0000ff02fed4022a00")
    bench.uart.init(baudrate=device)
    bench.line.far.set_baudrate(far)
    bench.uart.write(frame)
    bench.line.far.send(frame)
    await bench.until(200_000)
    heard = b"".join(chunk for _, chunk in bench.heard)
    got = bench.uart.read() or b""
    assert b"\x00\xff" not in heard + got or heard == frame
    return heard == frame, got == frame
