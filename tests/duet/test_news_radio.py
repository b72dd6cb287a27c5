# SPDX-License-Identifier: Apache-2.0
"""Statements travel between two boards by the taps that pay, both ways, and stop no tap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from duotap import commands, messages, records
from duotap.fields import Limits
from duotap_host.demo import journals
from duotap_host.demo import story as stories
from duotap_host.demo.office import Office
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.story import STAND, A, Story
from duotap_host.demo.telling import Nobody, Telling
from duotap_host.device.client import Client
from duotap_host.virtual.mishaps import Mishap, Tear

from duet.cable_town import issuer

T = TypeVar("T")
POLICY_LIMITS = Limits(90_000, 40_000, 90, 190_000, 40_000, 190_000)
EPOCH = 5
PRICE = 1_000


def play(name: str, scene: Callable[[Story], Awaitable[T]]) -> T:
    """A card and a stand that are provisioned, the card loaded; `name` seeds their entropy."""

    async def main(folder: Path) -> T:
        stage = LocalStage(name.encode())
        office = Office(folder, name.encode(), issuer())
        story = Story(stage, office, Telling(folder / "screens", Nobody()), seed=1)
        try:
            story.telling.chapter(name)
            for chapter in (stories.opening, stories.provisioning, stories.loading):
                await chapter(story)
            return await scene(story)
        finally:
            await stage.close()
            office.close()

    with TemporaryDirectory() as folder:
        return LocalStage.run(main(Path(folder)))


async def tell(story: Story, name: str, raw: bytes) -> None:
    client = Client(story.stage.devices[name].console)
    await client.connect()
    await client.put_statement(raw)
    await story.rest(name)


def knows(story: Story, name: str, raw: bytes) -> bool:
    entries = journals.read(story.stage.devices[name].journal_bytes())
    return any(entry.kind == records.STATEMENT and entry.body == raw for entry in entries)


def time_of(story: Story) -> bytes:
    return story.office.issuer.sign_list(messages.Time(EPOCH, 86_400 * EPOCH))


def policy_of(story: Story) -> bytes:
    return story.office.issuer.sign_list(messages.Policy(None, EPOCH, None, POLICY_LIMITS, None))


async def sale(story: Story) -> None:
    """One that ends as sales do, and what follows it has its time."""
    await story.enter_at_stand(PRICE)
    await story.arm(A)
    story.stage.touch(STAND, A)
    await story.stage.shows(STAND, "PAID")
    await story.stage.shows(A, "PAID")


def test_each_tells_the_other_what_it_lacks() -> None:
    async def scene(story: Story) -> None:
        time, policy = time_of(story), policy_of(story)
        await tell(story, A, time)
        await tell(story, STAND, policy)
        await sale(story)
        await story.stage.until(lambda: knows(story, STAND, time), "the stand's news")
        await story.stage.until(lambda: knows(story, A, policy), "the card's news")
        story.stage.part()
        await story.rest(A, STAND)
        before = {name: story.stage.devices[name].journal_bytes() for name in (A, STAND)}
        await sale(story)
        story.stage.part()
        await story.rest(A, STAND)
        for name in (A, STAND):  # what both know is not told again
            new = len(journals.read(story.stage.devices[name].journal_bytes()))
            assert new == len(journals.read(before[name])) + 2  # offer and S, payment and closing

    play("news", scene)


def test_a_card_that_leaves_with_its_receipt_has_paid() -> None:
    """Whatever of the news is torn, the sale stands and the next one tells it."""

    async def scene(story: Story) -> None:
        time, policy = time_of(story), policy_of(story)
        await tell(story, A, time)
        await tell(story, STAND, policy)
        for ins, downlink in (
            (commands.GET_NEWS, True),
            (commands.GET_NEWS, False),
            (commands.PUT_NEWS, True),
        ):
            tear = Mishap(Tear(at_byte=9), kind="I", ins=ins, downlink=downlink)
            story.stage.field.rules.append(tear)
            await sale(story)
            await story.stage.until(lambda tear=tear: tear.happened, "the tear")
            story.stage.part()
            story.stage.field.rules.remove(tear)
            await story.rest(A, STAND)
            assert not knows(story, A, policy)
        await sale(story)
        await story.stage.until(lambda: knows(story, STAND, time), "the stand's news")
        await story.stage.until(lambda: knows(story, A, policy), "the card's news")

    play("torn news", scene)
