# SPDX-License-Identifier: Apache-2.0
"""The stage on which some boards have an emulated RP2040; the firmware of the others runs in this
Python. All of them live in one virtual time, that of the chips."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar

from duotap_host.demo.stage import T
from duotap_host.demo.stage_local import LocalStage
from duotap_host.flash import image
from duotap_host.flash.geometry import RP2040
from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.device import VirtualDevice
from upy.stock import board_name

from chip.coupled import CoupledLoop
from chip.pico import PicoDevice
from chip.setting import as_file, flashed

FIRST_BOOT_S = 60.0


def firmware(kind: str) -> image.Firmware:
    """What `duotap flash` puts on a card's or a stand's RP2040."""
    return image.firmware(image.THUMB, board_name(kind))


def pico_board(kind: str, name: str = "", **settings: Any) -> dict[str, Any]:
    """What a virtual board is made with whose flash lies in the emulator."""
    blocks = {"files_blocks": RP2040.files_blocks, "journal_blocks": 1}
    return {"kind": kind, "name": name or kind, **blocks, **settings}


class ChipStage(LocalStage):
    """`chips` are the names of the devices with a chip."""

    form = "emulated RP2040"
    chips: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def run(story: Coroutine[Any, Any, T]) -> T:
        return timeline.run(story, CoupledLoop())  # type: ignore[abstract]  # as in timeline.run

    def firmware(self, kind: str) -> image.Firmware:
        """What a chip is flashed with."""
        return firmware(kind)

    async def add(self, name: str, kind: str) -> VirtualDevice:
        if name not in self.chips:
            return await super().add(name, kind)
        settings = pico_board(kind, name, seed=self._seed)
        board = VirtualBoard(self.timeline, self.field, **settings)
        with as_file(flashed(self.firmware(kind))) as flash:
            device = PicoDevice(board, flash)
            self.devices[name] = device
            self.sheet.watch(board)
            await device.boot()
            await device.shows("new", FIRST_BOOT_S)
        return device
