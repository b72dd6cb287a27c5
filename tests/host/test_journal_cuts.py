# SPDX-License-Identifier: Apache-2.0
"""A scripted history of a journal, cut at every operation of its flash in every way we know.

Each operation is torn on a copy of the flash as it was, which is what a cut leaves: RAM is gone.
"""

from __future__ import annotations

import pytest
from duotap.errors import Refusal
from duotap_host.virtual.nor import PAGE, SECTOR, Mix, PowerCut, Prefix, Tear
from host.journal_history import MOMENTS, Moment
from host.journal_model import Device, body

PAGE_TEARS: tuple[Tear, ...] = (
    Prefix(0),
    Prefix(0, bits=0x3C),
    Prefix(1),
    Prefix(3, bits=0x0F),
    Prefix(57, bits=0xF0),
    Prefix(128),
    Prefix(PAGE),
    Mix(1),
    Mix(2),
)
ERASE_TEARS: tuple[Tear, ...] = (
    Prefix(0),
    Prefix(1),
    Prefix(PAGE),
    Prefix(2000, bits=0x55),
    Prefix(SECTOR),
    *(Mix(seed) for seed in range(6)),
)
SECOND_TEARS: tuple[Tear, ...] = (Prefix(2, bits=0x11), Mix(3))


def go_on(device: Device, seed: int) -> None:
    """What a device does after a boot: a record at once if there is room, idle work, records."""
    for pages in (1, 3):
        content = body(pages, seed + pages)
        if device.fits(content):
            device.append(20, content)
        else:
            with pytest.raises(Refusal, match="no erased sector"):
                device.append(20, content)
        device.erase_ahead()
        assert device.journal.pages_ready() == device.journal.pages_free()


def test_the_history_has_every_kind_of_operation() -> None:
    erases = sum(moment.erases() for moment in MOMENTS)
    last = MOMENTS[-1].model
    print(f"{len(MOMENTS)} operations, {erases} of them erases, {len(last.records)} records")
    assert len(MOMENTS) > 300
    assert erases > 10
    assert len({len(content) for _, _, content in last.records}) >= 16
    assert sum(kind == 127 for kind, _, _ in last.records) >= 3


def test_every_operation_torn_in_every_way() -> None:
    points = 0
    for moment in MOMENTS:
        for tear in ERASE_TEARS if moment.erases() else PAGE_TEARS:
            device = moment.torn(tear)
            device.boot()
            go_on(device, points)
            device.boot()
            points += 1
    print(f"{points} cuts of {len(MOMENTS)} operations")
    assert points > 2500


def _fill(device: Device, seed: int) -> int:
    """Fill all that is ready; returns how many sectors."""
    filled = 0
    while device.fits(body(16, seed)):
        device.append(20, body(16, seed))
        filled += 1
    return filled


@pytest.mark.parametrize("idle_first", [False, True])
def test_no_sector_is_used_whose_erase_was_cut(idle_first: bool) -> None:
    """Neither at once after the boot nor after idle work; `check` counts violations."""
    points = filled = 0
    for moment in MOMENTS:
        for tear in ERASE_TEARS if moment.erases() else ():
            device = moment.torn(tear)
            device.boot()
            if idle_first:
                device.erase_ahead()
            filled += _fill(device, points)
            device.boot()
            points += 1
    print(f"{points} cut erases, {filled} sectors filled after them")
    assert points > 200
    assert filled > 150


def _second_cuts(moment: Moment, tear: Tear) -> int:
    """Cut again at each operation of the boot and of what follows it."""
    points = 0
    while True:
        device = moment.torn(tear)
        device.nor.plan_cut(points // len(SECOND_TEARS), SECOND_TEARS[points % len(SECOND_TEARS)])
        try:
            device.boot()
            go_on(device, points)
            return points
        except PowerCut:
            device.nor.power_on()
        device = Device(device.nor, device.model)
        device.boot()
        device.erase_ahead()
        content = body(1, points)
        if device.journal.pages_free():
            device.append(21, content)
        device.boot()
        points += 1


@pytest.mark.parametrize("tear", [Prefix(1), Prefix(128), Mix(4)], ids=str)
def test_a_second_cut_after_the_first(tear: Tear) -> None:
    points = sum(_second_cuts(moment, tear) for moment in MOMENTS)
    print(f"{points} second cuts after {len(MOMENTS)} first ones ({tear})")
    assert points > 3000
