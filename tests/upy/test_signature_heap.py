# SPDX-License-Identifier: Apache-2.0
"""A thousand signatures, each verified twice, at a heap of 128 KiB: no MemoryError, nothing piles
up, and each hundred takes about the time of the others: CPU time, which a busy machine hardly
stretches. The table is that of a stock board.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from upy.interpreter import FIRMWARE, MICROPYTHON, RUN_S_MAX, SHIPPED, compile_tree

HEAP = "128k"
ROUNDS = 1000
KEPT_BYTES_MAX = 512  # between the first and the last hundred
STRETCH_MAX = 1.5  # the slowest hundred against the middle one
TABLE_BYTES = 16_384
LOOP = """
import gc, sys, time
sys.path[:] = {paths}
from hashlib import sha256
from duotap import p256
secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
public = p256.public_key(secret)
known = p256.KnownKey(public)
digest = b""
begin = time.clock()
for i in range({rounds} + 1):
    digest = sha256(digest).digest()
    signature = p256.sign(secret, digest, digest)
    p256.verify(public, digest, signature)
    p256.verify(known, digest, signature)
    if i % 100 == 0:
        gc.collect()
        print(gc.mem_alloc(), int((time.clock() - begin) * 1e6), p256.table_bytes())
        begin = time.clock()
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("firmware")
    for name in ("duotap", "shims"):
        compile_tree(FIRMWARE / name, target / name, *SHIPPED)
    (target / "duotap" / "p256_wide.mpy").unlink()
    return target


def test_a_thousand_signatures(compiled: Path, tmp_path: Path) -> None:
    script = tmp_path / "loop.py"
    paths = [str(compiled), str(compiled / "shims")]
    script.write_text(LOOP.format(paths=paths, rounds=ROUNDS), encoding="utf-8")
    command = [str(MICROPYTHON), "-X", f"heapsize={HEAP}", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert len(rows) == ROUNDS // 100 + 1
    kept, spent, tables = zip(*rows, strict=True)
    assert max(kept) - min(kept) <= KEPT_BYTES_MAX, kept
    assert set(tables) == {TABLE_BYTES}
    hundreds = sorted(spent[1:])
    assert hundreds[-1] <= STRETCH_MAX * hundreds[len(hundreds) // 2], spent
