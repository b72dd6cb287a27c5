# SPDX-License-Identifier: Apache-2.0
"""Card and stand from the UF2 for a stock RP2040: they come up, are loaded and pay."""

from __future__ import annotations

from pathlib import Path

from duet.cable_town import issuer
from duotap_host.demo import story as stories
from duotap_host.demo.playing import play
from duotap_host.demo.telling import Nobody
from upy.stock import StockStage
from upy.test_demo import CHAPTERS

SEED = 20


def test_a_sale_between_stock_boards(tmp_path: Path) -> None:
    played = play(StockStage, tmp_path, SEED, Nobody(), issuer(), CHAPTERS)
    assert all(check.holds for check in played.checks)
    assert [len(played.journals[name]) > 0 for name in stories.DEVICES] == [True] * 3
