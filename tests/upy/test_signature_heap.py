# SPDX-License-Identifier: Apache-2.0
"""A thousand signatures, each verified twice, at a heap of 128 KiB: no MemoryError, nothing piles
up, and the last hundred take what the first hundred take, in bytes that they leave behind.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from upy.interpreter import FIRMWARE, MICROPYTHON, RUN_S_MAX, SHIPPED, compile_tree

HEAP = "128k"
ROUNDS = 1000
KEPT_BYTES_MAX = 512  # between the first and the last hundred
LOOP = """
import gc, sys
sys.path[:] = {paths}
from hashlib import sha256
from duotap import p256
secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
public = p256.public_key(secret)
known = p256.KnownKey(public)
digest = b""
for i in range({rounds} + 1):
    digest = sha256(digest).digest()
    signature = p256.sign(secret, digest, digest)
    p256.verify(public, digest, signature)
    p256.verify(known, digest, signature)
    if i % 100 == 0:
        gc.collect()
        print(gc.mem_alloc())
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("firmware")
    for name in ("duotap", "shims"):
        compile_tree(FIRMWARE / name, target / name, *SHIPPED)
    return target


def test_a_thousand_signatures(compiled: Path, tmp_path: Path) -> None:
    script = tmp_path / "loop.py"
    paths = [str(compiled), str(compiled / "shims")]
    script.write_text(LOOP.format(paths=paths, rounds=ROUNDS), encoding="utf-8")
    command = [str(MICROPYTHON), "-X", f"heapsize={HEAP}", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = [int(line) for line in done.stdout.split()]
    assert len(kept) == ROUNDS // 100 + 1
    assert max(kept) - min(kept) <= KEPT_BYTES_MAX, kept
