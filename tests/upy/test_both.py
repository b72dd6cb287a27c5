# SPDX-License-Identifier: Apache-2.0
"""The files of tests/both once more, on MicroPython with a board's heap, in three forms.

`source`: as they stand. `mpy`: firmware as it ships (-O2). `mpy31`: small integers have 31 bits,
as on the boards. The tests themselves are compiled without -O, which would drop their asserts.
A file whose tests are not the ones that pytest collects from it fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from upy.interpreter import FIRMWARE, ROOT, compile_tree, run

BOTH = ROOT / "tests" / "both"
FILES = sorted(path.stem for path in BOTH.glob("test_*.py"))
RUNNER = str(BOTH / "run_upy.py")
SHIPPED = ("-march=x64", "-O2")
FORMS = {"mpy": (), "mpy31": ("-msmall-int-bits=31",)}


@pytest.fixture(scope="session")
def import_paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """For each form the directories that hold tests and firmware."""
    folders = {"source": [BOTH, ROOT / "tests", FIRMWARE, FIRMWARE / "shims"]}
    for form, options in FORMS.items():
        top = tmp_path_factory.mktemp(form)
        compile_tree(FIRMWARE, top / "firmware", *SHIPPED, *options)
        compile_tree(BOTH, top / "tests" / "both", "-march=x64", *options)
        tests, firmware = top / "tests", top / "firmware"
        folders[form] = [tests / "both", tests, firmware, firmware / "shims"]
    return {form: [str(path) for path in paths] for form, paths in folders.items()}


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


@pytest.mark.parametrize("form", ["source", *FORMS])
@pytest.mark.parametrize("file", FILES)
def test_passes_on_micropython(
    file: str, form: str, import_paths: dict[str, list[str]], collected: dict[str, list[str]]
) -> None:
    done = run(RUNNER, file, *import_paths[form])
    lines = done.stdout.splitlines()
    passed = [line[3:] for line in lines if line.startswith("ok ")]
    if done.returncode or lines[-1:] != [f"ran {len(passed)}"]:
        pytest.fail(f"{file} as {form}:\n{done.stdout}", pytrace=False)
    assert passed == collected[file]
