# SPDX-License-Identifier: Apache-2.0
"""A scripted history of a journal, and the flash before each of its operations.

It goes more than twice around a ring of six sectors: records of 1 to 16 pages, hand-overs, base
runs, prunes, erases in idle.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from duotap_host.virtual.nor import SECTOR, PowerCut, Tear, VirtualNor
from host.journal_model import Device, Model, body

BLOCKS = 6


class Moment(NamedTuple):
    """The flash and the model before an operation, and what it was to leave there."""

    content: bytes
    model: Model
    at: int
    new: bytes

    def torn(self, tear: Tear) -> Device:
        """A device that finds the flash as the torn operation left it."""
        nor = VirtualNor(BLOCKS)
        nor.restore(self.content)
        nor.plan_cut(0, tear)
        with pytest.raises(PowerCut):
            self._do(nor)
        nor.power_on()
        return Device(nor, self.model.copy())

    def erases(self) -> bool:
        return len(self.new) == SECTOR

    def _do(self, nor: VirtualNor) -> None:
        sector, offset = divmod(self.at, SECTOR)
        if self.erases():
            nor.ioctl(6, sector)
        else:
            nor.writeblocks(sector, self.new, offset)


class TapedNor(VirtualNor):
    """A chip that notes each operation before it is done."""

    def __init__(self) -> None:
        super().__init__(BLOCKS)
        self.moments: list[Moment] = []
        self.device: Device | None = None

    def _do(self, at: int, old: bytes, new: bytes, busy_us: int) -> None:
        assert self.device is not None
        model = self.device.model.copy()
        self.moments.append(Moment(self.snapshot(), model, at, new))
        super()._do(at, old, new, busy_us)


def history(device: Device) -> None:
    """Records of all sizes; before a record that does not fit, a checkpoint in small."""
    device.boot()
    device.erase_ahead()
    for round_, pages in enumerate([*range(1, 17), 1, 3, 1, 3, *range(16, 0, -1)]):
        content = body(pages, round_)
        if not device.fits(content):
            device.erase_ahead()
        if not device.journal.room_for([len(content), 950, 950, 0]):
            base = device.append_run(5, [body(2, round_), body(4, round_), b"end"])
            device.prune(base - 1)
            device.erase_ahead()
        device.append(1 + pages, content)
    device.append_run(7, [body(1, i) for i in range(6)])


def tape() -> list[Moment]:
    nor = TapedNor()
    nor.device = Device(nor)
    history(nor.device)
    assert nor.device.journal.wear() >= (1, 2)
    return nor.moments


MOMENTS = tape()
