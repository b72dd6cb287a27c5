# SPDX-License-Identifier: Apache-2.0
"""The rules of style that a program can check, one function each.

A rule takes a Source and yields its findings: a line and what is wrong there. It decides which
files it speaks about. test_style.py runs them all and shows that each of them can fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from host.style_source import Function, Source

Findings = Iterator[tuple[int, str]]

LINES_MAX = 400
CODE_LINES_MAX = 40
STORY_LINES_MAX = 60  # entry points, the functions called main
OURS = {"duotap", "drivers", "port", "card", "stand", "duotap_host"}
CORE_IMPORTS = {"__future__", "binascii", "collections", "hashlib", "typing", "duotap"}
CHIP_MODULES = {"machine", "rp2", "esp32", "network"}
# Who imports which of our packages; the first prefix that fits decides. Only virtual boards hold
# firmware; the rest of the host speaks to devices through their commands.
ARROWS = (
    ("firmware/duotap/", {"duotap"}),
    ("firmware/drivers/", {"duotap", "drivers", "port"}),
    ("firmware/port/", {"duotap", "drivers", "port"}),
    ("firmware/card/", {"duotap", "drivers", "port", "card"}),
    ("firmware/stand/", {"duotap", "drivers", "port", "stand"}),
    ("firmware/shims/", set()),
    ("firmware/boot.py", set()),
    ("firmware/main.py", {"duotap", "drivers", "port", "card", "stand"}),
    ("boards/", {"duotap", "drivers", "port"}),
    ("host/duotap_host/virtual/", OURS),
    ("host/", {"duotap", "duotap_host"}),
    ("tools/stubs/", {"port"}),
    ("tools/", set()),
    ("tests/", OURS),
)
# Absent from MicroPython, or present and wrong (struct packs 1 << 32 as four zero bytes).
NOT_ON_DEVICE = {
    *("abc", "contextlib", "dataclasses", "enum", "functools", "hmac", "itertools", "struct"),
}
ABSENT_METHODS = {
    *("bit_length", "hexdigest", "removeprefix", "removesuffix", "_replace", "_asdict"),
}
# Their answers depend on the width of a small integer or a pointer.
WIDTH_CALLS = {"hash", "id"}
WORDS_TO_AVOID = {
    *("manager", "helper", "util", "common", "misc", "data", "info", "process", "handler"),
    *("coin", "token", "blockchain"),
}
# Names that are not ours to choose, with their source.
NAMES_OF_OTHERS = {
    "in_data_exchange": "PN532 manual, InDataExchange",
    "tg_get_data": "PN532 manual, TgGetData",
    "tg_set_data": "PN532 manual, TgSetData",
    "get_data": "PN532 manual, TgGetData; ISO 7816-4, GET DATA",
    "set_data": "PN532 manual, TgSetData",
    "set_meta_data": "PN532 manual, TgSetMetaData",
    "put_data": "ISO 7816-4, PUT DATA",
    "data_received": "asyncio.Protocol",
    "call_exception_handler": "asyncio.AbstractEventLoop",
    "default_exception_handler": "asyncio.AbstractEventLoop",
}
# Lists that a command writes; the command's own pages are what is read.
WRITTEN_BY_COMMANDS = {"firmware/port/thumb_p256.py"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|opt|Users)/")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|unpkg\.com|jsdelivr\.net")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|raise Not" + "Impl")
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[\w, -]+\])?(?P<reason>.*)")


def licence(source: Source) -> Findings:
    """One SPDX line, first (second after #!); prose, data and empty files carry none."""
    code = source.is_python or source.path.endswith((".sh", ".toml", "Makefile", ".ci/run"))
    if (
        source.text
        and code
        and "# SPDX-License-Identifier: Apache-2.0" not in source.text.splitlines()[:2]
    ):
        yield 1, "no SPDX line"


def opening(source: Source) -> Findings:
    """A module opens with what it is; an empty package has nothing to say."""
    if source.tree.body and not ast.get_docstring(source.tree):
        yield 1, "no module docstring"


def module_length(source: Source) -> Findings:
    """400 is where to split."""
    count = len(source.text.splitlines())
    if source.is_python and count > LINES_MAX and source.path not in WRITTEN_BY_COMMANDS:
        yield LINES_MAX, f"{count} lines; split along its nouns"


def function_length(source: Source) -> Findings:
    """Lines of code: docstring, comments and blank lines are free.

    A migration is a frozen list of tables, split by nobody who reads it.
    """
    if "/migrations/versions/" in source.path or source.path in WRITTEN_BY_COMMANDS:
        return
    for function in source.functions:
        limit = STORY_LINES_MAX if function.name == "main" else CODE_LINES_MAX
        count = code_lines(source, function)
        if count > limit:
            yield function.lineno, f"{function.name} has {count} lines of code"


def code_lines(source: Source, function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    lines = source.text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    return sum(1 for line in lines if line.strip() and not line.lstrip().startswith("#"))


def core_imports(source: Source) -> Findings:
    """The core does no I/O, so it has nothing to do it with."""
    if source.path.startswith("firmware/duotap/"):
        for line, name in source.imports:
            if name.split(".")[0] not in CORE_IMPORTS:
                yield line, f"the core imports {name}"


def chip_imports(source: Source) -> Findings:
    """Boards build parts and hand them over; nobody else reaches for the chip."""
    if not source.path.startswith(("boards/", "firmware/main.py", "tools/stubs/")):
        for line, name in source.imports:
            if name.split(".")[0] in CHIP_MODULES:
                yield line, f"imports {name}"


def arrows(source: Source) -> Findings:
    """Arrows point down; a new folder needs a row in ARROWS first."""
    rows = [allowed for prefix, allowed in ARROWS if source.path.startswith(prefix)]
    if source.is_python and not rows:
        yield 1, "no row in ARROWS for this folder"
    for line, name in source.imports:
        package = name.split(".")[0]
        if rows and package in OURS - rows[0]:
            yield line, f"imports {name}"


def words(source: Source) -> Findings:
    """Modules, classes and functions say what they are: tests tell stories and are free."""
    if source.path.startswith("tests/"):
        return
    stem = source.path.rsplit("/", 1)[-1].partition(".")[0]
    named = [(1, stem)] if source.is_python else []
    kinds = Function | ast.ClassDef
    named += [(node.lineno, node.name) for node in source.nodes if isinstance(node, kinds)]
    for line, name in named:
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
        singular = {part.lower() for part in parts} | {part.lower()[:-1] for part in parts}
        avoided = singular & WORDS_TO_AVOID
        if avoided == {"handler"} and "apdu" in singular:
            continue
        if avoided and name.strip("_") not in NAMES_OF_OTHERS:
            yield line, f"{name}: {', '.join(sorted(avoided))}"


def printing(source: Source) -> Findings:
    """A library returns; commands, boards, tools and functions called main speak."""
    speaks = source.path.startswith(("host/duotap_host/cli/", "firmware/main.py"))
    if source.path.startswith(("firmware/", "host/")) and not speaks:
        mains = [node for node in source.functions if node.name == "main"]
        free = {line for node in mains for line in range(node.lineno, (node.end_lineno or 0) + 1)}
        for call, name in source.calls:
            if name == "print" and call.lineno not in free:
                yield call.lineno, "prints"


def device_language(source: Source) -> Findings:
    """What MicroPython lacks or does otherwise (test_traps.py), as far as it is seen here."""
    if not source.runs_on_device:
        return
    for line, name in source.imports:
        if name.split(".")[0] in NOT_ON_DEVICE:
            yield line, f"imports {name}"
    for node in source.nodes:
        if isinstance(node, ast.Match):
            yield node.lineno, "match statement"
        elif isinstance(node, ast.Raise) and node.cause and ast.unparse(node.cause) != "None":
            yield node.lineno, "raise from a cause: the chain is dropped"
        elif isinstance(node, ast.Slice) and node.step and ast.unparse(node.step) == "-1":
            yield node.lineno, "backward slice"
        elif isinstance(node, ast.Attribute) and node.attr in ABSENT_METHODS:
            yield node.lineno, f"no method {node.attr}"


def integer_width(source: Source) -> Findings:
    """Nothing that answers otherwise with 31-bit small integers or 32-bit pointers.

    Viper integers have 64 bits on the PC and 32 on the boards, and overflow unseen.
    """
    if not source.runs_on_device:
        return
    for function in source.functions:
        if any("viper" in ast.unparse(decorator) for decorator in function.decorator_list):
            yield function.lineno, "viper code, with integers as wide as a register"
    for call, name in source.calls:
        if name in WIDTH_CALLS:
            yield call.lineno, f"{name}() depends on the word size"
        if name == "pow" and len(call.args) == 3 and ast.unparse(call.args[1]).startswith("-"):
            yield call.lineno, "pow with a negative exponent is 0"
        if name == "array" and ast.unparse(call.args[0]).strip("'") in "lL":
            yield call.lineno, "array of C longs"
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "maxsize":
            yield node.lineno, "sys.maxsize depends on the word size"
        elif isinstance(node, ast.Compare) and compares_identity_of_numbers(node):
            yield node.lineno, "identity of numbers depends on the word size"


def compares_identity_of_numbers(node: ast.Compare) -> bool:
    by_identity = any(isinstance(sign, ast.Is | ast.IsNot) for sign in node.ops)
    sides = [side for side in [node.left, *node.comparators] if isinstance(side, ast.Constant)]
    return by_identity and any(type(side.value) is int for side in sides)


def machine_places(source: Source) -> Findings:
    """The project runs anywhere: no path of one machine, no address of a package registry."""
    for line, text in source.lines():
        for found in [*MACHINE_PATH.findall(text), *REGISTRY.findall(text)]:
            yield line, f"names {found}"


def unfinished(source: Source) -> Findings:
    """What is not done is not there."""
    for line, text in source.lines():
        if UNFINISHED.search(text):
            yield line, "left for later"


def type_ignores(source: Source) -> Findings:
    """`# type: ignore[code]  # reason`, the reason behind it or in a comment above or below."""
    comments = dict(source.comments) if source.is_python else {}
    for line, comment in comments.items():
        ignore = TYPE_IGNORE.match(comment)
        if not ignore:
            continue
        reasons = [ignore["reason"], comments.get(line - 1, ""), comments.get(line + 1, "")]
        told = any(re.search(r"\w", text) and "ignore[" not in text for text in reasons)
        if not ignore["code"] or not told:
            yield line, "type: ignore without a code or without a reason"


def broad_excepts(source: Source) -> Findings:
    """Whose fault it is stands in the type; only what is raised again may be caught unseen."""
    if source.path.startswith("tests/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            last = node.body[-1]
            again = isinstance(last, ast.Raise) and last.exc is None
            if caught in ("everything", "Exception", "BaseException") and not again:
                yield node.lineno, f"catches {caught}"


def test_habits(source: Source) -> Findings:
    """Tests wait for events, not for the clock, and run the platform itself."""
    if source.path.startswith("tests/"):
        for call, name in source.calls:
            if name in ("time.sleep", "MagicMock", "Mock"):
                yield call.lineno, name
        for line, name in source.imports:
            if name.split(".")[-1] == "mock":
                yield line, f"imports {name}"


test_habits.__test__ = False  # a rule, though its name looks like a test


def two_interpreters(source: Source) -> Findings:
    """tests/both runs without pytest: plain functions that take nothing."""
    if not source.path.startswith("tests/both/"):
        return
    for line, name in source.imports:
        if name.split(".")[0] in ("pytest", "hypothesis"):
            yield line, f"imports {name}"
    for function in source.functions:
        arguments = function.args
        takes = arguments.args or arguments.kwonlyargs or arguments.vararg or arguments.kwarg
        plain = isinstance(function, ast.FunctionDef) and not function.decorator_list
        if function.name.startswith("test_") and (takes or not plain):
            yield function.lineno, f"{function.name} is not a plain function without arguments"
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield node.lineno, f"{node.name}: a class of tests"


RULES: tuple[Callable[[Source], Findings], ...] = (
    licence,
    opening,
    module_length,
    function_length,
    core_imports,
    chip_imports,
    arrows,
    words,
    printing,
    device_language,
    integer_width,
    machine_places,
    unfinished,
    type_ignores,
    broad_excepts,
    test_habits,
    two_interpreters,
)
