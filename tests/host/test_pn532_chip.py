# SPDX-License-Identifier: Apache-2.0
"""The virtual PN532's host link, byte for byte: frames, sleep, abort, registers, speed."""

from __future__ import annotations

import asyncio

import pytest
from duotap_host.virtual.pn532_frame import NACK, Frame, FrameParser, encode, error_frame
from host.radio_bench import ACK, BYTE_US, LISTEN, Bench, on_bench

VERSION = "0000ff02fed4022a00"
VERSION_IS = "0000ff06fad50332010607e800"


async def settle() -> None:
    await asyncio.sleep(0.02)


def test_get_firmware_version_reads_as_everywhere() -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        chip.put(VERSION)
        await settle()
        return chip.heard()

    assert on_bench(story) == [ACK, VERSION_IS]


def test_ack_comes_within_15_ms_and_the_response_about_1_ms_later() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        asked_us = bench.time.now_us()
        chip.put(VERSION)
        await settle()
        (ack_us, _), (response_us, _) = chip.said
        assert 0 < ack_us - asked_us < 15_000
        assert 1_000 <= response_us - asked_us <= 2_000

    on_bench(story)


@pytest.mark.parametrize("padding", ["00", "00" * 14, "5555", "55000055", "01", ""])
def test_any_padding_may_precede_a_frame(padding: str) -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        chip.put(padding + VERSION)
        await settle()
        return chip.heard()

    assert on_bench(story) == [ACK, VERSION_IS]


def test_a_frame_may_come_in_any_pieces() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        for cut in range(0, len(VERSION) + 1, 2):
            chip.put(VERSION[:cut])
            await asyncio.sleep(0.001)
            chip.put(VERSION[cut:])
            await settle()
            assert chip.heard() == [ACK, VERSION_IS], cut

    on_bench(story)


def test_an_extended_frame_is_understood_for_little_and_for_much() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        chip.put("0000ffffff0002fed4022a00")
        await settle()
        assert chip.heard() == [ACK, VERSION_IS]
        echo = bytes(range(256)).hex() + "00010203040506"
        answer = await chip.ask("0000" + echo[2:])
        assert answer == "0100" + echo[2:]
        chip.command("0000" + echo[2:])
        await settle()
        assert chip.heard()[1].startswith("0000ffffff0109f6d501")

    on_bench(story)


@pytest.mark.parametrize(
    "spoiled",
    ["0000ff02ffd4022a00", "0000ff02fed4022b00", "0000ffffff0003fed4022a00", "0000ff02fed5022900"],
)
def test_a_spoiled_frame_gets_no_ack(spoiled: str) -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        chip.put(spoiled)
        await settle()
        assert chip.heard() == []
        chip.put(VERSION)
        await settle()
        return chip.heard()

    assert on_bench(story) == [ACK, VERSION_IS]


@pytest.mark.parametrize("body", ["99", "0200", "4a01", "06", "1400000000", "8c05"])
def test_unknown_commands_and_wrong_counts_get_the_error_frame(body: str) -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        chip.command(body)
        await settle()
        return chip.heard()

    assert on_bench(story) == [ACK, "0000ff01ff7f8100"]


def test_nack_repeats_the_last_response() -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        await chip.ask("02")
        chip.put(NACK.hex())
        chip.put(NACK.hex())
        return chip.heard()

    assert on_bench(story) == [VERSION_IS, VERSION_IS]


def test_ack_aborts_and_nothing_follows() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        chip.command("4a0100")  # for ever: nobody is there
        await asyncio.sleep(5)
        assert chip.heard() == [ACK]
        chip.put(ACK)
        await asyncio.sleep(5)
        assert chip.heard() == []
        assert await chip.ask("02") == "0332010607"

    on_bench(story)


def test_a_new_command_aborts_the_one_that_runs() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        chip.command("4a0100")
        await asyncio.sleep(0.5)
        assert await chip.ask("02") == "0332010607"
        await asyncio.sleep(1)
        assert chip.heard() == []

    on_bench(story)


# Sleep


def test_it_powers_up_asleep_and_leaves_low_vbat_by_sam_configuration() -> None:
    async def story(bench: Bench) -> None:
        chip = bench.chip()
        chip.put("02")  # no more than three edges: nothing
        await settle()
        assert chip.heard() == []
        chip.put("55")
        await asyncio.sleep(0.002)
        chip.put(VERSION)
        await settle()
        assert chip.heard() == [ACK, VERSION_IS]
        chip.put(VERSION)  # in LowVbat it sleeps again behind every command
        await settle()
        assert chip.heard() == []
        await chip.wake()
        for _ in range(3):
            assert await chip.ask("02") == "0332010607"

    on_bench(story)


@pytest.mark.parametrize(("pause_us", "heard"), [(1_900, False), (2_000, True), (2_500, True)])
def test_bytes_are_lost_for_two_milliseconds_after_waking(pause_us: int, heard: bool) -> None:
    async def story(bench: Bench) -> bool:
        chip = bench.chip()
        chip.put("55")
        await asyncio.sleep(pause_us / 1e6)
        chip.put("0000ff04fcd41401001700")
        await settle()
        return bool(chip.heard())

    assert on_bench(story) == heard


@pytest.mark.parametrize(
    ("preamble", "heard"),
    [("5555" + "00" * 14, False), ("5555" + "00" * 24, True), ("00" * 30, True), ("", False)],
)
def test_waking_bytes_and_frame_may_be_one_write(preamble: str, heard: bool) -> None:
    """At 115200 two milliseconds are 23 bytes; libnfc's 14 zeros alone would not do."""

    async def story(bench: Bench) -> bool:
        chip = bench.chip()
        chip.hsu.feed(bytes.fromhex(preamble + "0000ff04fcd41401001700"), BYTE_US)
        await settle()
        return bool(chip.heard())

    assert on_bench(story) == heard


@pytest.mark.parametrize(("enabled", "wakes"), [("10", True), ("f0", True), ("e8", False)])
def test_power_down_sleeps_and_hsu_wakes_it_if_allowed(enabled: str, wakes: bool) -> None:
    async def story(bench: Bench) -> bool:
        chip = await bench.awake()
        assert await chip.ask("16" + enabled) == "1700"
        await settle()
        chip.put(VERSION)
        await settle()
        assert chip.heard() == []
        await settle()
        chip.put(VERSION)
        await settle()
        return chip.heard() == [ACK, VERSION_IS]

    assert on_bench(story) == wakes


@pytest.mark.parametrize(("enabled", "wakes"), [("08", True), ("10", False)])
def test_power_down_ends_when_a_field_appears_if_allowed(enabled: str, wakes: bool) -> None:
    async def story(bench: Bench) -> bool:
        chip, other = await bench.awake(), await bench.awake("other")
        assert await chip.ask("16" + enabled) == "1700"
        await settle()
        assert await other.ask("320101") == "33"
        chip.put(VERSION)
        await settle()
        return chip.heard() == [ACK, VERSION_IS]

    assert on_bench(story) == wakes


def test_after_an_aborted_listen_it_has_to_be_woken() -> None:
    """libnfc issue 167: the command behind the abort was lost."""

    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        chip.command(LISTEN)
        await asyncio.sleep(0.5)
        assert chip.heard() == [ACK]
        chip.put(ACK)  # these bytes only wake it
        await asyncio.sleep(0.003)
        chip.put(ACK)
        await settle()
        chip.put(VERSION)
        await settle()
        assert chip.heard() == []
        chip.put("55")
        await asyncio.sleep(0.003)
        assert await chip.ask("02") == "0332010607"

    on_bench(story)


def test_a_reset_forgets_everything_but_the_antenna() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        await chip.ask("1200")
        await chip.ask("08633d7f")
        chip.pn532.reset()
        assert chip.speeds[-1] == 115200
        chip.put(VERSION)
        await settle()
        assert chip.heard() == []
        await chip.wake()
        assert chip.pn532.flags == 0x34
        assert await chip.ask("06633d") == "0700"

    on_bench(story)


# Registers, parameters, speed, status


def test_registers_keep_what_is_written() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        assert await chip.ask("08 6302 80 6303 80 630d 12") == "09"
        assert await chip.ask("06 6302 6303 630d 6339") == "0780801200"

    on_bench(story)


def test_the_field_shows_in_tx_control() -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        before = await chip.ask("066304")
        assert await chip.ask("320101") == "33"
        during = await chip.ask("066304")
        assert await chip.ask("320100") == "33"
        return [before, during, await chip.ask("066304")]

    assert on_bench(story) == ["0780", "0783", "0780"]


def test_nobody_there_ends_soon_and_shows_in_the_fifo() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        assert await chip.ask("3205000101") == "33"
        begun_us = bench.time.now_us()
        assert await chip.ask("4a0100") == "4b00"
        assert 5_000 <= bench.time.now_us() - begun_us <= 30_000
        assert await chip.ask("066339") == "0726"

    on_bench(story)


def test_speed_changes_at_the_host_s_ack() -> None:
    async def story(bench: Bench) -> None:
        chip = await bench.awake()
        chip.speeds.clear()
        assert await chip.ask("1007") == "11"
        assert chip.speeds == []
        chip.put(ACK)
        assert chip.speeds == [921600]
        chip.put(ACK)
        assert chip.speeds == [921600]
        assert await chip.ask("1004") == "11"
        assert await chip.ask("02") == "0332010607"
        chip.put(ACK)
        assert chip.speeds == [921600]

    on_bench(story)


def test_frames_without_preamble_when_asked_for() -> None:
    async def story(bench: Bench) -> list[str]:
        chip = await bench.awake()
        assert await chip.ask("1274") == "13"
        chip.put(VERSION)
        await settle()
        return chip.heard()

    assert on_bench(story)[1] == VERSION_IS[2:-2]


def test_general_status_tells_an_outside_field() -> None:
    async def story(bench: Bench) -> list[str]:
        chip, other = await bench.awake(), await bench.awake("other")
        before = await chip.ask("04")
        await other.ask("320101")
        return [before, await chip.ask("04"), await other.ask("04")]

    assert on_bench(story) == ["0500000080", "0500010080", "0500000080"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("44 01", "4500"),
        ("52 00", "5300"),
        ("54 01", "5527"),
        ("40 01 00a4", "4127"),
        ("86", "8725"),
        ("8e 9000", "8f25"),
        ("8a", "8b0000"),
        ("4a 03 00", "4b10"),
        ("00 01", "0100"),
        ("00 02", "0100"),
        ("00 07", "0100"),
        ("00 06", "0127"),
        ("00 08", "7f"),
    ],
)
def test_without_anybody_there(body: str, answer: str) -> None:
    async def story(bench: Bench) -> str:
        return await (await bench.awake()).ask(body)

    assert on_bench(story) == answer


# Frames


def test_frames_are_parsed_as_they_are_built() -> None:
    parser = FrameParser()
    for count in (1, 2, 61, 254, 255, 256, 265):
        body = bytes(range(256)) * 2
        for bare in (False, True):
            assert parser.push(encode(body[:count], bare=bare)) == [Frame("command", body[:count])]
    assert parser.push(error_frame()) == [Frame("command", b"\x7f")]
    with pytest.raises(ValueError, match=r"1\.\.265"):
        encode(bytes(266))


def test_frames_within_noise_are_found() -> None:
    parser = FrameParser()
    frames = parser.push(bytes.fromhex("ff00" + ACK + "123400ff" + VERSION + NACK.hex() + "00"))
    assert [frame.kind for frame in frames] == ["ack", "command", "nack"]
