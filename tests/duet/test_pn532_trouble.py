# SPDX-License-Identifier: Apache-2.0
"""Two boards at one field when things go wrong: tears, noise, resets, cancels, bad wires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from drivers.pn532 import AirFault, Poller, Released
from drivers.pn532_status import ChipFault, check, check_listening
from duotap.errors import Fault, Timeout
from duotap_host.virtual.mishaps import Corrupt, Fate, Lose, Mishap, Noise, Passage, Tear

from duet.radio_pair import Radio, Side, play

SELECT = bytes.fromhex("00a4040007d276000085010100")
READ = bytes.fromhex("00b0000000")  # answered by 258 bytes in five blocks
OK = b"\x90\x00"
BODY = bytes(range(256))


class Card:
    """Answers SELECT and READ and remembers every APDU it has executed."""

    def __init__(self) -> None:
        self.executed: list[bytes] = []

    def answer(self, apdu: bytes) -> bytes:
        self.executed.append(apdu)
        return BODY + OK if apdu == READ else OK


async def meet(radio: Radio, card: Card) -> tuple[Side, Side, Poller]:
    stand, listener = radio.side("stand"), radio.side("card")
    radio.card(listener, card.answer)
    await stand.pn532.setup()
    return stand, listener, await radio.select(stand)


async def recover(radio: Radio, stand: Side, card: Card) -> None:
    """From here a new touch works as the first one did."""
    await stand.pn532.release()
    poller = await radio.select(stand)
    assert await poller.transceive(SELECT) == OK
    assert await poller.transceive(READ) == BODY + OK
    await poller.close()


async def tap(poller: Poller) -> None:
    """One APDU more than needed: a tear behind the last block shows at the next one."""
    for apdu in (SELECT, READ, READ):
        await poller.transceive(apdu)


# Tears


@pytest.mark.parametrize("downlink", [True, False])
@pytest.mark.parametrize("at_byte", [0, 1, 2, 4, None])
@pytest.mark.parametrize("ins", [0xA4, 0xB0])
def test_a_tear_at_any_byte_ends_in_faults_and_a_new_touch_works(
    downlink: bool, at_byte: int | None, ins: int
) -> None:
    tear = Mishap(Tear(at_byte, back_us=300_000), kind="I", ins=ins, downlink=downlink)
    card = Card()

    async def story(radio: Radio) -> None:
        stand, listener, poller = await meet(radio, card)
        with pytest.raises(Fault):
            await tap(poller)
        assert not listener.listener.active
        await recover(radio, stand, card)

    play(story, [tear])
    assert tear.happened


def test_a_tear_takes_effect_where_it_is_planned() -> None:
    """In the command the card has executed nothing; behind the answer the poller has it all."""
    executed, answered = [], []
    for downlink, at_byte in ((True, 12), (True, None), (False, 1), (False, None)):
        card = Card()

        async def story(radio: Radio, card: Card = card) -> bytes:
            _, _, poller = await meet(radio, card)
            try:
                return await poller.transceive(SELECT)
            except AirFault:
                return b""

        answer = play(story, [Mishap(Tear(at_byte), ins=0xA4, kind="I", downlink=downlink)])
        executed.append(len(card.executed))
        answered.append(answer)
    assert executed == [0, 1, 1, 1]
    assert answered == [b"", b"", b"", OK]


def test_a_tear_in_the_middle_of_a_chain() -> None:
    for nth in (1, 3, 5):
        card = Card()

        async def story(radio: Radio, card: Card = card) -> None:
            stand, _, poller = await meet(radio, card)
            with pytest.raises(AirFault):
                await poller.transceive(READ)
            await recover(radio, stand, card)

        tear = Mishap(Tear(10, 50_000), kind="I", ins=0xB0, downlink=False, nth=nth)
        play(story, [tear])
        assert tear.happened


def test_a_tear_during_activation_is_no_worse_than_nobody() -> None:
    for kind in ("SELECT", "RATS", "ATS"):
        for fate in (Lose(), Corrupt(), Tear(1, 200_000)):
            card = Card()

            async def story(radio: Radio, card: Card = card) -> None:
                stand, _, _ = await meet(radio, card)
                await recover(radio, stand, card)

            mishap = Mishap(fate, kind=kind)
            play(story, [mishap])
            assert mishap.happened


# Loss and noise


def blocks_of_a_tap() -> int:
    async def story(radio: Radio) -> int:
        _, _, poller = await meet(radio, Card())
        await poller.transceive(SELECT)
        await poller.transceive(READ)
        return len(radio.field.log)

    return play(story)


@pytest.mark.parametrize("fate", [Lose(), Corrupt()])
def test_every_single_spoiled_block_is_recovered_from(fate: Fate) -> None:
    """The card executes each APDU once and the poller has each answer, whichever block it is."""
    count = blocks_of_a_tap()
    assert count > 15
    for index in range(1, count + 1):
        card = Card()

        def spoil(passage: Passage, index: int = index) -> Fate | None:
            return fate if passage.index == index else None

        async def story(radio: Radio, card: Card = card) -> None:
            _, _, poller = await meet(radio, card)
            assert await poller.transceive(SELECT) == OK
            assert await poller.transceive(READ) == BODY + OK

        play(story, [spoil])
        assert card.executed == [SELECT, READ], index


@pytest.mark.parametrize("seed", range(6))
def test_noise_delays_and_does_not_deceive(seed: int) -> None:
    print("seed", seed)
    card = Card()

    async def story(radio: Radio) -> int:
        stand, _, poller = await meet(radio, card)
        done = 0
        for _ in range(12):
            try:
                assert await poller.transceive(READ) == BODY + OK
                done += 1
            except Fault:
                await stand.pn532.setup()
                poller = await radio.select(stand, 20_000)
        return done

    assert play(story, [Noise(seed, lose=0.02, corrupt=0.02)], seed) >= 6


def test_the_same_noise_is_the_same_run() -> None:
    async def story(radio: Radio) -> list[Passage]:
        _, _, poller = await meet(radio, Card())
        for _ in range(5):
            await poller.transceive(READ)
        return list(radio.field.log)

    first, second = (play(story, [Noise(3, corrupt=0.05)]) for _ in range(2))
    assert first == second
    assert any(passage.fate == "garbled" for passage in first)


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
        assert 600_000 <= radio.time.now_us() - begun_us < 640_000
        assert side.pn532.quiet
        assert side.chip.answers(False) is None

    play(story)


# Chip and wires


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


def test_no_chip_is_a_fault_in_time() -> None:
    async def story(radio: Radio) -> int:
        side = radio.side("card")
        side.line.far.on_receive(lambda *_: None)
        with pytest.raises(Timeout, match="no ACK"):
            await side.pn532.setup()
        return radio.time.now_us()

    assert play(story) < 200_000


class Wires:
    """Stands between chip and line and spoils the n-th frame that the chip sends."""

    def __init__(self, side: Side, nth: int, spoil: Callable[[bytes], bytes]) -> None:
        self.left = nth
        self._send = side.line.far.send
        self._spoil = spoil
        side.chip.on_output(self.output)

    def output(self, chunk: bytes) -> None:
        self.left -= 1
        self._send(self._spoil(chunk) if self.left == 0 else chunk)


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
def test_a_spoiled_frame_of_the_chip_is_asked_for_again(spoil: str, nth: int) -> None:
    """ACK and response of two commands in turn; a whole response that is lost is a Timeout."""

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
    lost = spoil == "lost" and nth in (2, 4)
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
