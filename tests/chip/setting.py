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
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest
from duotap_host.flash import image, rp2040, uf2

PLACE = image.ROOT / ".venv-chip"
UF2_NAMED_BY = "DUOTAP_PICO_UF2"
FLASH_BYTES = 2 << 20


class Setting(NamedTuple):
    """Paths: npm's packages, the boot ROM, MicroPython for the chip."""

    packages: Path
    bootrom: Path
    uf2: Path


@lru_cache(maxsize=1)
def setting() -> Setting:
    """Skips the test where something of it is missing."""
    named = os.environ.get(UF2_NAMED_BY, "")
    if not shutil.which("node") or not (PLACE / "setup.stamp").exists():
        pytest.skip("cannot run: there is no emulator of the chip (make test-chip installs it)")
    if not named or not Path(named).is_file():
        pytest.skip(f"cannot run: {UF2_NAMED_BY} names no UF2 of MicroPython for the RPI_PICO")
    return Setting(PLACE, PLACE / "bootrom.bin", Path(named))


def flashed(firmware: image.Firmware) -> bytes:
    """The chip's flash after the UF2 of this firmware and the user's MicroPython."""
    base = rp2040.interpreter(setting().uf2.read_bytes())
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
