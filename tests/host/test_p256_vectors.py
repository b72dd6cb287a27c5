# SPDX-License-Identifier: Apache-2.0
"""All of Wycheproof's ECDSA vectors for P-256 with SHA-256 (IEEE P1363 form), on CPython and on
MicroPython with a board's heap, with bare keys and with known ones.

The vectors stand beside the project in ../shared/vectors, or where $DUOTAP_VECTORS says.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import p256_lines
import pytest
from duotap import p256
from upy.interpreter import FIRMWARE, MICROPYTHON, ROOT, run

FILE = "ecdsa_secp256r1_sha256_p1363_test.json"
FOLDER = Path(os.environ.get("DUOTAP_VECTORS", ROOT.parent / "shared" / "vectors"))
SCRIPT = Path(p256_lines.__file__)

Case = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Question, expected answer and vector, for each vector of the file."""
    path = FOLDER / FILE
    if not path.is_file():
        pytest.skip(f"no {FILE} in {FOLDER}; set DUOTAP_VECTORS to its folder")
    content = json.loads(path.read_text(encoding="utf-8"))
    found: list[Case] = []
    for group in content["testGroups"]:
        public = group["publicKey"]["uncompressed"]
        for test in group["tests"]:
            digest = hashlib.sha256(bytes.fromhex(test["msg"])).hexdigest()
            question = f"verify {public} {digest} {test['sig'] or '-'}"
            verdict = {"valid": "good good", "invalid": "bad bad"}[test["result"]]
            found.append((question, verdict, test))
    assert len(found) == content["numberOfTests"] > 0
    return found


def wrong(cases: list[Case], answers: list[str]) -> list[str]:
    """A line for each vector whose answer is not the expected one."""
    return [
        f"tcId {test['tcId']} ({test['comment']}): {answer}, expected {verdict}"
        for (_, verdict, test), answer in zip(cases, answers, strict=True)
        if answer != verdict
    ]


def test_wycheproof_on_cpython(cases: list[Case]) -> None:
    assert not wrong(cases, [p256_lines.answer(p256, question) for question, _, _ in cases])


@pytest.mark.skipif(not MICROPYTHON.exists(), reason="no MicroPython beside this Python")
def test_wycheproof_on_micropython(cases: list[Case], tmp_path: Path) -> None:
    questions = tmp_path / "questions"
    questions.write_text("".join(f"{question}\n" for question, _, _ in cases), encoding="utf-8")
    done = run(str(SCRIPT), str(questions), str(FIRMWARE), str(FIRMWARE / "shims"))
    assert done.returncode == 0, done.stdout
    assert not wrong(cases, done.stdout.splitlines())
