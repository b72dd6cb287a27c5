# SPDX-License-Identifier: Apache-2.0
"""Two boards at one field when the air fails: tears at any byte, lost and garbled blocks."""

from __future__ import annotations

import pytest
from drivers.pn532_polling import Poller
from drivers.pn532_status import AirFault
from duotap.errors import Fault
from duotap_host.virtual.mishaps import Corrupt, Fate, Lose, Mishap, Noise, Passage, Tear

from duet.radio_pair import BODY, OK, READ, SELECT, Card, Radio, meet, play, recover

pytestmark = pytest.mark.usefixtures("bus")


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


def test_another_carrier_drowns_an_exchange_and_no_more() -> None:
    card = Card()

    async def story(radio: Radio) -> None:
        stand, _, poller = await meet(radio, card)
        other = radio.side("other")
        await other.pn532.setup()
        await poller.transceive(SELECT)
        assert await other.pn532.list_passive() == ()
        with pytest.raises(AirFault):
            await poller.transceive(SELECT)
        await other.pn532.release()
        await recover(radio, stand, card)

    play(story)
