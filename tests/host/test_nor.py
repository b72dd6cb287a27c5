# SPDX-License-Identifier: Apache-2.0
"""The virtual NOR chip does what a chip does, and what a cut does to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from duotap_host.virtual.nor import (
    ERASE_US,
    PAGE,
    PAGE_US,
    SECTOR,
    Mix,
    PowerCut,
    Prefix,
    VirtualNor,
)


def content(nor: VirtualNor, block: int = 0, size: int = PAGE, off: int = 0) -> bytes:
    buffer = bytearray(size)
    nor.readblocks(block, buffer, off)
    return bytes(buffer)


def test_a_block_device_of_sectors() -> None:
    nor = VirtualNor(3)
    assert (nor.ioctl(4, 0), nor.ioctl(5, 0)) == (3, SECTOR)
    nor.writeblocks(1, b"ab", 2 * PAGE)
    assert content(nor, 1, 4, 2 * PAGE) == b"ab\xff\xff"
    assert nor.snapshot().count(0xFF) == 3 * SECTOR - 2
    for block, size, off in ((3, 1, 0), (2, 1, SECTOR), (0, 1, -1), (-1, 1, 0)):
        with pytest.raises(ValueError, match="outside"):
            nor.readblocks(block, bytearray(size), off)


def test_programming_only_clears_bits() -> None:
    nor = VirtualNor(1)
    nor.writeblocks(0, b"\xf0\x0f\xff", 0)
    nor.writeblocks(0, b"\x30\xff\x55", 0)
    assert content(nor, size=3) == b"\x30\x0f\x55"
    assert nor.violations == 0


def test_what_cannot_be_stored_is_a_violation() -> None:
    nor = VirtualNor(1)
    nor.writeblocks(0, b"\xf0\xf0\xf0", 0)
    nor.writeblocks(0, b"\x0f\x80\xff", 0)
    assert content(nor, size=3) == b"\x00\x80\xf0"
    assert nor.violations == 1


def test_erase_sets_all_and_wears() -> None:
    nor = VirtualNor(2)
    nor.writeblocks(1, bytes(PAGE), 0)
    nor.ioctl(6, 1)
    nor.ioctl(6, 1)
    assert content(nor, 1) == b"\xff" * PAGE
    assert nor.wear == [0, 2]


def test_without_an_offset_it_erases_first() -> None:
    nor = VirtualNor(2)
    nor.writeblocks(0, bytes(PAGE), 0)
    nor.writeblocks(0, b"\x55" * SECTOR)
    assert content(nor, size=SECTOR) == b"\x55" * SECTOR
    assert (nor.wear, nor.violations) == ([1, 0], 0)


def test_operations_take_time() -> None:
    spans: list[int] = []
    nor = VirtualNor(1, spans.append)
    nor.writeblocks(0, bytes(PAGE + 1), PAGE - 1)
    nor.ioctl(6, 0)
    content(nor)
    assert spans == [PAGE_US, PAGE_US, ERASE_US]
    assert nor.operations == 3


def test_a_page_is_torn_after_so_many_bytes() -> None:
    nor = VirtualNor(1)
    nor.plan_cut(1, Prefix(2, bits=0xF0))
    nor.writeblocks(0, b"\x00", 0)
    with pytest.raises(PowerCut):
        nor.writeblocks(0, bytes(4), PAGE)
    nor.power_on()
    assert content(nor, size=4, off=PAGE) == b"\x00\x00\x0f\xff"
    nor.writeblocks(0, b"\x00", 4)
    assert content(nor, size=5)[4] == 0


def test_a_page_is_torn_at_random() -> None:
    seen = set()
    for seed in range(20):
        nor = VirtualNor(1)
        nor.plan_cut(0, Mix(seed))
        with pytest.raises(PowerCut):
            nor.writeblocks(0, b"\x5a" * PAGE, 0)
        nor.power_on()
        left = content(nor)
        assert all(byte & 0x5A == 0x5A for byte in left)
        seen.add(left)
    assert len(seen) > 5
    assert {b"\xff" * PAGE, b"\x5a" * PAGE} < seen


def test_an_erase_is_torn() -> None:
    nor = VirtualNor(1)
    nor.writeblocks(0, b"\x5a" * SECTOR, 0)
    image = nor.snapshot()
    nor.plan_cut(0, Prefix(1000))
    with pytest.raises(PowerCut):
        nor.ioctl(6, 0)
    assert nor.snapshot() == b"\xff" * 1000 + image[1000:]
    erased = b"\xff" * SECTOR
    mixes = [Mix(seed).left(image, erased) for seed in range(9)]
    assert mixes == [Mix(seed).left(image, erased) for seed in range(9)]
    assert len(set(mixes)) == 9
    # Bits that were set may read zero: the chip programs a sector before it erases it.
    assert any(byte & 0x5A != 0x5A for mix in mixes for byte in mix)


def test_a_sector_whose_erase_was_cut_is_weak() -> None:
    nor = VirtualNor(2)
    nor.plan_cut(0, Prefix(SECTOR))
    with pytest.raises(PowerCut):
        nor.ioctl(6, 1)
    nor.power_on()
    nor.writeblocks(0, b"\x00", 0)
    assert nor.violations == 0
    nor.writeblocks(1, b"\x00", 0)
    assert nor.violations == 1
    nor.ioctl(6, 1)
    nor.writeblocks(1, b"\x00", 0)
    assert nor.violations == 1


def test_without_power_nothing_works() -> None:
    nor = VirtualNor(1)
    nor.plan_cut(0, Prefix(0))
    for action in (lambda: nor.ioctl(6, 0), lambda: content(nor), lambda: nor.ioctl(6, 0)):
        with pytest.raises(PowerCut):
            action()
    assert not issubclass(PowerCut, Exception)


def test_content_in_a_file(tmp_path: Path) -> None:
    nor = VirtualNor(1)
    nor.writeblocks(0, b"kept", 0)
    nor.save(tmp_path / "flash")
    other = VirtualNor(1)
    other.load(tmp_path / "flash")
    assert other.snapshot() == nor.snapshot()
    with pytest.raises(ValueError, match="another size"):
        VirtualNor(2).load(tmp_path / "flash")
