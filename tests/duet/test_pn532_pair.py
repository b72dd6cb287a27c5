# SPDX-License-Identifier: Apache-2.0
"""Two boards at one field: what an activation looks like, and how it ends well: on each bus."""

from __future__ import annotations

import asyncio

import pytest
from drivers.pn532_status import Released
from duotap.errors import Timeout

from duet.radio_pair import OK, SELECT, Radio, echo, play, touch

pytestmark = pytest.mark.usefixtures("bus")


def test_a_select_block_by_block() -> None:
    async def story(radio: Radio) -> list[str]:
        stand, card, poller = await touch(radio, lambda _: OK)
        assert stand.pn532.firmware_version == bytes.fromhex("32010607")
        assert poller.target.sens_res == b"\x00\x04"
        assert poller.target.sel_res == 0x20
        assert poller.target.uid[0] == 0x08
        assert poller.target.ats == bytes.fromhex("0575339203")
        assert await poller.transceive(SELECT) == OK
        await poller.close()
        await stand.clock.sleep_ms(5)
        assert not card.listener.active
        return radio.blocks()[1:]

    assert play(story) == [
        "> RATS e050",
        "< ATS 0575339203",
        "> I 02" + SELECT.hex(),
        "< S(WTX) f207",
        "> S(WTX) f207",
        "< I 029000",
        "> S(DESELECT) c2",
        "< S(DESELECT) c2",
    ]


@pytest.mark.parametrize(
    ("command", "response"),
    [
        (5, 258),
        (255, 2),
        (261, 258),
        (0, 0),
        (1, 61),
        (61, 62),
        (262, 262),
        (263, 263),
        (700, 900),
    ],
)
def test_apdus_of_any_length_arrive_whole(command: int, response: int) -> None:
    """Short APDUs are one command of the chip; longer ones go in parts both ways (MI)."""
    sent = bytes(i * 7 & 0xFF for i in range(command))
    answered = bytes(i * 11 & 0xFF for i in range(response))
    got: list[bytes] = []

    async def story(radio: Radio) -> bytes:
        def answer(apdu: bytes) -> bytes:
            got.append(apdu)
            return answered

        _, _, poller = await touch(radio, answer)
        return await poller.transceive(sent)

    assert play(story) == answered
    assert got == [sent]


@pytest.mark.parametrize(("late_ms", "extensions"), [(0, 1), (800, 1), (2500, 3), (4000, 5)])
def test_a_slow_card_asks_for_time(late_ms: int, extensions: int) -> None:
    async def story(radio: Radio) -> int:
        async def answer(apdu: bytes) -> bytes:
            await card.clock.sleep_ms(late_ms)
            return OK

        _, card, poller = await touch(radio, lambda apdu: answer(apdu))
        assert await poller.transceive(SELECT) == OK
        return len(radio.blocks("S(WTX)")) // 2

    assert play(story) == extensions


def test_a_card_that_never_answers_is_given_up_after_five_seconds() -> None:
    async def story(radio: Radio) -> None:
        silent = True

        async def answer(apdu: bytes) -> bytes:
            if silent:
                await card.clock.sleep_ms(60_000)
            return OK

        stand, card, poller = await touch(radio, lambda apdu: answer(apdu))
        begun_us = radio.time.now_us()
        with pytest.raises(Timeout):
            await poller.transceive(SELECT)
        assert 5_000_000 <= radio.time.now_us() - begun_us <= 5_100_000
        with pytest.raises(Released):
            await poller.transceive(SELECT)
        silent = False
        radio.tasks[0].cancel()
        radio.card(card, lambda _: OK)
        await stand.pn532.setup()
        poller = await radio.select(stand)
        assert await poller.transceive(SELECT) == OK

    play(story)


def test_sessions_follow_each_other_with_new_uids() -> None:
    async def story(radio: Radio) -> tuple[set[bytes], int]:
        stand, _, poller = await touch(radio)
        uids = set()
        longest_us = 0
        for _ in range(6):
            uids.add(poller.target.uid)
            await poller.transceive(SELECT)
            await poller.close()
            closed_us = radio.time.now_us()
            poller = await radio.select(stand)
            longest_us = max(longest_us, radio.time.now_us() - closed_us)
        return uids, longest_us

    uids, longest_us = play(story)
    assert len(uids) == 6
    assert longest_us < 60_000  # the card has armed again before the next look


def test_the_listener_counts_and_says_that_it_is_active() -> None:
    async def story(radio: Radio) -> None:
        stand, card = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(), card.pn532.setup())
        session = asyncio.create_task(card.listener.session(echo))
        poller = await radio.select(stand)
        for _ in range(3):
            await poller.transceive(SELECT)
        assert card.listener.active
        await poller.close()
        assert await session == 3
        assert not card.listener.active

    play(story)


def test_a_poller_that_just_goes_away_ends_the_session_too() -> None:
    async def story(radio: Radio) -> int:
        stand, card = radio.side("stand"), radio.side("card")
        await asyncio.gather(stand.pn532.setup(), card.pn532.setup())
        session = asyncio.create_task(card.listener.session(echo))
        poller = await radio.select(stand)
        await poller.transceive(SELECT)
        radio.field.leave(stand.chip)
        return await session

    assert play(story) == 1


def test_two_cards_are_both_listed() -> None:
    async def story(radio: Radio) -> None:
        stand = radio.side("stand")
        cards = [radio.side("card 1"), radio.side("card 2")]
        for card in cards:
            radio.card(card, lambda apdu, name=card.name: name.encode() + OK)
        await stand.pn532.setup()
        await stand.clock.sleep_ms(100)
        targets = await stand.pn532.list_passive()
        assert [target.tg for target in targets] == [1, 2]
        assert len({target.uid for target in targets}) == 2
        assert all(target.ats == bytes.fromhex("0575339203") for target in targets)
        await stand.pn532.release()
        radio.field.leave(cards[0].chip)
        poller = await radio.select(stand)
        assert await poller.transceive(SELECT) == b"card 2" + OK

    play(story)


def test_nobody_there_is_said_soon_and_a_lone_stand_costs_nothing() -> None:
    async def story(radio: Radio) -> None:
        stand = radio.side("stand")
        await stand.pn532.setup()
        begun_us = radio.time.now_us()
        assert await stand.pn532.list_passive() == ()
        assert radio.time.now_us() - begun_us < 30_000
        await stand.pn532.release()
        scheduled = radio.time.loop.scheduled  # type: ignore[attr-defined]  # virtual it is
        with pytest.raises(Timeout):
            await stand.pn532.listen(3_600_000)
        assert radio.time.loop.scheduled - scheduled < 100  # type: ignore[attr-defined]  # so

    play(story)


def test_a_phone_polling_for_felica_sees_nothing() -> None:
    """Without CIU_Mode 3Fh it would, and would not look for type A any more."""

    async def story(radio: Radio) -> tuple[bytes | None, bytes | None]:
        card = radio.side("card")
        await card.pn532.setup()
        listening = asyncio.create_task(card.pn532.listen())
        await card.clock.sleep_ms(50)
        shown = card.chip.answers_felica()
        card.chip.registers[0x6301] = 0x3B
        unprotected = card.chip.answers_felica()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        return shown, unprotected

    shown, unprotected = play(story)
    assert shown is None
    assert unprotected is not None
    assert unprotected[:2] == b"\x01\xfe"


def test_a_tap_costs_few_events() -> None:
    """Sweeps depend on it; a tap of ten APDUs takes about 650 timers, 6 ms of a 2020s core."""

    async def story(radio: Radio) -> int:
        stand, _, poller = await touch(radio, lambda _: bytes(60))
        await poller.close()
        before: int = radio.time.loop.scheduled  # type: ignore[attr-defined]  # virtual it is
        poller = await radio.select(stand)
        for _ in range(10):
            await poller.transceive(bytes(100))
        await poller.close()
        scheduled: int = radio.time.loop.scheduled  # type: ignore[attr-defined]  # so
        return scheduled - before

    events = play(story)
    print("timers", events)
    assert events < 1000


def test_the_pair_also_runs_in_real_time() -> None:
    async def story() -> bytes:
        radio = Radio()
        try:
            _, _, poller = await touch(radio, lambda _: OK)
            return await poller.transceive(SELECT)
        finally:
            radio.close()

    assert asyncio.run(story()) == OK
