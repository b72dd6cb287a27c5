# SPDX-License-Identifier: Apache-2.0
"""What a signature takes on an RP2040, counted on the PC, and an estimate of its time from that.

Counted: cycles of the Thumb routines (cortex_m0.py), field operations, operations on long
integers, lines of Python. What one of each costs is fitted to an emulated RP2040 at 125 MHz
(rp2040js, stock MicroPython 1.26.1); the sum is an estimate and is called one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from types import FrameType
from typing import Any, ClassVar, NamedTuple

from bench.thumb_runner import UnicornRunner
from duotap import p256, p256_comb, p256_point, p256_table, p256_wide
from duotap.p256_comb import Comb, Integers
from port import thumb_group
from port.thumb_group import ThumbGroup

SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
CYCLES_PER_US = 125
SMALL = 1 << 30  # integers from here on are long on the boards
# Microseconds of one operation on long integers, of one HMAC, of one line of Python around them
# and of what a whole operation has besides: fitted to the times of EMULATED_MS.
COSTS_US = {"mul": 70.0, "mod": 115.0, "div": 12.0, "add": 18.0, "mul small": 28.0, "bits": 15.0}
HMAC_US = 900.0
LINE_US = 9.5
AROUND_US = 2000.0
# Seen on the emulated board with these very files, free of anything else. "wide" and "stock" are
# the tables of the generator, p256_wide and p256_table; Thumb has the latter.
EMULATED_MS = {
    "wide sign": 128.3,
    "wide verify": 649.5,
    "wide known": 198.9,
    "stock sign": 144.5,
    "stock verify": 639.2,
    "stock known": 257.5,
    "Thumb sign": 25.7,
    "Thumb verify": 82.8,
    "Thumb known": 28.1,
}
FIELD = {1: "mul", 2: "sqr", 3: "add", 4: "sub", 5: "test", 6: "choose", 7: "take", 8: "invert"}
KINDS = {
    **dict.fromkeys(("add", "radd", "sub", "rsub", "neg"), "add"),
    **dict.fromkeys(("floordiv", "rfloordiv", "divmod", "rdivmod"), "div"),
    **dict.fromkeys(("mod", "rmod"), "mod"),
    **dict.fromkeys(("mul", "rmul"), "mul"),
    **dict.fromkeys(("lshift", "rshift", "and", "rand", "or", "ror", "xor"), "bits"),
}


class Counted(int):
    """An integer that counts what is done with it once it is long."""

    seen: ClassVar[Counter[str]] = Counter()


def _counting(name: str, kind: str) -> Callable[..., Any]:
    plain = getattr(int, f"__{name}__")

    def operation(self: int, *others: int) -> Any:
        answer = plain(self, *others)
        if answer is NotImplemented:
            return answer
        sizes = [abs(int.__index__(value)) for value in (self, *others)]
        if max(sizes) >= SMALL:
            small = kind == "mul" and min(sizes) < SMALL
            Counted.seen["mul small" if small else kind] += 1
        if isinstance(answer, tuple):
            return Counted(answer[0]), Counted(answer[1])
        return Counted(answer)

    return operation


for _name, _kind in KINDS.items():
    setattr(Counted, f"__{_name}__", _counting(_name, _kind))


@contextmanager
def counted_integers() -> Iterator[Counter[str]]:
    """All numbers that p256 and its group make are counted ones."""
    modules = (p256, p256_comb, p256_point, thumb_group)
    kept = [(m, n, getattr(m, n)) for m in modules for n in ("P", "N", "B") if hasattr(m, n)]
    for module, name, value in kept:
        setattr(module, name, Counted(value))
    for module in modules:
        module.int = Counted  # type: ignore[attr-defined]  # hides the builtin in that module
    Counted.seen.clear()
    try:
        yield Counted.seen
    finally:
        for module, name, value in kept:
            setattr(module, name, value)
        for module in modules:
            del module.int  # type: ignore[attr-defined]  # as above


def lines_of(call: Callable[[], object]) -> int:
    """Lines of the firmware's Python that run in a call."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if "/firmware/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return count


class Taken(NamedTuple):
    """One operation of a signer."""

    name: str
    instructions: int
    cycles: int
    field: Counter[str]
    integers: Counter[str]
    lines: int
    hmacs: int

    @property
    def estimate_ms(self) -> float:
        us = self.cycles / CYCLES_PER_US + self.lines * LINE_US + self.hmacs * HMAC_US + AROUND_US
        us += sum(COSTS_US[kind] * count for kind, count in self.integers.items())
        return us / 1000


class _Watched(UnicornRunner):
    """Counts field operations: each script says which programs run."""

    def __init__(self) -> None:
        super().__init__()
        self.field: Counter[str] = Counter()

    def run(self, frame: bytearray, code: bytearray, script: bytes | memoryview) -> int:
        stopped = super().run(frame, code, script)
        for place in range(0, stopped or len(script) - 2, 2):
            at = 4 * script[place]
            while code[at]:
                self.field[FIELD.get(code[at], "bits")] += 1
                at += 4
        return stopped


# RFC 6979: two updates of two, one nonce, and our two masks.
HMACS = {"sign": 7, "verify": 0, "known": 0}


def measured() -> Iterator[Taken]:
    """Sign, verify, verify with a known key; with portable integers, then with Thumb."""
    digest = sha256(b"sample").digest()
    extra = bytes(range(32))
    public = p256.public_key(SECRET)
    signature = p256.sign(SECRET, digest, extra)
    runner = _Watched()
    kept = p256._GENERATOR
    for label, table, group in (
        ("wide", p256_wide, Integers()),
        ("stock", p256_table, Integers()),
        ("Thumb", p256_table, ThumbGroup(runner)),
    ):
        p256._GENERATOR = Comb(table.TABLE, table.TEETH, table.BLOCKS, table.COLUMNS)
        known = p256.KnownKey(public)
        calls: tuple[tuple[str, Callable[[], object]], ...] = (
            ("sign", lambda: p256.sign(Counted(SECRET), digest, extra)),
            ("verify", lambda: p256.verify(public, digest, signature)),
            ("known", lambda known=known: p256.verify(known, digest, signature)),  # type: ignore[misc]  # bound now
        )
        p256.compute_with(group)
        try:
            for name, call in calls:
                yield _taken(f"{label} {name}", call, runner, HMACS[name])
        finally:
            p256.compute_with(Integers())
            p256._GENERATOR = kept


def _taken(name: str, call: Callable[[], object], runner: _Watched, hmacs: int) -> Taken:
    call()
    lines = lines_of(call)
    runner.reset()
    runner.field.clear()
    with counted_integers() as integers:
        call()
        seen = Counter(integers)
    count = runner.count
    field = Counter(runner.field)
    return Taken(name, count.instructions, count.cycles, field, seen, lines, hmacs)
