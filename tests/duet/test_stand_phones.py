# SPDX-License-Identifier: Apache-2.0
"""One stand for cards and phones: whichever comes is served, without a switch.

The phone is a reader of Type 4 Tags as Android was seen to be one: it looks every 0.3 to 0.5 s
and switches its field off in between. Shipped firmware in process, modelled time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from drivers.pn532_hsu import Hsu
from duotap.errors import Fault
from duotap.type4 import uri_record
from duotap_host.demo import story as stories
from duotap_host.demo.office import Office
from duotap_host.demo.stage import Stage
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.story import STAND, A, B, Story
from duotap_host.demo.telling import Nobody, Telling
from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_hsu import HsuPort
from duotap_host.virtual.uart import UartLine
from whole_pn532 import WholePn532

from duet.cable_town import issuer

LINK = b"https://pay.example/s/17"
SEED = b"phones"
AMOUNT = 700
BOOT_S = 2  # what a board has modelled to compute at boot, while it sees no key
OK = b"\x90\x00"
APPLICATION = bytes.fromhex("00a4040007d276000085010100")
NDEF_FILE = bytes.fromhex("00a4000c02e104")


class Phone:
    """Looks for tags; `read` are the messages it has read, with the time of each in us."""

    def __init__(self, stage: Stage, seed: int) -> None:
        time = stage.timeline
        self.stage, self.rng = stage, random.Random(seed)
        self.clock = VirtualClock(time)
        self.chip = VirtualPn532(time, stage.field, f"phone {seed}", seed=seed)
        line, port = UartLine(time, self.clock), HsuPort(self.chip)
        line.far.on_receive(port.feed)
        port.on_output(line.far.send)
        port.on_baudrate(line.far.set_baudrate)
        self.pn532 = WholePn532(Hsu(line.device, self.clock, 921_600), self.clock)
        self.read: list[tuple[int, bytes]] = []

    async def look(self) -> None:
        """For ever, once it is held there."""
        await self.pn532.setup()
        while True:
            await self.clock.sleep_ms(self.rng.randrange(300, 500))
            try:
                if await self.pn532.list_passive(1):
                    self.read.append((self.stage.timeline.now_us(), await self._message()))
            except (Fault, AssertionError):
                pass  # the stand's slice is over: the next look finds it
            await self.pn532.release()

    async def _message(self) -> bytes:
        for select in (APPLICATION, NDEF_FILE):
            assert await self.pn532.exchange(select) == OK
        length = await self.pn532.exchange(bytes.fromhex("00b0000002"))
        return (await self.pn532.exchange(bytes((0, 0xB0, 0, 2, length[1]))))[:-2]


Scene = Callable[[Story, Stage], Coroutine[Any, Any, None]]


def play(scene: Scene, folder: Path) -> None:
    """Two provisioned cards, one of them loaded, and a stand that has a link to show."""

    async def main() -> None:
        stage = LocalStage(SEED)
        office = Office(folder, SEED, issuer())
        story = Story(stage, office, Telling(folder / "screens", Nobody()), seed=1)
        try:
            story.telling.chapter("phones")
            for chapter in (stories.opening, stories.provisioning, stories.loading):
                await chapter(story)
            stand = stage.devices[STAND]
            stand.files.kept["tag.uri"] = LINK  # type: ignore[attr-defined]  # in process it is
            stand.cut()
            await stand.boot()
            await stage.shows(STAND, "type amount")
            await asyncio.sleep(BOOT_S)
            await scene(story, stage)
        finally:
            await stage.close()
            office.close()

    LocalStage.run(main())


def test_a_phone_reads_the_link_of_an_idle_stand(tmp_path: Path) -> None:
    async def scene(story: Story, stage: Stage) -> None:
        for seed in range(5):
            await reads_within(stage, Phone(stage, seed), 1_200)

    play(scene, tmp_path)


def test_while_an_amount_is_asked_for_a_phone_reads_and_a_card_pays(tmp_path: Path) -> None:
    async def scene(story: Story, stage: Stage) -> None:
        for seed in range(4):
            await story.enter_at_stand(AMOUNT)
            await reads_within(stage, Phone(stage, seed), 4_000)
            await story.arm(A)
            began_us = stage.touch(STAND, A)
            await story.paid(STAND, A, AMOUNT, began_us)
            taps = stage.taps(began_us)
            first_contact_us = taps[0].begin_us - began_us
            print("first contact of a card after", first_contact_us, "us")
            assert first_contact_us < 800_000  # one turn of looking and being found
            stage.part()

    play(scene, tmp_path)


def test_two_cards_at_once_are_refused_and_one_of_them_then_pays(tmp_path: Path) -> None:
    async def scene(story: Story, stage: Stage) -> None:
        await story.enter_at_stand(AMOUNT)
        for name in (A, B):
            await story.arm(name)
        stage.touch(STAND, A, B)
        await stage.shows(STAND, "two cards", "one at a time")
        began_us = stage.touch(STAND, A)
        await story.paid(STAND, A, AMOUNT, began_us)

    play(scene, tmp_path)


def test_a_card_of_others_ends_no_sale(tmp_path: Path) -> None:
    async def scene(story: Story, stage: Stage) -> None:
        wallet = Phone(stage, 9)
        await wallet.pn532.setup()
        await story.enter_at_stand(AMOUNT)
        stage.touch(STAND)
        stage.field.enter(wallet.chip)
        session = asyncio.create_task(listens(wallet))
        await stage.shows(STAND, "not one of")
        session.cancel()
        stage.field.leave(wallet.chip)
        await story.arm(A)
        began_us = stage.touch(STAND, A)
        await story.paid(STAND, A, AMOUNT, began_us)

    play(scene, tmp_path)


async def listens(wallet: Phone) -> None:
    """A phone that emulates a card of somebody else."""
    while True:
        await wallet.pn532.listen()
        try:
            while await wallet.pn532.get_apdu():
                await wallet.pn532.put_apdu(b"\x6a\x82")
        except Fault:
            pass


async def reads_within(stage: Stage, phone: Phone, ms: int) -> None:
    """Held to the stand it reads the link in that time, and again and again."""
    stage.touch(STAND)
    stage.field.enter(phone.chip)
    began_us = stage.timeline.now_us()
    looking = asyncio.create_task(phone.look())
    await stage.until(lambda: len(phone.read) > 1, "a phone that reads twice")
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    stage.field.leave(phone.chip)
    assert {message for _, message in phone.read} == {uri_record(LINK)}
    print("the phone has read after", phone.read[0][0] - began_us, "us")
    assert phone.read[0][0] - began_us < ms * 1000
