# SPDX-License-Identifier: Apache-2.0
"""What the tier needs from outside, and flashes made of it.

`make test-chip` installs emulator and boot ROM. MicroPython for the chip, a download that no
package registry has, is named by DUOTAP_PICO_UF2; it has to be the RPI_PICO one, 1.26 or newer.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from duotap_host.flash import image, rp2040, uf2

PLACE = image.ROOT / ".venv-chip"
UF2_NAMED_BY = "DUOTAP_PICO_UF2"
FLASH_BYTES = 2 << 20


class Setting(NamedTuple):
    """Paths: npm's packages, the boot ROM."""

    packages: Path
    bootrom: Path


def setting() -> Setting:
    """Skips the test where something of it is missing."""
    if not shutil.which("node") or not (PLACE / "setup.stamp").exists():
        pytest.skip("cannot run: there is no emulator of the chip (make test-chip installs it)")
    return Setting(PLACE, PLACE / "bootrom.bin")


def uf2_path() -> Path:
    """MicroPython for the chip; skips the test where the user has named none."""
    named = os.environ.get(UF2_NAMED_BY, "")
    if not named or not Path(named).is_file():
        pytest.skip(f"cannot run: {UF2_NAMED_BY} names no UF2 of MicroPython for the RPI_PICO")
    return Path(named)


def flashed(firmware: image.Firmware) -> bytes:
    """The chip's flash after the UF2 of this firmware and the user's MicroPython."""
    base = rp2040.interpreter(uf2_path().read_bytes())
    flash = bytearray(b"\xff" * FLASH_BYTES)
    for at, page in uf2.decode(rp2040.combined(base, firmware)).items():
        flash[at : at + len(page)] = page
    return bytes(flash)


@contextmanager
def as_file(flash: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flash.bin"
        path.write_bytes(flash)
        yield path
