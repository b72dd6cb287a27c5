# SPDX-License-Identifier: Apache-2.0
"""Sources for the device with their integer constants put in by value.

A named constant costs a board a name, a place in the module that has it, and a place in each
module that imports it: together a fifth of all the memory that the firmware takes. So names of
constants are for readers; the device gets numbers. Lines stay where they are, for tracebacks.
Knows no compiler and no file.

Put in is what is assigned once, at the top of a module, in capitals, and is an integer that a
board holds without allocating. A name that any module uses for something else, or inside an
f-string, stays as it is.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeGuard

# Small integers of the boards have 31 bits.
LIMIT = 1 << 30

OPERATIONS = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.FloorDiv: int.__floordiv__,
    ast.LShift: int.__lshift__,
    ast.RShift: int.__rshift__,
    ast.BitOr: int.__or__,
    ast.BitAnd: int.__and__,
}


class Edit(NamedTuple):
    """Replace what stands between two places of a source, in bytes of its lines."""

    begin: tuple[int, int]
    end: tuple[int, int]
    text: str


class Module:
    """One source: what it imports from the others, and which names it gives a second meaning."""

    def __init__(self, name: str, text: str, names: set[str]) -> None:
        self.name = name
        self.text = text
        self.tree = ast.parse(text, name)
        self.imported: dict[str, tuple[str, str]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    source = (whole, "") if whole in names else (node.module, alias.name)
                    self.imported[alias.asname or alias.name] = source

    def assigned(self) -> Iterator[tuple[str, ast.expr, ast.stmt]]:
        """Name, value and statement of each assignment at the top, pairs taken apart."""
        for statement in self.tree.body:
            if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
                continue
            target, value = statement.targets[0], statement.value
            if isinstance(target, ast.Name):
                yield target.id, value, statement
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                for name, each in zip(target.elts, value.elts, strict=False):
                    if isinstance(name, ast.Name):
                        yield name.id, each, statement

    def other_uses(self) -> set[str]:
        """Names that are bound more than once or as a parameter, or stand in an f-string."""
        bound = Counter(
            node.id
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        )
        uses = {name for name, count in bound.items() if count > 1 or name in self.imported}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.arg):
                uses.add(node.arg)
            elif isinstance(node, ast.Global):
                uses.update(node.names)
            elif isinstance(node, ast.JoinedStr):
                uses.update(_names_in(node))
        local = {n.id for f in _functions(self.tree) for n in ast.walk(f) if _is_stored(n)}
        return uses | local


class Constants:
    """The constants of a set of sources by module name; `put_in` rewrites any source."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        names = set(sources)
        self._names = names
        self._modules = {name: Module(name, text, names) for name, text in sources.items()}
        kept = {use for module in self._modules.values() for use in module.other_uses()}
        self.values: dict[tuple[str, str], int] = {}
        while self._found(kept):
            pass

    def _found(self, kept: set[str]) -> bool:
        """Take in what can be computed from what is known; False when nothing is new."""
        before = len(self.values)
        for module in self._modules.values():
            for name, value, _ in module.assigned():
                if name.isupper() and name not in kept:
                    number = self._number(module, value)
                    if number is not None:
                        self.values[module.name, name] = number
        return len(self.values) > before

    def _number(self, module: Module, node: ast.expr) -> int | None:
        """The integer that an expression is, if it is one that a board holds at no cost."""
        number: int | None = None
        if isinstance(node, ast.Constant) and type(node.value) is int:
            number = node.value
        elif isinstance(node, ast.Name | ast.Attribute):
            number = self._named(module, node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            operand = self._number(module, node.operand)
            number = None if operand is None else -operand
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
            left, right = self._number(module, node.left), self._number(module, node.right)
            if left is not None and right is not None:
                number = OPERATIONS[type(node.op)](left, right)
        return number if number is not None and abs(number) < LIMIT else None

    def _named(self, module: Module, node: ast.expr) -> int | None:
        """The constant that `NAME` or `module.NAME` means in this module."""
        if isinstance(node, ast.Name):
            own = self.values.get((module.name, node.id))
            return own if own is not None else self._of(*module.imported.get(node.id, ("", "")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            source, name = module.imported.get(node.value.id, ("", ""))
            return None if name else self._of(source, node.attr)
        return None

    def _of(self, module: str, name: str) -> int | None:
        """A constant of a module, or one that it has from another."""
        if (module, name) in self.values:
            return self.values[module, name]
        if module in self._modules and name in self._modules[module].imported:
            return self._of(*self._modules[module].imported[name])
        return None

    def put_in(self, name: str, text: str) -> str:
        """The source with numbers for names; what assigned or imported only those is `pass`."""
        module = self._modules.get(name)
        if module is None or module.text != text:
            module = Module(name, text, self._names)
        edits = [*self._assignments(module), *self._imports(module), *self._uses(module)]
        return _edited(text, edits)

    def _assignments(self, module: Module) -> Iterator[Edit]:
        gone: dict[ast.stmt, bool] = {}
        for name, _, statement in module.assigned():
            known = (module.name, name) in self.values
            gone[statement] = gone.get(statement, True) and known
        yield from (_edit(statement, "pass") for statement, whole in gone.items() if whole)

    def _imports(self, module: Module) -> Iterator[Edit]:
        """Imports of constants alone, and of modules of which only constants were used."""
        idle = self._idle(module)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                left = [
                    alias
                    for alias in node.names
                    if self._of(node.module, alias.name) is None
                    and (alias.asname or alias.name) not in idle
                ]
                names = ", ".join(f"{a.name} as {a.asname}" if a.asname else a.name for a in left)
                if len(left) < len(node.names):
                    yield _edit(node, f"from {node.module} import {names}" if left else "pass")

    def _idle(self, module: Module) -> set[str]:
        """Names of imported modules that are needed for nothing but constants."""
        loads: Counter[str] = Counter()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name):
                loads[node.id] += 1
            elif isinstance(node, ast.Attribute) and self._named(module, node) is not None:
                loads.subtract(_names_in(node.value))
        whole = {alias for alias, (_, name) in module.imported.items() if not name}
        used = _names_in_strings(module.tree)
        return {alias for alias in whole - used if loads[alias] == 0 and alias in loads}

    def _uses(self, module: Module) -> Iterator[Edit]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                number = self._named(module, node)
                if number is not None:
                    yield _edit(node, f"({number})")


def _edit(node: ast.stmt | ast.expr, text: str) -> Edit:
    """Put `text` in the place of a node; it keeps the lines that the node has."""
    end = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    begin = (node.lineno, node.col_offset)
    return Edit(begin, end, text + "\n" * (end[0] - begin[0]))


def _edited(text: str, edits: list[Edit]) -> str:
    """All edits, from the last to the first; one that lies within another is done with it."""
    lines = text.encode().splitlines(keepends=True)
    done: Edit | None = None
    for edit in sorted(edits, key=lambda each: (each.end, each.begin), reverse=True):
        if done is not None and edit.end > done.begin:
            continue
        (first, left), (last, right) = edit.begin, edit.end
        tail = lines[last - 1][right:]
        lines[first - 1 : last] = _lines(lines[first - 1][:left] + edit.text.encode() + tail)
        done = edit
    return b"".join(lines).decode()


def _lines(piece: bytes) -> list[bytes]:
    return piece.splitlines(keepends=True)


def _functions(tree: ast.AST) -> Iterator[ast.AST]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)


def _names_in_strings(tree: ast.AST) -> set[str]:
    """Texts that may be names of something, as in `__all__`."""
    return {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def _names_in(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
