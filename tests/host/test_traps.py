# SPDX-License-Identifier: Apache-2.0
"""Where the two interpreters differ without a warning: each row is seen on both.

Firmware avoids the left column. A row that fails after a new MicroPython means that a trap is gone
(or another one came): mend the table and the rule in test_style.py that stands on it.
"""

from __future__ import annotations

import pytest
from upy.interpreter import run

SETTING = """
import struct, hashlib, sys
from collections import namedtuple
P = namedtuple('P', ('a', 'b'))
def cause():
    try:
        try:
            1 // 0
        except ZeroDivisionError as error:
            raise ValueError() from error
    except ValueError as error:
        return getattr(error, '__cause__', None) is not None
def show(text):
    try:
        exec('def probe():\\n    return ' + text, globals())
        return repr(probe())
    except Exception as error:
        return type(error).__name__
"""

# expression, CPython, MicroPython
TRAPS = (
    ("struct.pack('>I', 1 << 32)", "error", r"b'\x00\x00\x00\x00'"),
    ("struct.pack('>H', -1)", "error", r"b'\xff\xff'"),
    ("isinstance(True, int)", "True", "False"),
    ("pow(3, -1, 7)", "5", "0"),
    ("list({'b': 1, 'z': 4, 'a': 2}) == ['b', 'z', 'a']", "True", "False"),
    ("cause()", "True", "False"),
    ("b'abc'[::-1]", "b'cba'", "NotImplementedError"),
    ("'abc'[::-1]", "'cba'", "NotImplementedError"),
    ("(5).bit_length()", "3", "AttributeError"),
    ("hashlib.sha256().copy() and 1", "1", "AttributeError"),
    ("hasattr(hashlib, 'sha512')", "True", "False"),
    ("hasattr(hashlib.sha256(b''), 'hexdigest')", "True", "False"),
    ("hasattr(P(1, 2), '_replace')", "True", "False"),
    ("[*b'ab']", "[97, 98]", "SyntaxError"),
    ("list(zip([1], [2], strict=True))", "[(1, 2)]", "TypeError"),
    ("int.from_bytes(b'a', 'big', signed=True)", "97", "TypeError"),
    ("'a'.removeprefix('a')", "''", "AttributeError"),
    ("(lambda value, /: value)(1)", "1", "SyntaxError"),
)
ABSENT = ("abc", "contextlib", "dataclasses", "enum", "functools", "hmac", "itertools", "typing")


@pytest.fixture(scope="module")
def seen() -> list[str]:
    """One MicroPython answers for the whole table."""
    texts = [text for text, _, _ in TRAPS] + [f"__import__('{name}')" for name in ABSENT]
    done = run("-c", f"{SETTING}\nfor text in {texts!r}:\n    print(show(text))")
    assert done.returncode == 0, done.stdout
    return [line for line in done.stdout.splitlines() if not line.startswith("Warning:")]


@pytest.mark.parametrize("row", range(len(TRAPS)), ids=[text for text, _, _ in TRAPS])
def test_trap(row: int, seen: list[str]) -> None:
    text, cpython, micropython = TRAPS[row]
    assert cpython != micropython
    setting: dict[str, object] = {}
    exec(SETTING + f"answer = show({text!r})", setting)
    assert (setting["answer"], seen[row]) == (cpython, micropython)


def test_modules_that_firmware_cannot_import(seen: list[str]) -> None:
    assert seen[len(TRAPS) :] == ["ImportError"] * len(ABSENT)


def test_annotations_are_never_evaluated() -> None:
    done = run("-c", "def probe(x: Nowhere | None) -> Nothing: return x\nprint(probe(5))")
    assert done.stdout == "5\n"
