# SPDX-License-Identifier: Apache-2.0
"""All of Wycheproof's vectors on CPython and on MicroPython with a board's heap, each with a bare
and with a known key. (tests/upy/test_widths.py does the same on 32 bits.)
"""

from __future__ import annotations

from pathlib import Path

import p256_lines
import pytest
from duotap import p256
from host.wycheproof import Case, load_cases, wrong
from upy.interpreter import FIRMWARE, MICROPYTHON, run


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load_cases()


def test_wycheproof_on_cpython(cases: list[Case]) -> None:
    assert not wrong(cases, [p256_lines.answer(p256, question) for question, _, _ in cases])


@pytest.mark.skipif(not MICROPYTHON.exists(), reason="no MicroPython beside this Python")
def test_wycheproof_on_micropython(cases: list[Case], tmp_path: Path) -> None:
    questions = tmp_path / "questions"
    questions.write_text("".join(f"{question}\n" for question, _, _ in cases), encoding="utf-8")
    done = run(p256_lines.__file__, str(questions), str(FIRMWARE), str(FIRMWARE / "shims"))
    assert done.returncode == 0, done.stdout
    assert not wrong(cases, done.stdout.splitlines())
