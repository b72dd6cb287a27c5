# SPDX-License-Identifier: Apache-2.0
"""The same sale twice, in process and on modelled time: to a card that the stand has never met
(cold), and to one that it has (warm).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from duet.cable_town import issuer
from duotap_host.demo import story as stories
from duotap_host.demo.office import Office
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.story import SALE, Story
from duotap_host.demo.telling import Nobody, Telling
from duotap_host.virtual.board import HSU
from duotap_host.virtual.costs import Costs
from duotap_host.virtual.local import board_file
from duotap_host.virtual.timesheet import TapTime

SEED = b"tap time"


@contextmanager
def radio_at(baudrate: int) -> Iterator[None]:
    """Both boards' radio chips are set up for this speed instead of the board's own."""
    board = board_file()
    before = board.RADIO_BAUDRATE
    board.RADIO_BAUDRATE = baudrate
    try:
        yield
    finally:
        board.RADIO_BAUDRATE = before


def two_sales(
    costs: Costs, baudrate: int, bus: str = HSU, element: bool = False
) -> Sequence[TapTime]:
    """Cold and warm: both boards have these costs, or an ATECC608 each, which takes its own time;
    both chips this bus, and HSU this speed."""

    class Stage(LocalStage):
        pass

    Stage.costs, Stage.bus, Stage.element = costs, bus, element

    async def main(folder: Path) -> Sequence[TapTime]:
        stage = Stage(SEED)
        office = Office(folder, SEED, issuer())
        story = Story(stage, office, Telling(folder / "screens", Nobody()), seed=1)
        try:
            story.telling.chapter("two sales")
            for chapter in (stories.opening, stories.provisioning, stories.loading):
                await chapter(story)
            for _ in range(2):
                await story.sale(stories.A, SALE)
            for device in stage.devices.values():
                assert bus != HSU or device.board.line.device.baudrate == baudrate
            return stage.taps(0)
        finally:
            await stage.close()
            office.close()

    with TemporaryDirectory() as folder, radio_at(baudrate):
        return Stage.run(main(Path(folder)))
