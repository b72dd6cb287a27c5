# SPDX-License-Identifier: Apache-2.0
"""What callers of P-256 cannot see: the generated table and its smaller stand-in, the sequence of
operations on a secret, the order of nonces, and the heap that all of it takes on a board.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from duotap import p256, p256_comb, p256_table, p256_wide
from duotap.p256_point import N, affine
from duotap_host import tables
from upy.interpreter import FIRMWARE, MICROPYTHON, compile_module, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from duotap.p256_point import Jacobian, Step

HEAP_BYTES_MAX = 45_000  # of 180 KiB on the 64-bit port, where objects are twice as large
SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
DIGEST = hashlib.sha256(b"sample").digest()
ON_MICROPYTHON = pytest.mark.skipif(
    not MICROPYTHON.exists(), reason="no MicroPython beside this Python"
)


@pytest.mark.parametrize("shape", tables.SHAPES, ids=lambda shape: shape.module)
def test_table_is_what_the_command_writes(shape: tables.Shape) -> None:
    assert tables.path(shape).read_text(encoding="utf-8") == tables.render(shape)


def by_openssl(scalar: int) -> bytes:
    """x and y of a multiple of G."""
    numbers = ec.derive_private_key(scalar % N, ec.SECP256R1()).public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@pytest.mark.parametrize("table", [p256_table, p256_wide], ids=["table", "wide"])
def test_every_entry_of_a_table_is_right_for_openssl(table: ModuleType) -> None:
    half = 1 << table.TEETH - 1
    for block in range(table.BLOCKS):
        for index in range(half):
            scalar = 0
            for tooth in range(table.TEETH):
                sign = 1 if tooth == table.TEETH - 1 or index >> tooth & 1 else -1
                place = (tooth * table.BLOCKS + block) * table.COLUMNS
                scalar += sign << place
            start = (block * half + index) * 64
            assert table.TABLE[start : start + 64] == by_openssl(scalar)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the comb does, in order: D for a doubling, A for an addition."""
    seen: list[str] = []
    real_walk = p256_comb.walk

    def walk(point: Jacobian, steps: Iterable[Step]) -> Jacobian:
        taken = list(steps)
        for times, x, y in taken:
            seen.append("D" * times + "A" * (x != 0 and y != 0))
        return real_walk(point, taken)

    monkeypatch.setattr(p256_comb, "walk", walk)
    return seen


@pytest.mark.parametrize("secret", [1, 2, 1 << 255, N - 1, (1 << 128) - 1, SECRET])
@pytest.mark.parametrize("mask", [1, 0x7FFFFFFF, N - 1])
@pytest.mark.parametrize("table", [p256_table, p256_wide], ids=["table", "wide"])
def test_every_secret_takes_the_same_steps(
    table: ModuleType, secret: int, mask: int, steps: list[str]
) -> None:
    comb = p256_comb.Comb(table.TABLE, table.TEETH, table.BLOCKS, table.COLUMNS)
    point = p256_comb.multiply(comb, secret, mask)
    column = "A" * table.BLOCKS
    # The first entry is where the walk begins.
    assert "".join(steps) == column[1:] + ("D" + column) * (table.COLUMNS - 1)
    numbers = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    assert affine(point) == (numbers.x, numbers.y)


def test_masks_differ_from_signature_to_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    masks: list[int] = []
    real = p256_comb.multiply

    def multiply(comb: p256_comb.Comb, scalar: int, mask: int) -> Jacobian:
        masks.append(mask)
        assert scalar != mask
        return real(comb, scalar, mask)

    monkeypatch.setattr(p256._group, "multiply", multiply, raising=False)
    for i in range(20):
        p256.sign(SECRET, hashlib.sha256(bytes([i])).digest())
        p256.sign(SECRET, DIGEST, bytes([i]))
    assert len(set(masks)) == 40
    assert all(0 < mask < N for mask in masks)


def drbg(order: int, secret: int, digest: bytes, extra: bytes, count: int) -> list[int]:
    """RFC 6979 section 3.2 once more, word by word, for any 256-bit order."""

    def mac(key: bytes, *parts: bytes) -> bytes:
        return hmac.digest(key, b"".join(parts), "sha256")

    reduced = (int.from_bytes(digest, "big") % order).to_bytes(32, "big")
    seed = secret.to_bytes(32, "big") + reduced + extra
    value, key = b"\x01" * 32, bytes(32)
    for separator in (b"\x00", b"\x01"):
        key = mac(key, value, separator, seed)
        value = mac(key, value)
    found: list[int] = []
    while len(found) < count:
        value = mac(key, value)
        candidate = int.from_bytes(value, "big")
        if 1 <= candidate < order:
            found.append(candidate)
        key = mac(key, value, b"\x00")
        value = mac(key, value)
    return found


@pytest.mark.parametrize("order", [N, (1 << 255) + 95])
def test_refused_nonces_are_followed_by_the_right_ones(
    order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the smaller order every second candidate is refused; with N one in 2**32 is."""
    monkeypatch.setattr(p256, "N", order)
    for i in range(20):
        digest = hashlib.sha256(bytes([i])).digest()
        nonces = p256.Nonces(SECRET % order, digest, bytes(i))
        found = []
        for _ in range(5):
            found.append(nonces.next())
            nonces.mask(p256.MASK_POINT)
        assert found == drbg(order, SECRET % order, digest, bytes(i), 5)


MODULES = (
    "shims/__future__.py",
    "shims/typing.py",
    "duotap/__init__.py",
    "duotap/errors.py",
    "duotap/hmac.py",
    "duotap/p256.py",
    "duotap/p256_comb.py",
    "duotap/p256_making.py",
    "duotap/p256_point.py",
    "duotap/p256_table.py",
    "duotap/p256_wide.py",
)
SIGN = f"""
import gc
gc.collect(); before = gc.mem_alloc()
from duotap import p256
gc.collect(); after = gc.mem_alloc()
public = p256.public_key({SECRET})
signature = p256.sign({SECRET}, {DIGEST!r})
p256.verify(public, {DIGEST!r}, signature)
p256.verify(p256.KnownKey(public), {DIGEST!r}, signature)
print(after - before, signature.hex(), p256.table_bytes())
"""


# What a board has of the tables, and how large those are that it then computes with.
BOARDS = {
    "all tables": ((), 32_768),
    "no wide table": (("p256_wide",), 16_384),
    "no table": (("p256_wide", "p256_table"), 2_048),
}


@ON_MICROPYTHON
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("why", ["left out", "no room"])
def test_boards_without_room_for_a_table(board: str, why: str, tmp_path: Path) -> None:
    """The same signature from the next smaller table; without any, from 2 KiB that the board
    computes; and what a stock board has fits its share of heap."""
    for name in MODULES:
        assert not compile_module(FIRMWARE / name, (tmp_path / name).with_suffix(".mpy"), "-O2")
    missing, table_bytes = BOARDS[board]
    for name in missing:
        (tmp_path / "duotap" / f"{name}.mpy").unlink()
        if why == "no room":
            (tmp_path / "duotap" / f"{name}.py").write_text("raise MemoryError\n")
    script = tmp_path / "sign.py"
    paths = [str(tmp_path), str(tmp_path / "shims")]
    script.write_text(f"import sys\nsys.path[:] = {paths}\n{SIGN}")
    done = run(str(script))
    assert done.returncode == 0, done.stdout
    heap, signature, size = done.stdout.split()
    assert signature == p256.sign(SECRET, DIGEST).hex()
    assert int(size) == table_bytes
    assert int(heap) < HEAP_BYTES_MAX + max(0, table_bytes - 16_384)


@ON_MICROPYTHON
def test_a_heap_without_room_for_a_table_gets_a_smaller_one(tmp_path: Path) -> None:
    """Real want of memory: the heap is filled but for some KiB before the tables are asked for."""
    for name in MODULES:
        assert not compile_module(FIRMWARE / name, (tmp_path / name).with_suffix(".mpy"), "-O2")
    script = tmp_path / "sign.py"
    paths = [str(tmp_path), str(tmp_path / "shims")]
    sizes = []
    for free in (120_000, 62_000, 45_000):
        fill = f"import gc\nfull = bytearray(gc.mem_free() - {free})\n"
        script.write_text(f"import sys\nsys.path[:] = {paths}\n{fill}{SIGN}")
        done = run(str(script))
        assert done.returncode == 0, done.stdout
        _, signature, size = done.stdout.split()
        assert signature == p256.sign(SECRET, DIGEST).hex()
        sizes.append(int(size))
    assert sizes == [32_768, 16_384, 2_048]
