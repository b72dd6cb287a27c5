# SPDX-License-Identifier: Apache-2.0
"""A UF2 on the boot drive of a virtual RP2040: bit for bit in its flash, and again after any
break."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from duotap_host.flash import boot_drive, image, rp2040, uf2
from duotap_host.flash.failures import FlashFailed, NotUsable
from duotap_host.virtual.boot_drive import BootDrive
from host.plugged_in import looked_at
from upy.stand_in import interpreter

SEED = 2040
CUTS = 40


def nobody(_what: str, _done: int, _whole: int) -> None: ...


def holds(drive: BootDrive, content: bytes) -> bool:
    pages = uf2.decode(content).items()
    return all(drive.flash[at : at + len(page)] == page for at, page in pages)


def small(noise: random.Random) -> bytes:
    return uf2.encode({at: noise.randbytes(256) for at in range(0xA0000, 0xB0000, 256)})


def test_flash_holds_both_after_one_file(tmp_path: Path) -> None:
    firmware = image.firmware(image.THUMB, "CARD_RP2040")
    content = rp2040.combined(rp2040.interpreter(interpreter()), firmware)
    drive = BootDrive(tmp_path / "RPI-RP2")
    drive.flash[:] = b"\x55" * len(drive.flash)
    drive.plug_in()
    steps: list[int] = []
    with looked_at(drive):
        boot_drive.write(content, drive.folder, lambda _what, done, _whole: steps.append(done))
    assert holds(drive, content)
    assert (drive.restarts, drive.is_there) == (1, False)
    assert drive.flash[0xA0000:] == image.stock_image(firmware, rp2040.RP2040)
    assert steps == sorted(steps)
    assert steps[-1] == len(content)


def test_unplugged_at_any_byte_a_second_run_ends_it(tmp_path: Path) -> None:
    print(f"\nseed {SEED}")
    noise = random.Random(SEED)
    content = small(noise)
    told = due = 0
    for _ in range(CUTS):
        drive = BootDrive(tmp_path / "RPI-RP2")
        cut = noise.randrange(len(content))
        drive.plug_in(cut)
        try:
            boot_drive.write(content, drive.folder, looking(drive))
        except FlashFailed:
            told += 1
        # In the last piece it looks like a restart, unless the system tells of it; the board that
        # does not start afterwards says it, and the same command helps.
        due += cut < len(content) - boot_drive.PIECE_BYTES
        assert not holds(drive, content)
        drive.plug_in()
        boot_drive.write(content, drive.folder, looking(drive))
        assert holds(drive, content)
    print(f"{CUTS} times unplugged within {len(content)} bytes, {told} told, all converged")
    assert told == due > CUTS // 2


def looking(drive: BootDrive) -> boot_drive.Progress:
    """The chip takes each piece as it is written."""
    return lambda _what, _done, _whole: drive.look()


def test_blocks_in_another_order_and_of_another_chip(tmp_path: Path) -> None:
    noise = random.Random(SEED)
    content = small(noise)
    blocks = [content[at : at + 512] for at in range(0, len(content), 512)]
    noise.shuffle(blocks)
    other = blocks[0][:28] + b"\x57" + blocks[0][29:]
    drive = BootDrive(tmp_path / "RPI-RP2")
    drive.plug_in()
    (drive.folder / "x.uf2").write_bytes(other + b"".join(blocks))
    drive.look()
    assert holds(drive, content)
    assert drive.restarts == 1


def test_a_file_that_is_no_uf2_changes_nothing(tmp_path: Path) -> None:
    drive = BootDrive(tmp_path / "RPI-RP2")
    before = bytes(drive.flash)
    drive.plug_in()
    (drive.folder / "photo.jpg").write_bytes(random.Random(SEED).randbytes(8192))
    drive.look()
    assert drive.flash == before
    assert drive.is_there


def test_only_the_drive_of_an_rp2040_is_written(tmp_path: Path) -> None:
    with pytest.raises(NotUsable, match="not the drive"):
        boot_drive.write(b"", tmp_path, nobody)
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nBoard-ID: SAMD51-X\n")
    with pytest.raises(NotUsable, match="not the drive"):
        boot_drive.write(b"", tmp_path, nobody)
    assert list(tmp_path.iterdir()) == [tmp_path / "INFO_UF2.TXT"]


def test_the_one_drive_is_found(tmp_path: Path) -> None:
    with pytest.raises(NotUsable, match="hold BOOTSEL"):
        boot_drive.find([tmp_path])
    one = BootDrive(tmp_path / "somebody" / "RPI-RP2")
    one.plug_in()
    assert boot_drive.find([tmp_path]) == one.folder
    BootDrive(tmp_path / "RPI-RP21").plug_in()
    with pytest.raises(NotUsable, match="several"):
        boot_drive.find([tmp_path])
