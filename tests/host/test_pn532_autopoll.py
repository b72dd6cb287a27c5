# SPDX-License-Identifier: Apache-2.0
"""InAutoPoll, attention, and the frames that a host makes by itself: anticollision, CRC_A."""

from __future__ import annotations

import asyncio

import pytest
from duotap_host.virtual.pn532_raw import crc_a
from host.radio_bench import ACK, LISTEN, Bench, Chip, on_bench

UID = "08112233"
ATS = "0575339203"
FOUND_4A = "6101" + "20" + "0e" + "01" + "0004" + "20" + "04" + UID + ATS
FOUND_MIFARE = "6101" + "10" + "09" + "01" + "0004" + "20" + "04" + UID
FELICA = "01fe" + "00" * 14
FOUND_FELICA = "6101" + "11" + "13" + "01" + "1201" + FELICA


async def armed(bench: Bench, listen: str = LISTEN) -> tuple[Chip, Chip]:
    reader, card = await bench.awake("reader"), await bench.awake("card")
    await card.ask(listen)
    return reader, card


@pytest.mark.parametrize(
    ("types", "answer"),
    [
        ("20", FOUND_4A),
        ("00", FOUND_4A),
        ("10", FOUND_MIFARE),
        ("2010", FOUND_4A),
        ("03042010", FOUND_4A),
        ("11", FOUND_FELICA),
        ("01", FOUND_FELICA),
        ("12", FOUND_FELICA.replace("610111", "610112")),
        ("03", "6100"),
        ("04", "6100"),
        ("4041428081820323", "6100"),
    ],
)
def test_auto_poll_tells_the_first_type_that_answers(types: str, answer: str) -> None:
    async def story(bench: Bench) -> str:
        reader, _ = await armed(bench)
        return await reader.ask("600101" + types, 2000)

    assert on_bench(story) == answer


def test_auto_poll_takes_a_period_for_each_type_and_round() -> None:
    """libnfc's nfc-poll announces 36 s for 20 rounds of 300 ms and 6 types."""

    async def story(bench: Bench) -> int:
        reader = await bench.awake("reader")
        began_us = bench.time.now_us()
        assert await reader.ask("60 14 02 20 10 03 11 12 04", 40_000) == "6100"
        return bench.time.now_us() - began_us

    assert 36_000_000 <= on_bench(story) < 36_010_000


def test_auto_poll_without_end_waits_for_a_card_and_can_be_aborted() -> None:
    async def story(bench: Bench) -> None:
        reader, card = await armed(bench)
        bench.field.leave(card.pn532)
        reader.command("60 ff 01 20")
        await asyncio.sleep(600)
        assert reader.heard() == [ACK]
        bench.field.enter(card.pn532)
        await asyncio.sleep(0.4)
        assert FOUND_4A in reader.heard()[0]
        assert (await card.ask("86", 1)) == ""
        assert await reader.ask("4001 00a40400", 100) == ""  # the card's host does not answer
        reader.put(ACK)
        reader.command("60 ff 01 20")
        await asyncio.sleep(1)
        reader.put(ACK)
        assert await reader.ask("02") == "0332010607"
        await asyncio.sleep(1)
        assert reader.heard() == []

    on_bench(story)


@pytest.mark.parametrize("body", ["60000120", "60010020", "60011020", "60010105", "600101"])
def test_auto_poll_refuses_what_it_does_not_know(body: str) -> None:
    async def story(bench: Bench) -> list[str]:
        reader = await bench.awake("reader")
        reader.command(body)
        await asyncio.sleep(0.02)
        return reader.heard()

    assert on_bench(story) == [ACK, "0000ff01ff7f8100"]


def test_crc_a_of_known_frames() -> None:
    """ISO/IEC 14443-3 annex B, and frames seen in traces."""
    assert crc_a(bytes.fromhex("0000")).hex() == "a01e"
    assert crc_a(bytes.fromhex("1234")).hex() == "26cf"
    assert crc_a(bytes.fromhex("5000")).hex() == "57cd"
    assert crc_a(bytes.fromhex("e050")).hex() == "bca5"
    assert crc_a(bytes.fromhex("20")).hex() == "fc70"


def test_a_host_selects_frame_by_frame() -> None:
    """What libnfc's nfc-anticol sends: short frames of 7 bits, and its own CRC."""

    select = bytes.fromhex("93700811223308")

    async def story(bench: Bench) -> list[str]:
        reader, card = await armed(bench)
        await reader.ask("08 6302 00 6303 00")
        await reader.ask("320101")
        lines = [await reader.ask("4226")]  # eight bits are no short frame
        await reader.ask("08 633d 07")
        lines.append(await reader.ask("4226"))
        await reader.ask("08 633d 00")
        lines.append(await reader.ask("42 9320"))
        lines.append(await reader.ask("42 9370 08112233 09 " + "0000", 200))  # a wrong CRC
        lines.append(await reader.ask("42" + select.hex() + crc_a(select).hex(), 200))
        reader.command("42 e050 bca5")
        await asyncio.sleep(0.02)
        lines.append(card.heard()[0])
        return lines

    assert on_bench(story) == [
        "4301",
        "43000400",
        "43000811223308",
        "4301",
        "430020fc70",
        "0000ff05fbd58d08e0506600",
    ]


def test_without_its_check_the_chip_hands_over_the_crc() -> None:
    async def story(bench: Bench) -> list[str]:
        reader, card = await armed(bench, LISTEN.replace("20", "00", 1).replace("3320", "3300"))
        await reader.ask("4a0100")
        reader.command("423000")
        await asyncio.sleep(0.02)
        assert card.heard()[-1].endswith("d58d003000" + "6e" + "00")
        await card.ask("08 6302 00 6303 00")
        lines = [await card.ask("90 aabb" + crc_a(b"\xaa\xbb").hex())]
        await asyncio.sleep(0.01)
        lines.append(reader.heard()[1])
        await reader.ask("08 6303 00")
        reader.command("423000")
        lines.append(await card.ask("88"))
        await card.ask("90 ccdd" + crc_a(b"\xcc\xdd").hex())
        await asyncio.sleep(0.01)
        lines.append(reader.heard()[1])
        return lines

    sent, heard, got, whole = on_bench(story)
    assert sent == "9100"
    assert heard.startswith("0000ff05fbd54300aabb")
    assert got == "89003000" + crc_a(b"\x30\x00").hex()
    assert whole.startswith("0000ff07f9d54300ccdd" + crc_a(b"\xcc\xdd").hex())


def test_diagnose_asks_whether_the_card_is_still_there() -> None:
    async def story(bench: Bench) -> list[str]:
        reader, card = await armed(bench)
        await reader.ask("4a0100")
        lines = [await reader.ask("0006")]
        bench.field.leave(card.pn532)
        return [*lines, await reader.ask("0006")]

    assert on_bench(story) == ["0100", "0101"]
