# SPDX-License-Identifier: Apache-2.0
"""Traces of a tap: recorded, printed, and replayed against the shipped driver."""

from __future__ import annotations

import asyncio

import pytest
from drivers.pn532_hsu import Hsu
from drivers.pn532_polling import Poller
from duotap_host.virtual import timeline
from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.mishaps import Corrupt, Mishap
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.trace import Chunk, Differs, ReplayUart, Trace, crc_a, parse, sniffed
from whole_pn532 import WholePn532

from duet.radio_pair import BODY, OK, READ, SELECT, Card, Radio, play

BAUDRATE = 921_600


async def tap(pn532: WholePn532) -> list[bytes]:
    """From setting up to letting go; a card must be there at the first look."""
    await pn532.setup(BAUDRATE)
    (target,) = await pn532.list_passive()
    poller = Poller(pn532, target)
    answers = [await poller.transceive(apdu) for apdu in (SELECT, READ)]
    await poller.close()
    return answers


def recorded() -> tuple[list[bytes], str, list[str]]:
    """A tap's answers, the trace of the stand's wires, and the lines of the air."""

    async def story(radio: Radio) -> tuple[list[bytes], str, list[str]]:
        stand, card = radio.side("stand"), radio.side("card")
        radio.card(card, Card().answer)
        await card.clock.sleep_ms(200)
        trace = Trace(radio.time, stand.port)
        answers = await tap(stand.pn532)
        return answers, trace.text(), sniffed(radio.field.log)

    return play(story, [Mishap(Corrupt(), kind="I", downlink=False)])


def replay(chunks: list[Chunk]) -> tuple[list[bytes], bool]:
    """A fresh driver's answers in front of the recorded chip, and whether all was played."""

    async def main() -> tuple[list[bytes], bool]:
        time = Timeline(asyncio.get_running_loop())
        clock = VirtualClock(time)
        uart = ReplayUart(time, clock, chunks)
        return await tap(WholePn532(Hsu(uart, clock, BAUDRATE), clock)), uart.over

    return timeline.run(main())


def test_a_trace_replays_against_the_driver() -> None:
    answers, text, _ = recorded()
    assert answers == [OK, BODY + OK]
    chunks = parse(text)
    assert {chunk.direction for chunk in chunks} == {">", "<"}
    assert replay(chunks) == (answers, True)


def test_a_driver_that_says_something_else_is_found() -> None:
    chunks = parse(recorded()[1])
    number = max(i for i, chunk in enumerate(chunks) if READ in chunk.octets)
    changed = chunks[number].octets.replace(READ, READ[:-1] + b"\x01")
    chunks[number] = chunks[number]._replace(octets=changed)
    with pytest.raises(Differs):
        replay(chunks)


def test_a_line_that_is_no_chunk_is_refused() -> None:
    for line in ("1 = 00", "x > 00", "1 > 0", "1 >"):
        with pytest.raises(ValueError, match=r".+"):
            parse(line)


def test_the_air_reads_as_a_sniffer_shows_it() -> None:
    """RATS and its CRC_A as in any capture of a reader: e0 50 bc a5."""
    lines = recorded()[2]
    print("\n".join(lines))
    assert crc_a(bytes.fromhex("e050")).hex() == "bca5"
    assert any(line.endswith("| Rdr | e0 50 bc a5 | RATS") for line in lines)
    assert any("| Tag | 05 75 33 92 03 " in line and line.endswith("ATS") for line in lines)
    assert any(line.endswith("I garbled!") for line in lines)
    starts = [int(line.split("|")[0]) for line in lines[1:]]
    assert starts == sorted(starts)


@pytest.mark.usefixtures("bus")
def test_every_bus_is_recorded() -> None:
    """SAMConfiguration, and what the chip says to it."""

    async def story(radio: Radio) -> Trace:
        side = radio.side("stand")
        trace = Trace(radio.time, side.port)
        await side.pn532.setup()
        return trace

    chunks = play(story).chunks
    assert any(chunk.octets == bytes.fromhex("0000ff05fbd4140100011600") for chunk in chunks)
    answers = [chunk.octets.hex() for chunk in chunks if chunk.direction == "<"]
    assert answers[:2] == ["0000ff00ff00", "0000ff02fed5151600"]
    assert [chunk.t_us for chunk in chunks] == sorted(chunk.t_us for chunk in chunks)
