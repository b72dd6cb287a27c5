# SPDX-License-Identifier: Apache-2.0
"""Firmware and tests/both in the forms in which MicroPython runs them."""

from __future__ import annotations

import pytest
from upy.interpreter import BOTH, FIRMWARE, ROOT, SHIPPED, WIDTH, compile_tree


@pytest.fixture(scope="session")
def import_paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """For each form the directories that hold tests and firmware."""
    folders = {"source": [BOTH, ROOT / "tests", FIRMWARE, FIRMWARE / "shims"]}
    for form, options in WIDTH.items():
        top = tmp_path_factory.mktemp(form)
        compile_tree(FIRMWARE, top / "firmware", *SHIPPED, *options)
        compile_tree(BOTH, top / "tests" / "both", "-march=x64", *options)
        tests, firmware = top / "tests", top / "firmware"
        folders[form] = [tests / "both", tests, firmware, firmware / "shims"]
    return {form: [str(path) for path in paths] for form, paths in folders.items()}
