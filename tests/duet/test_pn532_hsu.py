# SPDX-License-Identifier: Apache-2.0
"""Two boards at one field, their PN532 on HSU: what its speed costs, and what a UART loses."""

from __future__ import annotations

import asyncio

import pytest
from duotap.errors import Fault

from duet.radio_pair import BODY, OK, READ, SELECT, Card, Radio, meet, play, recover, touch

TURNAROUND_US = 1500  # of each host: the table of times assumes 3 ms for both


@pytest.mark.parametrize(
    ("command", "response", "table_ms"),
    [(13, 2, 18), (5, 61, 31), (40, 72, 45), (5, 258, 89), (255, 2, 87)],
)
def test_an_exchange_takes_the_time_of_the_table(
    command: int, response: int, table_ms: int
) -> None:
    """HSU at 115200 on both sides, 3 ms for the hosts; the table of the notes on throughput."""

    async def story(radio: Radio) -> float:
        def answer(apdu: bytes) -> bytes:
            card.clock.charge(TURNAROUND_US, "computing")
            return bytes(response)

        stand, card, poller = await touch(radio, lambda apdu: answer(apdu))
        begun_us = radio.time.now_us()
        for _ in range(10):
            assert len(await poller.transceive(bytes(command))) == response
            stand.clock.charge(TURNAROUND_US, "computing")
            await stand.clock.sleep_ms(0)
        return (radio.time.now_us() - begun_us) / 10_000

    ms = play(story)
    print(f"{command}/{response}: {ms} ms, table {table_ms} ms")
    assert 0.8 * table_ms <= ms <= 1.2 * table_ms


def test_the_chip_is_quiet_exactly_while_its_host_has_the_word() -> None:
    seen: list[bool] = []

    async def story(radio: Radio) -> None:
        def answer(apdu: bytes) -> bytes:
            seen.append(card.pn532.quiet)
            return OK

        stand, card, poller = await touch(radio, lambda apdu: answer(apdu))
        assert stand.pn532.quiet
        assert not card.pn532.quiet
        exchange = asyncio.create_task(poller.transceive(SELECT))
        await stand.clock.sleep_ms(5)
        assert not stand.pn532.quiet
        await exchange
        assert stand.pn532.quiet
        await poller.close()
        await stand.clock.sleep_ms(20)
        assert stand.pn532.quiet
        assert not card.pn532.quiet

    play(story)
    assert seen == [True]


def test_two_runs_are_the_same_run() -> None:
    async def story(radio: Radio) -> list[object]:
        stand, card, poller = await touch(radio)
        for length in (5, 100, 255):
            await poller.transceive(bytes(length))
        await poller.close()
        return [list(radio.field.log), stand.line.wire_us(), card.line.wire_us()]

    assert play(story, seed=1) == play(story, seed=1)
    assert play(story, seed=1) != play(story, seed=2)


@pytest.mark.parametrize("baudrate", [115200, 460800])
def test_a_reset_chip_is_brought_back_by_setting_up(baudrate: int) -> None:
    async def story(radio: Radio) -> None:
        stand, listener, poller = await meet(radio, Card())
        await stand.pn532.setup(baudrate)
        poller = await radio.select(stand)
        assert await poller.transceive(READ) == BODY + OK
        stand.chip.reset()
        with pytest.raises(Fault):
            await poller.transceive(SELECT)
        await stand.pn532.setup(baudrate)
        assert stand.line.device.baudrate == stand.line.far.baudrate == baudrate
        await recover(radio, stand, Card())
        listener.chip.reset()
        radio.tasks[0].cancel()
        radio.card(listener, Card().answer)
        await recover(radio, stand, Card())

    play(story)


def test_higher_speed_makes_exchanges_shorter() -> None:
    async def story(radio: Radio, baudrate: int) -> int:
        stand, listener = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(baudrate), listener.pn532.setup(baudrate))
        session = asyncio.create_task(listener.listener.session(lambda _: BODY + OK))
        poller = await radio.select(stand)
        begun_us = radio.time.now_us()
        await poller.transceive(READ)
        session.cancel()
        return radio.time.now_us() - begun_us

    times = [play(lambda radio, b=b: story(radio, b)) for b in (115200, 230400, 460800, 921600)]
    print("5/258 in us", times)
    assert times == sorted(times, reverse=True)
    assert times[-1] < 50_000  # 45 ms in the table of throughputs
