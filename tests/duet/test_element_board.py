# SPDX-License-Identifier: Apache-2.0
"""Whole boards with an ATECC608: provisioned and selling, cut inside the element, set back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from duotap_host.demo import story as stories
from duotap_host.demo.office import Office
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.story import SALE, Story
from duotap_host.demo.telling import Nobody, Telling
from duotap_host.virtual.costs import FREE
from duotap_host.virtual.nor import Mix

from duet.cable_town import issuer

SEED = b"element"
BOOT_S = 5  # five boots with their element: presses before that are missed


class Stage(LocalStage):
    costs = FREE
    element = True


def play(folder: Path, tell: object) -> None:
    async def main() -> None:
        stage = Stage(SEED)
        office = Office(folder, SEED, issuer())
        story = Story(stage, office, Telling(folder / "screens", Nobody()), seed=1)
        try:
            story.telling.chapter("boards with an element")
            for chapter in (stories.opening, stories.provisioning, stories.loading):
                await chapter(story)
            await tell(story)  # type: ignore[operator]  # a coroutine function of one story
        finally:
            await stage.close()
            office.close()

    Stage.run(main())


def test_an_older_image_is_quarantined_and_the_newest_taken_back(tmp_path: Path) -> None:
    async def tell(story: Story) -> None:
        card = story.stage.devices[stories.A]
        loaded = card.journal_bytes()
        await story.sale(stories.A, SALE)
        newest = card.journal_bytes()
        for image, text in ((loaded, "quarantined"), (newest, ""), (loaded, "quarantined")):
            card.cut()
            card.board.journal.burn(image)
            await card.boot()
            if text:
                await card.shows(text)
        card.cut()
        card.board.journal.burn(newest)
        await card.boot()
        await story.sale(stories.A, SALE)

    play(tmp_path, tell)


def test_a_cut_inside_the_element_is_made_up_for(tmp_path: Path) -> None:
    async def tell(story: Story) -> None:
        card = story.stage.devices[stories.A]
        element = card.board.element
        assert element is not None
        await story.sale(stories.A, SALE)
        card.cut()
        for seed in range(4):
            await card.boot()
            # The boot writes the last mark again: the power goes in the middle of that.
            element.eeprom.plan_cut(0, Mix(seed))
            await card.ended.wait()
            assert not card.board.powered
        await card.boot()
        await asyncio.sleep(BOOT_S)
        await story.sale(stories.A, SALE)

    play(tmp_path, tell)
