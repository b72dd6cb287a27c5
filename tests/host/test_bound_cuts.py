# SPDX-License-Identifier: Apache-2.0
"""Power lost inside the write of a mark: every cut, and every way a block may read afterwards.

The data sheets promise nothing of such a block. So it may hold the old bits, the new ones or any
others, and until it is written again each boot may read it differently.
"""

from __future__ import annotations

import pytest
from duotap.errors import Broken
from duotap_host.virtual.atecc608_eeprom import ENDURANCE
from duotap_host.virtual.nor import Mix, PowerCut, Prefix
from host.mark_paths import HASHES, NEW, OLD, OTHER, Device, run
from port import bound


def test_every_cut_and_every_reading_leaves_the_newest_image_and_only_that() -> None:
    count = run(cuts_max=2)
    print(f"{count} ways through two ticks, each with up to 2 cuts in a row")
    assert count == 13**2


@pytest.mark.parametrize("number", range(33 + 64))
def test_whatever_a_cut_leaves_of_the_bits(number: int) -> None:
    """Each prefix of the block, with half a byte at its end, and 64 mixtures."""
    device = Device()
    device.signer.tick(HASHES[1])
    tear = Prefix(number, 0x0F) if number < 33 else Mix(number)
    device.bench.chip.eeprom.plan_cut(0, tear)
    with pytest.raises(PowerCut):
        device.signer.tick(HASHES[2])
    device.bench.power_on()
    assert device.accepts(2)
    for older in (0, 1):
        assert not device.accepts(older)
    assert device.accepts(2)


def test_siblings_of_a_cut_tick_are_not_both_accepted() -> None:
    """Whoever restores the image before the cut forks from it, or finishes the tick: not both."""
    for left in (OLD, NEW, OTHER):
        device = Device()
        device.signer.tick(HASHES[1])
        device.cut_at(left)
        with pytest.raises(PowerCut):
            device.signer.tick(HASHES[2])
        device.bench.power_on()
        if device.accepts(1, pending=False):
            device.signer.tick(HASHES[3])  # another record in the place of the cut one
            assert not device.signer.accepts(2, (HASHES[2], HASHES[1]), True)
            assert device.signer.accepts(2, (HASHES[3], HASHES[1]), True)
        else:
            assert device.accepts(2)


def test_an_image_whose_tick_was_done_wants_its_own_mark() -> None:
    """Records after its last ticking one say that the tick was done: the mark was put back."""
    device = Device()
    device.signer.tick(HASHES[1])
    before = device.slots()
    assert not device.accepts(2, pending=False)
    assert device.slots() == before
    assert device.accepts(2, pending=True)


def many(device: Device) -> None:
    for _ in range(20):
        device.signer.tick(HASHES[2])


def test_both_slots_wear_alike_and_a_worn_one_is_told_at_once() -> None:
    device = Device()
    device.bench.chip.eeprom.wear.update({(slot, 0): 0 for slot in bound.MARKS})
    for _ in range(10):
        device.signer.tick(HASHES[1])
    wear = device.bench.chip.eeprom.wear
    assert [wear[slot, 0] for slot in bound.MARKS] == [5, 5]
    for slot in bound.MARKS:
        wear[slot, 0] = ENDURANCE
    with pytest.raises(Broken, match="does not take"):
        many(device)
    assert device.signer.ticks_left() < bound.TICKS_MAX
