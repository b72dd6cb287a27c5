# SPDX-License-Identifier: Apache-2.0
"""Driver and virtual ATECC608 together: packets, waking, watchdog, rights of slots, faults."""

from __future__ import annotations

import pytest
from drivers.atecc608 import (
    ADDRESS,
    COMMAND,
    Denied,
    crc16,
)
from duotap.errors import Fault
from duotap_host.virtual.atecc608_chip import TIMES_MS
from host.element_bench import ElementBench

DIGEST = bytes(range(32))


# Packets and time


def test_the_crc_is_the_one_of_the_wake_answer() -> None:
    """The only packet that the data sheet prints whole: 04 11 33 43."""
    assert crc16(b"\x04\x11") == b"\x33\x43"


def test_a_command_takes_its_time_and_the_bus_its_own() -> None:
    bench = ElementBench()
    bench.driver.run(bench.driver.revision)
    assert bench.chip.log == [(0x30, 0, 0, 0)]
    took_ms = (bench.now_us - 80 - 1500) / 1000
    assert TIMES_MS[0x30] < took_ms < TIMES_MS[0x30] + 2


def test_it_sleeps_after_a_run_and_wakes_only_slowly() -> None:
    bench = ElementBench()
    wire = bench.driver._bus(400_000)
    bench.driver.run(bench.driver.revision)
    for _ in range(2):
        with pytest.raises(OSError, match="5"):
            wire.writeto(ADDRESS, b"\x00")
        with pytest.raises(OSError, match="5"):
            wire.writeto(0, b"")  # at 400 kHz SDA is low for 20 us only
        bench.now_us += 10_000
    with pytest.raises(OSError, match="5"):
        bench.driver._bus(100_000).writeto(0, b"")
    bench.now_us += 1_300
    with pytest.raises(OSError, match="5"):
        wire.readfrom(ADDRESS, 4)
    bench.now_us += 200
    assert wire.readfrom(ADDRESS, 6) == b"\x04\x11\x33\x43\xff\xff"


def test_the_watchdog_forgets_a_nonce() -> None:
    bench = ElementBench()
    bench.signer()

    def late() -> None:
        bench.driver.load(DIGEST)
        bench.now_us += 1_300_000
        bench.driver.sign(0)

    with pytest.raises(Fault, match="not there"):
        bench.driver.run(late)


@pytest.mark.parametrize("watchdog_us", [700_000, 1_700_000])
def test_every_run_ends_before_the_shortest_watchdog(watchdog_us: int) -> None:
    bench = ElementBench(watchdog_us=watchdog_us)
    signer = bench.signer()
    assert signer.accepts(0, (bytes(32), bytes(32)), True)
    signature = signer.sign(DIGEST)
    signer.verify(signer.public_key(), DIGEST, signature)
    signer.tick(DIGEST)


@pytest.mark.parametrize(
    ("packet", "status"),
    [
        (b"\x07\x30\x00\x00\x00", 0),  # as it should be
        (b"\x07\x31\x00\x00\x00", 0x03),  # no such opcode
        (b"\x08\x30\x00\x00\x00\x00", 0x03),  # a byte too many for Info
        (b"\x08\x30\x00\x00\x00", 0xFF),  # count does not fit
        (b"\x06\x30\x00\x00", 0xFF),  # too short for any
        (b"", 0xFF),
    ],
)
def test_framing_is_checked_byte_by_byte(packet: bytes, status: int) -> None:
    bench = ElementBench()

    def work() -> bytes:
        wire = bench.driver._i2c
        wire.writeto(ADDRESS, bytes((COMMAND,)) + packet + crc16(packet))
        return bench.driver._poll()

    answer = bench.driver.run(work)
    assert answer == (bytes((status,)) if status else b"\x00\x00\x60\x02")


def test_any_flipped_bit_of_a_command_is_seen_and_the_command_sent_again() -> None:
    for place in range(7 * 8):
        bench = ElementBench()
        flipped: list[bytes] = []

        def tap(
            way: str, addr: int, content: bytes, place: int = place, flipped: list[bytes] = flipped
        ) -> bytes:
            if way == "write" and content[:1] == b"\x03" and not flipped:
                flipped.append(content)
                number = int.from_bytes(content[1:], "big") ^ 1 << place
                return b"\x03" + number.to_bytes(len(content) - 1, "big")
            return content

        bench.tap = tap
        assert bench.driver.run(bench.driver.revision) == b"\x00\x00\x60\x02"
        assert flipped


def test_any_flipped_bit_of_an_answer_is_seen_and_asked_for_again() -> None:
    for place in range(7 * 8):
        bench = ElementBench()
        bench.driver.run(bench.driver.revision)
        seen: list[bytes] = []

        def garble(packet: bytes, place: int = place, seen: list[bytes] = seen) -> bytes:
            if len(packet) != 7 or seen:
                return packet
            seen.append(packet)
            return (int.from_bytes(packet, "big") ^ 1 << place).to_bytes(7, "big")

        bench.chip.garble = garble
        assert bench.driver.run(bench.driver.revision) == b"\x00\x00\x60\x02"
        assert seen


def test_a_silent_bus_is_a_fault() -> None:
    bench = ElementBench()

    def tap(way: str, addr: int, content: bytes) -> bytes:
        raise OSError(5)

    bench.tap = tap
    with pytest.raises(OSError, match="5"):
        bench.driver._bus(400_000).writeto(ADDRESS, b"")
    with pytest.raises(Fault):
        bench.driver.run(bench.driver.revision)


def test_three_faults_in_a_row_are_one_too_many() -> None:
    for faults, ends in ((2, True), (3, False)):
        bench = ElementBench()
        left = [faults]

        def garble(packet: bytes, left: list[int] = left) -> bytes:
            if len(packet) == 7 and left[0]:
                left[0] -= 1
                return bytes(7)
            return packet

        bench.chip.garble = garble
        if ends:
            assert bench.driver.run(bench.driver.revision)
        else:
            with pytest.raises(Fault):
                bench.driver.run(bench.driver.revision)


def test_counters_count() -> None:
    bench = ElementBench()
    driver = bench.driver
    assert [driver.run(lambda: driver.counter(1, True)) for _ in range(3)] == [1, 2, 3]
    assert driver.run(lambda: driver.counter(0)) == 0
    bench.chip.eeprom.counters[0] = 2_097_151
    with pytest.raises(Denied):
        driver.run(lambda: driver.counter(0, True))
