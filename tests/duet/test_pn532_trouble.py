# SPDX-License-Identifier: Apache-2.0
"""Two boards at one field when hosts, chips or wires fail: cancels, resets, spoiled frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from drivers.pn532_status import AirFault, ChipFault, Released, check, check_listening
from duotap.errors import Fault, Timeout

from duet.radio_pair import OK, READ, SELECT, Card, Radio, Side, meet, play, recover

pytestmark = pytest.mark.usefixtures("bus")

# Cancelling


async def cancel(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancelled_listen_cannot_be_activated_and_the_chip_goes_on() -> None:
    async def story(radio: Radio) -> None:
        stand, side = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(), side.pn532.setup())
        for wait_us in [*range(0, 16_000, 370), 700_000]:
            listening: asyncio.Task[object] = asyncio.create_task(side.pn532.listen())
            await asyncio.sleep(wait_us / 1e6)
            await cancel(listening)
            assert side.pn532.quiet
            assert await stand.pn532.list_passive() == ()
            await stand.pn532.release()
            assert await side.pn532.list_passive() == ()
            await side.pn532.release()
        radio.card(side, Card().answer)
        assert await (await radio.select(stand)).transceive(SELECT) == OK

    play(story)


@pytest.mark.parametrize("late_us", range(0, 20_000, 500))
def test_cancelling_while_being_activated(late_us: int) -> None:
    """Whichever comes first, the next listen and the next touch are sound."""

    async def story(radio: Radio) -> None:
        stand, side = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(), side.pn532.setup())
        listening: asyncio.Task[object] = asyncio.create_task(side.listener.session(Card().answer))
        await side.clock.sleep_ms(30)
        looking = asyncio.create_task(stand.pn532.list_passive())
        await asyncio.sleep(late_us / 1e6)
        await cancel(listening)
        targets = await looking
        if targets:
            with pytest.raises(AirFault):
                await stand.pn532.exchange(SELECT)
        await stand.pn532.release()
        card = Card()
        radio.card(side, card.answer)
        await recover(radio, stand, card)

    play(story)


def test_any_command_can_be_cancelled_at_any_time() -> None:
    card = Card()

    async def story(radio: Radio) -> None:
        stand, _, poller = await meet(radio, card)
        for late_us in range(0, 60_000, 1_700):
            exchange: asyncio.Task[object] = asyncio.create_task(poller.transceive(READ))
            await asyncio.sleep(late_us / 1e6)
            if exchange.done():
                assert late_us > 30_000
                break
            await cancel(exchange)
            assert stand.pn532.quiet
            await stand.pn532.release()
            poller = await radio.select(stand)
            assert await poller.transceive(SELECT) == OK

    play(story)


@pytest.mark.parametrize("again_ms", [0, 1, 3, 6, 8, 12, 15])
def test_cancelling_twice_is_no_worse_than_once(again_ms: int) -> None:
    async def story(radio: Radio) -> None:
        stand, side = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(), side.pn532.setup())
        listening: asyncio.Task[object] = asyncio.create_task(side.pn532.listen())
        await side.clock.sleep_ms(100)
        listening.cancel()
        await side.clock.sleep_ms(again_ms)
        await cancel(listening)
        assert side.pn532.quiet
        assert side.chip.answers(False) is None

    play(story)


def test_whoever_cancels_need_not_wait_before_the_next_command() -> None:
    async def story(radio: Radio) -> None:
        side = radio.side("card")
        await side.pn532.setup()
        listening = asyncio.create_task(side.pn532.listen())
        await side.clock.sleep_ms(100)
        listening.cancel()
        assert await side.pn532.list_passive() == ()

    play(story)


def test_a_listen_that_times_out_leaves_nobody_waiting() -> None:
    async def story(radio: Radio) -> None:
        side = radio.side("card")
        await side.pn532.setup()
        begun_us = radio.time.now_us()
        with pytest.raises(Timeout):
            await side.listener.session(Card().answer, 600)
        assert 600_000 <= radio.time.now_us() - begun_us < 650_000
        assert side.pn532.quiet
        assert side.chip.answers(False) is None

    play(story)


def test_an_answer_that_fails_leaves_a_silent_chip() -> None:
    async def story(radio: Radio) -> None:
        stand, side = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(), side.pn532.setup())
        session = asyncio.create_task(side.listener.session(lambda apdu: [apdu][1]))
        poller = await radio.select(stand)
        with pytest.raises(AirFault, match="time-out"):
            await poller.transceive(SELECT)
        with pytest.raises(IndexError):
            await session
        assert side.pn532.quiet

    play(story)


# Chip and wires


def test_no_chip_is_a_fault_in_time() -> None:
    async def story(radio: Radio) -> int:
        side = radio.side("card")
        side.chip.receive = lambda _frame: None  # type: ignore[method-assign]  # deaf
        with pytest.raises(Fault, match="no ACK"):
            await side.pn532.setup(921_600)
        return radio.time.now_us()

    assert play(story) < 1_200_000  # four speeds on HSU, twice


class Wires:
    """Stands between chip and line and spoils the n-th frame that the chip sends."""

    def __init__(self, side: Side, nth: int, spoil: Callable[[bytes], bytes]) -> None:
        self.left = nth
        self._say = side.port.say
        self._spoil = spoil
        side.port.say = self.say  # type: ignore[method-assign]  # a wire tap

    def say(self, frame: bytes) -> None:
        self.left -= 1
        chunk = self._spoil(frame) if self.left == 0 else frame
        if chunk:
            self._say(chunk)


def flip(chunk: bytes) -> bytes:
    return chunk[:-2] + bytes([chunk[-2] ^ 0x10]) + chunk[-1:]


SPOILS = {
    "lost": lambda chunk: b"",
    "cut short": lambda chunk: chunk[: len(chunk) // 2],
    "beginning lost": lambda chunk: chunk[4:],
    "bit flipped": flip,
    "doubled": lambda chunk: chunk * 2,
    "noise before": lambda chunk: b"\x00\xff\x13" + chunk,
}


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("spoil", SPOILS)
def test_a_spoiled_frame_of_the_chip_is_asked_for_again(bus: str, spoil: str, nth: int) -> None:
    """ACK and response of two commands in turn; a whole response that is lost is a Timeout.

    On I2C the third is the response once more, as the host reads it to its end.
    """

    async def story(radio: Radio) -> list[tuple[()] | str]:
        side = radio.side("stand")
        await side.pn532.setup()
        wires = Wires(side, nth, SPOILS[spoil])
        results: list[tuple[()] | str] = []
        for _ in range(2):
            try:
                results.append(await side.pn532.list_passive())
            except Timeout:
                results.append("timeout")
        assert wires.left <= 0
        await side.pn532.release()
        assert await side.pn532.list_passive() == ()
        return results

    results = play(story)
    lost = spoil == "lost" and nth in ((2,) if bus.startswith("i2c") else (2, 4))
    assert results.count("timeout") == lost, results


@pytest.mark.parametrize("spoil", ["cut short", "bit flipped", "beginning lost"])
def test_a_spoiled_command_apdu_is_asked_for_again(spoil: str) -> None:
    """TgGetData has no time-out: a frame that arrives broken must not wait for ever."""
    card = Card()

    async def story(radio: Radio) -> None:
        stand, listener, poller = await meet(radio, card)
        await stand.clock.sleep_ms(50)
        Wires(listener, 1, SPOILS[spoil])
        assert await poller.transceive(SELECT) == OK

    play(story)
    assert card.executed == [SELECT]


# Names


def test_status_bytes_have_names_and_families() -> None:
    check(0x00)
    check(0x40)
    for status, kind, name in (
        (0x01, AirFault, "time-out"),
        (0x02, AirFault, "CRC"),
        (0x0B, AirFault, "protocol"),
        (0x29, Released, "released"),
        (0x27, ChipFault, "not acceptable"),
        (0x53, ChipFault, "format"),
        (0x3F, ChipFault, "unknown"),
    ):
        with pytest.raises(kind, match=name) as raised:
            check(status)
        assert raised.value.status == status & 0x3F
    for status in (0x25, 0x29, 0x2B):
        with pytest.raises(Released):
            check_listening(status)
