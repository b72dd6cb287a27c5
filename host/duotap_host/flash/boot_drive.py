# SPDX-License-Identifier: Apache-2.0
"""Writes a UF2 on the drive of an RP2040 in BOOTSEL mode.

It can end in three ways: the drive vanishes after the last byte (the chip has restarted with it),
it vanishes before (FlashFailed; the same again is safe), or it stays, which is no boot drive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from duotap_host.flash.failures import FlashFailed, NotUsable

INFO = "INFO_UF2.TXT"
BOARD_ID = "RPI-RP2"
PIECE_BYTES = 32 * 1024
RESTART_S = 10.0  # the chip takes 2 s after the last byte, a slow host its time to notice
LOOK_S = 0.1
# Where desktops mount a drive that was plugged in.
ROOTS = (Path("/media"), Path("/run/media"), Path("/Volumes"))
NAME = "duotap.uf2"

Progress = Callable[[str, int, int], object]


def find(roots: Iterable[Path] = ROOTS) -> Path:
    """The one boot drive that is mounted. Raises NotUsable."""
    found = [
        info.parent
        for root in roots
        for depth in ("*", "*/*")
        for info in root.glob(f"{depth}/{INFO}")
        if _is_ours(info)
    ]
    if len(found) != 1:
        raise NotUsable(
            "several boards are in BOOTSEL mode: name the drive"
            if found
            else "no board is in BOOTSEL mode: hold BOOTSEL and plug it in"
        )
    return found[0]


def check(drive: Path) -> None:
    """Raises NotUsable unless this is the drive of an RP2040."""
    if not _is_ours(drive / INFO):
        raise NotUsable(f"{drive} is not the drive of an RP2040 in BOOTSEL mode")


def write(content: bytes, drive: Path, progress: Progress) -> None:
    """Write a UF2 and wait until the chip has restarted with it. Raises FlashFailed, NotUsable."""
    check(drive)
    done = 0
    try:
        with (drive / NAME).open("wb", buffering=0) as file:
            while done < len(content):
                done += file.write(content[done : done + PIECE_BYTES])
                progress("UF2", done, len(content))
                os.fsync(file.fileno())
                if done < len(content) and not (drive / INFO).exists():
                    break
    except OSError:
        pass  # the drive is gone: whether too early is told below
    if done < len(content):
        raise FlashFailed("the drive was gone before all was written: do the same again")
    ends = time.monotonic() + RESTART_S
    while (drive / INFO).exists():
        if time.monotonic() > ends:
            raise FlashFailed("the board did not restart: unplug it and do the same again")
        time.sleep(LOOK_S)


def _is_ours(info: Path) -> bool:
    try:
        return f"Board-ID: {BOARD_ID}" in info.read_text("ascii", "replace")
    except OSError:
        return False
