# SPDX-License-Identifier: Apache-2.0
"""The firmware of one board as linked sources: products, core, drivers, and that board's
`board.py` (see `duotap_host.link`), with what error numbers and short names stand for.

A module with machine code in it is not linked: it is a file of its own, as it stands. What was
linked is kept under build/ by the hash of all that it was made of. Knows no compiler.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from duotap_host import link, tables
from duotap_host.link.linker import Linked, Reason, Renamed
from duotap_host.link.linker import link as link_modules
from duotap_host.link.source import Module, read_tree

ROOT = Path(__file__).resolve().parents[3]
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"
CACHE = ROOT / "build" / "linked"

PACKAGES = ("card", "drivers", "duotap", "port", "stand")
UNIX_SIM = "UNIX_SIM"
Top = ast.FunctionDef | ast.ClassDef
SIMULATED = ("machine", "channel")  # C on a board
# Combs (teeth, blocks) of boards without room for the one of 16 KiB: words of 64 bits make
# everything else twice as large there.
COMBS = {UNIX_SIM: (4, 2)}
TABLE = "duotap.p256_table"
# A larger table for boards that freeze it: an image loads into RAM.
LEFT_OUT = ("duotap.p256_wide",)
DEVICE = "device"  # the linked module that has main()
FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line \d+, in (?P<name>\w+)$', re.MULTILINE)
MACHINE_CODE = "@micropython."  # the decorators that ask for it
RAISED = re.compile(r"^(?P<error>\w+): (?P<number>\d+)$", re.MULTILINE)


def modules(board: str = UNIX_SIM) -> list[Module]:
    """Every module that may be linked for a board."""
    found = [module for name in PACKAGES for module in read_tree(FIRMWARE / name, name, ROOT)]
    singles = {"main": FIRMWARE / "main.py", "board": BOARDS / board / "modules" / "board.py"}
    for name, path in singles.items():
        found.append(Module(name, path.relative_to(ROOT).as_posix(), path.read_text("utf-8")))
    return found


def foreign_names() -> set[str]:
    """Names behind a dot that chips' own objects have: those of the simulated `machine`."""
    folder = BOARDS / UNIX_SIM / "modules"
    found = set()
    for path in [folder / f"{name}.py" for name in SIMULATED]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
    return {name for name in found if name[0] != "_"}


@lru_cache(maxsize=4)
def linked(board: str = UNIX_SIM) -> Linked:
    """The firmware of a board. Raises LinkError."""
    key = hashlib.sha256(board.encode())
    for path in _made_of(board):
        key.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    kept = CACHE / f"{key.hexdigest()}.json"
    if kept.exists():
        return _from_json(kept.read_text("utf-8"))
    done = _link([_with_table(module, board) for module in modules(board)])
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=CACHE, delete=False, encoding="utf-8") as file:
        file.write(_to_json(done))
    os.replace(file.name, kept)  # whole or not at all, whoever else links meanwhile
    return done


def _with_table(module: Module, board: str) -> Module:
    """The board's own comb takes the place of the one of 16 KiB before names are linked."""
    if module.name != TABLE or board not in COMBS:
        return module
    return Module(module.name, module.path, tables.render(tables.SHAPES[0].of(*COMBS[board])))


def _link(found: list[Module]) -> Linked:
    machine_code = {module.name: module.text for module in found if MACHINE_CODE in module.text}
    ours = [module for module in found if module.name not in machine_code]
    foreign = foreign_names().union(*(_defined(text) for text in machine_code.values()))
    done = link_modules(ours, "main", ["main"], name=DEVICE, foreign=foreign)
    for name in {node for text in done.texts.values() for node in _imported(text)}:
        if name in machine_code:
            done.texts[name] = machine_code[name]
    for name in LEFT_OUT:
        done.texts.pop(name, None)
    return done


def _defined(text: str) -> set[str]:
    """Functions at the top of a module."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@lru_cache(maxsize=4)
def frozen(board: str = UNIX_SIM) -> dict[str, str]:
    """What a board has before its firmware: its other modules, by name. Raises LinkError.

    `machine`, if it is one of them, is linked: on other boards it takes no heap at all.
    """
    folder = BOARDS / board / "modules"
    found = {module.name: module for module in read_tree(folder, "", ROOT)}
    texts = {name: module.text for name, module in found.items() if name != "board"}
    if "machine" in found:
        tops = [node for node in found["machine"].tree.body if isinstance(node, Top)]
        askers = [*modules(board), *(found[name] for name in found if name not in SIMULATED)]
        asked = {name for module in askers for name in _asked(module) if name[0] != "_"}
        exports = [node.name for node in tops if node.name in asked]
        done = link_modules(found.values(), "machine", exports, name="machine", asked=asked)
        texts |= done.texts
        texts = {name: texts[name] for name in texts if name not in SIMULATED[1:]}
    return texts


def _asked(module: Module) -> Iterator[str]:
    """Names behind a dot, and of parameters that are named in calls."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def explain(text: str, board: str = UNIX_SIM) -> str:
    """A device's traceback with its numbers and short names said in words."""
    names = {(row.file, row.new): "" for row in linked(board).renamed}
    for row in linked(board).renamed:
        names[row.file, row.new] += f" {row.old} ({row.path}:{row.line})"
    reasons = {str(row.number): row for row in linked(board).reasons}

    def frame(found: re.Match[str]) -> str:
        return found[0] + names.get((found["file"], found["name"]), "")

    def raised(found: re.Match[str]) -> str:
        row = reasons.get(found["number"])
        return found[0] if row is None else f"{found['error']}: {row.text} ({row.path}:{row.line})"

    return RAISED.sub(raised, FRAME.sub(frame, text))


def _made_of(board: str) -> Iterator[Path]:
    for folder in (FIRMWARE, BOARDS / UNIX_SIM, BOARDS / board, Path(link.__path__[0])):
        yield from sorted(folder.rglob("*.py"))
    yield from (Path(__file__), Path(tables.__file__))


def _to_json(done: Linked) -> str:
    return json.dumps(done._asdict())


def _from_json(text: str) -> Linked:
    found = json.loads(text)
    return Linked(
        found["texts"],
        [Reason(*row) for row in found["reasons"]],
        [Renamed(*row) for row in found["renamed"]],
    )
