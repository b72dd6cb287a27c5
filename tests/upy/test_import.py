# SPDX-License-Identifier: Apache-2.0
"""Every module of the firmware can be imported by MicroPython, alone and as it ships.

Compiling does not show that `typing`, `asyncio` or a dependency has the names that are asked for.
"""

from __future__ import annotations

import pytest
from upy.interpreter import FIRMWARE, run

# Where a module is that needs no board: main.py wants one, the shims are imported by all.
PACKAGES = ("card", "drivers", "duotap", "port", "stand")
PATHS = sorted(path for package in PACKAGES for path in (FIRMWARE / package).rglob("*.py"))
# Instructions of a Cortex-M0: tested with them, not on a PC's MicroPython.
THUMB = "@micropython.asm_thumb"
# Modules one by one, not linked as they ship: all of them at once take more than a board has.
HEAP = "512k"
PATHS = [path for path in PATHS if THUMB not in path.read_text(encoding="utf-8")]
MODULES = [".".join(path.relative_to(FIRMWARE).with_suffix("").parts) for path in PATHS]


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__init__")])
def test_imports(module: str, import_paths: dict[str, list[str]]) -> None:
    path = [".frozen", *import_paths["mpy"]]
    code = f"import sys\nsys.path[:] = {path!r}\nimport {module}\nprint('imported')"
    done = run("-c", code, heap=HEAP)
    if done.stdout != "imported\n":
        pytest.fail(done.stdout, pytrace=False)
