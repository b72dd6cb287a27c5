# SPDX-License-Identifier: Apache-2.0
"""The beginning of the main story on real MicroPython, each device a process, and the same in
process: the journals are the same bytes."""

from __future__ import annotations

from pathlib import Path

from duet.cable_town import issuer
from duotap_host.demo import story as stories
from duotap_host.demo.playing import differences, play
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.stage_unix import UnixStage
from duotap_host.demo.story import DEVICES, LOADED, SALE, STAND, A, Story
from duotap_host.demo.telling import Nobody
from duotap_host.ledger import codes

SEED = 66


async def deposits(story: Story) -> None:
    """Both sides of the sale come back once."""
    for name in (A, STAND):
        await story.deposit(name)
    story.reconcile()
    story.check_account(codes.merchant(stories.MERCHANT), SALE)
    story.check_account(story.purse(A), LOADED - SALE)
    story.check_account(codes.UNDER_WAY, 0)
    for name in DEVICES:
        story.keep_journal(name)


CHAPTERS = (
    ("open", stories.opening),
    ("provision", stories.provisioning),
    ("load", stories.loading),
    ("sell", stories.offline_sale),
    ("deposit", deposits),
)


def test_a_sale_from_the_shelf_to_the_ledger(tmp_path: Path) -> None:
    told = [
        play(stage, tmp_path / stage.form, SEED, Nobody(), issuer(), CHAPTERS)
        for stage in (UnixStage, LocalStage)
    ]
    assert all(check.holds for each in told for check in each.checks)
    assert differences(*told) == []
    assert [len(entries) for entries in told[0].journals.values()] == [
        len(entries) for entries in told[1].journals.values()
    ]
