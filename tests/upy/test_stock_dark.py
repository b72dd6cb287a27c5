# SPDX-License-Identifier: Apache-2.0
"""A stock card whose screen is broken comes up all the same, is provisioned, loaded, and pays up
to its ceiling; the stand's screen tells."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from duet.cable_town import issuer
from duotap_host.demo import story as stories
from duotap_host.demo.playing import play
from duotap_host.demo.story import STAND
from duotap_host.demo.telling import Nobody
from duotap_host.device.client import Client
from duotap_host.device.errors import DeviceError
from duotap_host.virtual.device import VirtualDevice
from port.parts import CARD
from upy.stock import FIRST_BOOT_S, StockStage

SEED = 21
LOOK_S = 1.0  # how long a person waits who is told nothing


class DarkStage(StockStage):
    """Cards have no panel on their bus."""

    async def first_boot(self, device: VirtualDevice) -> None:
        if device.board.kind != CARD:
            await super().first_boot(device)
            return
        device.board.i2c_write = lambda _address, _transfer: False  # type: ignore[method-assign]  # one board only
        await device.boot()
        async with asyncio.timeout(FIRST_BOOT_S):
            while True:
                try:
                    await Client(device.console).connect()
                    return
                except DeviceError:
                    await asyncio.sleep(LOOK_S)

    async def shows(self, name: str, *texts: str) -> None:
        if self.devices[name].board.kind == CARD:
            await asyncio.sleep(LOOK_S)
            assert self.lines(name) == ()
        else:
            await super().shows(name, *texts)


CHAPTERS = (
    ("open", stories.opening),
    ("provision", stories.provisioning),
    ("load", stories.loading),
    ("sell", stories.offline_sale),
)


@pytest.mark.long
def test_a_sale_with_a_card_without_a_screen(tmp_path: Path) -> None:
    played = play(DarkStage, tmp_path, SEED, Nobody(), issuer(), CHAPTERS)
    assert all(check.holds for check in played.checks)
    assert STAND in played.owners.values()
