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
MODULES = [".".join(path.relative_to(FIRMWARE).with_suffix("").parts) for path in PATHS]


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__init__")])
def test_imports(module: str, import_paths: dict[str, list[str]]) -> None:
    path = [".frozen", *import_paths["mpy"]]
    done = run("-c", f"import sys\nsys.path[:] = {path!r}\nimport {module}\nprint('imported')")
    if done.stdout != "imported\n":
        pytest.fail(done.stdout, pytrace=False)
