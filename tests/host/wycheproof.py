# SPDX-License-Identifier: Apache-2.0
"""Wycheproof's ECDSA vectors for P-256 with SHA-256 (IEEE P1363 form), as questions to p256_lines.

They stand beside the project in ../shared/vectors, or where $DUOTAP_VECTORS says.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from upy.interpreter import ROOT

FILE = "ecdsa_secp256r1_sha256_p1363_test.json"
FOLDER = Path(os.environ.get("DUOTAP_VECTORS", ROOT.parent / "shared" / "vectors"))

# Question, right answer, vector.
Case = tuple[str, str, dict[str, Any]]


def load_cases() -> list[Case]:
    """All vectors of the file; a test without the file is skipped."""
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
    """A line for each vector whose answer is not the right one."""
    return [
        f"tcId {test['tcId']} ({test['comment']}): {answer}, expected {verdict}"
        for (_, verdict, test), answer in zip(cases, answers, strict=True)
        if answer != verdict
    ]
