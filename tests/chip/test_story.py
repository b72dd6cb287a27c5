# SPDX-License-Identifier: Apache-2.0
"""The whole story with a card that is an RP2040 with the stock interpreter: provisioned, loaded, a
sale, a payment to another card, torn taps, deposits, closed books."""

from __future__ import annotations

from pathlib import Path

from duet.cable_town import issuer
from duotap_host.demo.playing import play
from duotap_host.demo.story import CHAPTERS, A
from duotap_host.demo.telling import Nobody

from chip.stage import ChipStage

SEED = 20


class CardStage(ChipStage):
    chips = (A,)


def test_the_whole_story(tmp_path: Path) -> None:
    played = play(CardStage, tmp_path, SEED, Nobody(), issuer(), CHAPTERS)
    assert len(played.checks) > 20
    assert all(check.holds for check in played.checks)
    assert len(played.journals[A]) > 0
