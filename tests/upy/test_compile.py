# SPDX-License-Identifier: Apache-2.0
"""Every module that a device imports compiles for the two chips (RP2040, ESP32)."""

from __future__ import annotations

from pathlib import Path

import pytest
from upy.interpreter import FIRMWARE, ROOT, compile_module

ARCHITECTURES = ("armv6m", "xtensawin")
MODULES = sorted(
    str(path.relative_to(ROOT))
    for path in [*FIRMWARE.rglob("*.py"), *(ROOT / "boards").glob("*/modules/*.py")]
)


# Instructions of one chip, imported on its boards only.
ONE_CHIP = {"firmware/port/thumb_p256.py": "armv6m"}
CASES = [
    (module, architecture)
    for module in MODULES
    for architecture in ARCHITECTURES
    if ONE_CHIP.get(module, architecture) == architecture
]


@pytest.mark.parametrize(("module", "architecture"), CASES)
def test_compiles(module: str, architecture: str, tmp_path: Path) -> None:
    options = ("-O2", f"-march={architecture}")
    complaint = compile_module(ROOT / module, tmp_path / "module.mpy", *options)
    if complaint:
        pytest.fail(f"{module} {architecture}: {complaint}", pytrace=False)


def test_compiler_refuses(tmp_path: Path) -> None:
    """The gate can close: a positional-only parameter is no MicroPython."""
    source = ROOT / "tests" / "upy" / "refused.txt"
    assert "SyntaxError" in compile_module(source, tmp_path / "refused.mpy", "-march=armv6m")
