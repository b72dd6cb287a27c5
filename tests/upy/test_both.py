# SPDX-License-Identifier: Apache-2.0
"""The files of tests/both once more, on MicroPython with a board's heap, in each of its forms.

A file whose tests are not the ones that pytest collects from it fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from upy.interpreter import (
    BOTH,
    FIRMWARE,
    FORMS,
    HEAP,
    LINKED,
    LOOSE_HEAP,
    ROOT,
    link_test,
    run,
)

FILES = sorted(path.stem for path in BOTH.glob("test_*.py"))
RUNNER = str(BOTH / "run_upy.py")


@pytest.fixture(scope="session")
def collected() -> dict[str, list[str]]:
    """What pytest finds in each file, asked of pytest itself."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider"]
    command += ["-o", "addopts=-q --import-mode=importlib", str(BOTH)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tests: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        file, found, name = line.partition("::")
        if found:
            tests.setdefault(Path(file).stem, []).append(name)
    return {file: sorted(names) for file, names in tests.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("file", FILES)
def test_passes_on_micropython(
    file: str,
    form: str,
    import_paths: dict[str, list[str]],
    collected: dict[str, list[str]],
    tmp_path: Path,
) -> None:
    if form == LINKED:
        link_test(file, tmp_path)
        paths = [str(tmp_path), str(FIRMWARE / "shims")]
    else:
        paths = import_paths[form]
    done = run(RUNNER, file, *paths, heap=HEAP if form == LINKED else LOOSE_HEAP)
    lines = done.stdout.splitlines()
    passed = [line[3:] for line in lines if line.startswith("ok ")]
    if done.returncode or lines[-1:] != [f"ran {len(passed)}"]:
        pytest.fail(f"{file} as {form}:\n{done.stdout}", pytrace=False)
    assert passed == collected[file]
