# SPDX-License-Identifier: Apache-2.0
"""A card's radio as readers and its battery see it: armed again at once, a new UID each time, an
answer to everything, and asleep while nobody is there.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from bench.two_sales import two_sales
from drivers.nfc import Radio as Task
from drivers.pn532_polling import Poller
from duotap_host.demo.stage_local import LocalStage
from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.costs import RP2040_PORTABLE
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.mishaps import Passage
from duotap_host.virtual.sleep import AWAKE, LISTENING, POWERED_DOWN, SleepSheet
from duotap_host.virtual.timeline import Timeline

from duet import radio_pair
from duet.radio_pair import HSU, I2C, I2C_IRQ, OK, SELECT, SPI_IRQ, Radio, Side, play

REARMED_US_MAX = 10_000
ALONE_S = 15 * 60


class Owner:
    """A device whose applet answers 9000."""

    has_tag = False

    def __init__(self, side: Side) -> None:
        self.side = side
        self.worked = 0

    def chip(self) -> object:
        return self.side.pn532

    def applet(self) -> Owner:
        return self

    def answer(self, command: bytes) -> bytes:
        return OK

    def idle(self) -> bool:
        """There is always something to erase."""
        if self.worked < 3:
            self.worked += 1
            return True
        return False

    def nothing(self, *_: object) -> None: ...

    begin = work = leave = nothing


def card(radio: Radio) -> tuple[Side, Owner]:
    """A side whose shipped radio task runs."""
    side = radio.side("card")
    owner = Owner(side)
    radio.tasks.append(asyncio.create_task(Task(owner, side.clock).run()))  # type: ignore[arg-type]
    # what a card that never polls does not need is left out
    return side, owner


async def selected(radio: Radio, stand: Side) -> Poller:
    await stand.pn532.setup()
    return await radio.select(stand)


@pytest.mark.usefixtures("bus")
def test_a_released_card_is_armed_again_at_once() -> None:
    """Also when there is idle work: that waits until the reader does not come again."""

    async def story(radio: Radio) -> list[int]:
        stand, (side, owner) = radio.side("stand"), card(radio)
        poller = await selected(radio, stand)
        took_us = []
        for _ in range(4):
            await poller.transceive(SELECT)
            owner.worked = 0
            released = asyncio.create_task(poller.close())
            before = len(radio.field.log)
            while not any(p.kind == "S(DESELECT)" for p in list(radio.field.log)[before:]):
                await asyncio.sleep(0.0005)
            began_us = radio.time.now_us()
            while side.chip.answers(True) is None:
                await asyncio.sleep(0.0001)
            took_us.append(radio.time.now_us() - began_us)
            await released
            poller = await radio.select(stand)
        return took_us

    took_us = play(story)
    print(radio_pair.BUS, "armed again after us", took_us)
    assert max(took_us) < REARMED_US_MAX


@pytest.mark.usefixtures("bus")
def test_every_round_of_a_reader_finds_the_card_with_another_uid() -> None:
    """Phones and terminals look, let go, and come back; some ask nothing in between."""

    async def story(radio: Radio) -> list[bytes]:
        stand, _ = radio.side("stand"), card(radio)
        poller = await selected(radio, stand)
        uids = [poller.target.uid]
        for asks in (0, 0, 1, 0, 3, 0, 1):
            for _ in range(asks):
                assert await poller.transceive(SELECT) == OK
            await poller.close()
            poller = await radio.select(stand, 200)
            uids.append(poller.target.uid)
        return uids

    uids = play(story)
    assert len(set(uids)) == len(uids)
    assert {uid[0] for uid in uids} == {0x08}


def test_what_a_card_does_not_know_it_answers() -> None:
    """The shipped firmware of a new card; a reader that asks for anything gets an answer."""

    async def main() -> list[str]:
        radio = Radio()
        board = VirtualBoard(Timeline(asyncio.get_running_loop()), radio.field)
        device = LocalDevice(board, digest=bytes(32))
        await device.boot()
        board.enter()
        poller = await selected(radio, radio.side("reader"))
        answers = [
            (await poller.transceive(bytes.fromhex(command))).hex()
            for command in (
                "00a4040007d276000085010100",
                "00a404000e325041592e5359532e444446303100",
                "00a4000c02e103",
                "00ca000000",
                "80ff0000",
                "9060000000",
                "ffca000000",
                "00",
            )
        ]
        await device.close()
        return answers

    answers = timeline.run(main())
    assert answers == ["6a82", "6a82", "6a82", "6d00", "6d00", "6d00", "6e00", "6700"]


def test_no_answer_of_a_whole_tap_needs_more_than_one_extension(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the times of a portable RP2040: S(WTX) grants 1.08 s each."""
    log: list[Passage] = []
    close = LocalStage.close

    async def kept(stage: LocalStage) -> None:
        log.extend(stage.field.log)
        await close(stage)

    monkeypatch.setattr(LocalStage, "close", kept)
    assert all(tap.done for tap in two_sales(RP2040_PORTABLE, 115_200))
    answers = [number for number, p in enumerate(log) if p.kind == "I" and not p.downlink]
    asked = [
        sum(p.kind == "S(WTX)" and not p.downlink for p in log[first:last])
        for first, last in pairwise(answers)
    ]
    print("answers", len(asked), "with an extension", sum(asked))
    assert max(asked) == 1


@pytest.mark.parametrize(
    ("bus", "state"),
    [(HSU, LISTENING), (I2C, AWAKE), (I2C_IRQ, POWERED_DOWN), (SPI_IRQ, POWERED_DOWN)],
)
def test_a_card_that_is_alone_sleeps(
    bus: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With IRQ it is powered down until a field comes. On HSU it sleeps while it listens; polled
    over a bus without IRQ it is kept awake."""
    monkeypatch.setattr(radio_pair, "BUS", bus)

    async def story(radio: Radio) -> dict[str, float]:
        stand, (side, _) = radio.side("stand"), card(radio)
        await stand.pn532.setup()
        await asyncio.sleep(1)
        sheet = SleepSheet(side.chip)
        await asyncio.sleep(ALONE_S)
        shares = sheet.shares()
        began_us = radio.time.now_us()
        poller = await radio.select(stand)
        print("found after us", radio.time.now_us() - began_us)
        assert await poller.transceive(SELECT) == OK
        return shares

    shares = play(story)
    print(bus, {name: f"{share:.1%}" for name, share in shares.items()})
    assert shares[state] > 0.95
    assert sum(shares.values()) == pytest.approx(1)
