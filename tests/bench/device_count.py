# SPDX-License-Identifier: Apache-2.0
"""What a signature takes on an RP2040, counted on the PC, and an estimate of its time from that.

Counted: cycles of the Thumb routines (cortex_m0.py), field operations, operations on points and on
long integers, lines of Python. What one of each costs was measured by itself on an emulated RP2040
at 125 MHz (rp2040js, stock MicroPython 1.26.1), no signature among them; the sum is an estimate
and is called one.
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
from duotap import hmac, p256, p256_comb, p256_point, p256_table, p256_wide
from duotap.p256_comb import Comb, Integers
from port import thumb_group
from port.thumb_group import ThumbGroup

SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
CYCLES_PER_US = 125
SMALL = 1 << 30  # integers from here on are long on the boards
# Microseconds, each measured alone, once more after the same has run since a collection: a
# doubling and a mixed addition (p256_point.walk; of 32 and 16 in a row), an entry of a comb, an
# inversion (mean of four), the odd multiples of a point without theirs, a scalar's digits for a
# comb, its window form, an HMAC of a nonce (mean of seven).
POINTS_US = {
    "double": 1512.0,
    "add": 1997.0,
    "entry": 166.0,
    "invert": 12_940.0,
    "multiples": 21_030.0,
    "digits": 2850.0,
    "window": 5870.0,
    "hmac": 960.0,
}
# Of what is done with long integers outside of these, and of a line of Python with small ones.
COSTS_US = {"mul": 75.0, "mod": 130.0, "div": 85.0, "add": 28.0, "mul small": 50.0, "bits": 28.0}
LINE_US = 11.3
# Seen on the emulated board with these very files, free of anything else. "wide" is what the files
# load first: p256_wide, and 16 KiB for a known key; "stock" has p256_table and 2 KiB. Thumb has
# p256_table too; the first sum of a shape takes 9 ms more there, for its script.
EMULATED_MS = {
    "wide sign": 128.3,
    "wide verify": 649.5,
    "wide known": 198.9,
    "stock sign": 144.5,
    "stock verify": 639.2,
    "stock known": 257.5,
    "Thumb sign": 24.5,
    "Thumb verify": 82.2,
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
    names = ("P", "N", "B")
    kept = [(m, n, getattr(m, n)) for m in modules for n in names if hasattr(m, n)]
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
    """Lines of the firmware's Python that run in a call, outside of what POINTS_US tells."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if "/firmware/" not in frame.f_code.co_filename or frame.f_code.co_name in TOLD:
            return None
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return count


TOLD = ("walk", "inverse", "odd_multiples", "digits", "wnaf", "entries", "digest")


class _Points:
    """Functions that count which operation on points they are; integers in them do not count."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.seen: Counter[str] = Counter()
        self._kinds = kinds

    def watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if name == "entries":
            return lambda *arguments: self._entries(function(*arguments))

        def shielded(*arguments: Any) -> Any:
            if name == "walk":
                point, steps = arguments
                arguments = point, self._steps(point[2] == 0, steps)
            else:
                self.seen[self._kinds[name]] += 1
            before = Counter(Counted.seen)
            answer = function(*arguments)
            Counted.seen.clear()
            Counted.seen.update(before)
            return answer

        return shielded

    def _entries(self, entries: Iterator[Any]) -> Iterator[Any]:
        for entry in entries:
            self.seen["entry"] += 1
            yield entry

    def _steps(self, empty: bool, steps: Any) -> Iterator[Any]:
        for times, x, y in steps:
            if not empty:
                self.seen["double"] += times
                self.seen["add"] += 1
            empty = False
            yield times, x, y


@contextmanager
def counted_points() -> Iterator[Counter[str]]:
    """Operations on points that functions of p256_comb ask for."""
    places = (
        (p256_comb, "walk", ""),
        (p256_comb, "inverse", "invert"),
        (p256_comb, "odd_multiples", "multiples"),
        (p256_comb, "wnaf", "window"),
        (thumb_group, "wnaf", "window"),
        (Integers, "inverse", "invert"),
        (hmac, "digest", "hmac"),
        (Comb, "digits", "digits"),
        (Comb, "entries", "entry"),
    )
    points = _Points({name: kind for _, name, kind in places})
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in places]

    def put(owner: object, name: str, function: Callable[..., Any]) -> None:
        setattr(owner, name, staticmethod(function) if owner is Integers else function)

    for owner, name, function in kept:
        put(owner, name, points.watched(name, function))
    try:
        yield points.seen
    finally:
        for owner, name, function in kept:
            put(owner, name, function)


class Taken(NamedTuple):
    """One operation of a signer; `rest` are the integers, and `lines` the lines, outside of what
    POINTS_US tells."""

    name: str
    instructions: int
    cycles: int
    field: Counter[str]
    points: Counter[str]
    integers: Counter[str]
    rest: Counter[str]
    lines: int

    @property
    def estimate_ms(self) -> float:
        us = self.cycles / CYCLES_PER_US + self.lines * LINE_US
        us += sum(POINTS_US[kind] * count for kind, count in self.points.items())
        us += sum(COSTS_US[kind] * count for kind, count in self.rest.items())
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
                yield _taken(f"{label} {name}", call, runner)
        finally:
            p256.compute_with(Integers())
            p256._GENERATOR = kept


def _taken(name: str, call: Callable[[], object], runner: _Watched) -> Taken:
    call()
    lines = lines_of(call)
    runner.reset()
    runner.field.clear()
    with counted_integers() as seen:
        call()
        integers = Counter(seen)
    count, field = runner.count, Counter(runner.field)
    with counted_integers() as seen, counted_points() as points:
        call()
        rest = Counter(seen)
    return Taken(name, count.instructions, count.cycles, field, points, integers, rest, lines)
