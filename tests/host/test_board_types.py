# SPDX-License-Identifier: Apache-2.0
"""Firmware and board files against what the interpreter of each chip brings: a name, an argument
or a result that a board would not have is an error here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from duotap_host.flash.geometry import BOARDS

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(sys.prefix) / "stubs"
CONFIG = ROOT / "tools" / "board_types.ini"
PACKAGES = ("card", "drivers", "duotap", "port", "stand")
PORTS = {"RP2040": "rp2", "ESP32": "esp32"}
PROBES = (
    (
        "import machine\nmachine.UART(0, 115200, tx=machine.Pin(0), rxbuffer=512)\n",
        "call-overload",
    ),
    ("import machine\nmachine.Watchdog()\n", "attr-defined"),
    ("import rp2040_flash\n", "import-not-found"),
    ("import os\nx: str = os.urandom(4)\n", "assignment"),
)


def mypy(board: str, *files: str) -> str:
    """What it says about the firmware with one board's files, or about `files` alone."""
    stubs = STUBS / PORTS[board.rpartition("_")[2]]
    modules = ROOT / "boards" / board / "modules"
    command = [sys.executable, "-m", "mypy", f"--config-file={CONFIG}"]
    command += [f"--custom-typeshed-dir={stubs}", f"--cache-dir={ROOT}/.mypy_cache/{board}"]
    done = subprocess.run(
        [*command, *(files or (*PACKAGES, "main.py", *map(str, modules.glob("*.py"))))],
        cwd=ROOT / "firmware",
        env={**os.environ, "MYPYPATH": f"{stubs}:{ROOT / 'firmware'}:{modules}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("board", BOARDS)
def test_types_of_a_board(board: str) -> None:
    told = mypy(board)
    if not told.startswith("Success"):
        pytest.fail(told, pytrace=False)


@pytest.mark.parametrize(("text", "told"), PROBES)
def test_what_a_board_does_not_have_is_told(text: str, told: str, tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(text)
    assert f"[{told}]" in mypy("CARD_RP2040", str(probe))
