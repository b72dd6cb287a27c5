# SPDX-License-Identifier: Apache-2.0
"""Card and stand, both an RP2040 with the stock interpreter: a sale from the shelf to the ledger,
and what their heaps have left at each stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duet.cable_town import issuer
from duotap_host.demo import story as stories
from duotap_host.demo.playing import play
from duotap_host.demo.story import STAND, A, Story
from duotap_host.demo.telling import Nobody
from duotap_host.flash import image
from upy.test_demo import CHAPTERS

from chip import heap
from chip.figures import keep
from chip.pico import PicoDevice
from chip.stage import ChipStage

SEED = 21
# What a tap and its garbage need besides; the least that was seen is 97 KiB.
FREE_MIN = 64 * 1024


class HeapStage(ChipStage):
    chips = (A, STAND)

    def firmware(self, kind: str) -> image.Firmware:
        return heap.watched(super().firmware(kind))


def test_a_sale_between_two_chips(tmp_path: Path) -> None:
    seen: dict[tuple[str, str], tuple[int, int]] = {}
    sizes: dict[str, int] = {}
    taps: set[int] = set()

    def looked_at(title: str, chapter: Any) -> Any:
        async def chapter_and_look(story: Story) -> None:
            await chapter(story)
            taps.update(tap.total_us for tap in story.stage.taps(0) if tap.done)
            for name in HeapStage.chips:
                device = story.stage.devices.get(name)
                if isinstance(device, PicoDevice):
                    sizes[name] = heap.size(device)
                    seen[title, name] = await heap.free(device)
                    assert device.overruns == 0

        return title, chapter_and_look

    chapters = tuple(looked_at(*chapter) for chapter in CHAPTERS)
    played = play(HeapStage, tmp_path, SEED, Nobody(), issuer(), chapters)
    assert all(check.holds for check in played.checks)
    told = [f"heap of {name}: {sizes[name]} bytes" for name in sizes]
    for (title, name), (free, largest) in seen.items():
        told.append(f"after {title}: {name} {free} free, in one piece {largest >> 10} KiB")
    told += [f"a tap: {us // 1000} ms" for us in sorted(taps)]
    keep("heap", told)
    assert len(taps) == 1
    assert {name for _, name in seen} == set(HeapStage.chips)
    assert min(free for free, _ in seen.values()) >= FREE_MIN
    assert stories.A in played.owners.values()
