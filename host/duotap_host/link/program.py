# SPDX-License-Identifier: Apache-2.0
"""All modules together: what each statement at the top of a module defines, and what a name or
`module.name` anywhere refers to.

A *unit* is one such statement, and its *pieces* are the methods that can be left out and the rest.
A *gate* is an import of one of our own modules that runs late: in a function, or in a `try` at
the top. What is behind a gate is a file of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from duotap_host.link.purity import only_defines
from duotap_host.link.scopes import Scope, Scopes
from duotap_host.link.source import LinkError, Module, refuse

Method = ast.FunctionDef | ast.AsyncFunctionDef
Reference = ast.Name | ast.Attribute


class Definition(NamedTuple):
    """A name at the top of one of our modules."""

    module: str
    name: str


class Outer(NamedTuple):
    """A module that MicroPython brings, or (`member`) a name in it."""

    module: str
    member: str


class Whole(NamedTuple):
    """One of our modules by its name."""

    module: str


Target = Definition | Outer | Whole


class Piece:
    """What a method, or all of a unit but its methods, speaks of."""

    def __init__(self, method: Method | None) -> None:
        self.method = method
        self.references: list[tuple[Reference, Target]] = []
        self.attributes: set[str] = set()  # names behind a dot that are read
        self.calls: list[ast.Call] = []
        self.gates: list[ast.ImportFrom] = []


class Unit:
    """A statement at the top of a module; `pinned`: it does more than define, so it runs whenever
    anything of its module does."""

    def __init__(self, module: Module, node: ast.stmt, binds: tuple[str, ...]) -> None:
        self.module = module
        self.node = node
        self.definitions = [Definition(module.name, name) for name in binds]
        self.pinned = not only_defines(node)
        self.pieces: list[Piece] = []
        self.weight = 0  # nodes of syntax


class Program:
    """Modules by name, in the order in which importing `root` would run them."""

    def __init__(self, modules: Iterable[Module], root: str) -> None:
        self._all = {module.name: module for module in modules}
        self.modules: dict[str, Module] = {}
        self.scopes: dict[str, Scopes] = {}
        self.units: dict[str, list[Unit]] = {}
        self.unit_of: dict[Definition, Unit] = {}
        self.nodes: dict[str, list[ast.AST]] = {}  # by module, in no order
        self.keywords: set[str] = set()  # names by which any call hands over an argument
        self._imports: dict[str, dict[str, Target]] = {}
        waiting = [root]
        for name in waiting:  # grows while it runs: gates behind gates
            self._read(name)
            for unit in self.every_unit():
                if not unit.pieces:
                    unit.pieces = self._pieces(unit)
                    waiting += [str(gate.module) for p in unit.pieces for gate in p.gates]

    def every_unit(self) -> list[Unit]:
        return [unit for units in self.units.values() for unit in units]

    def is_rebound(self, definition: Definition) -> bool:
        """Whether a function binds it anew, so that nobody may keep a copy."""
        return definition.name in self.scopes[definition.module].rebound

    def is_ours(self, module: str) -> bool:
        return module in self._all

    def target(self, module: str, node: ast.AST) -> Target | None:
        """What an expression refers to, if it is a name at the top of a module."""
        if isinstance(node, ast.Name):
            scope = self.scopes[module].home[node]
            return self.resolve(module, node.id) if scope.is_module else None
        if isinstance(node, ast.Attribute):
            base = self.target(module, node.value)
            if isinstance(base, Whole):
                return self._member(module, node, base.module, node.attr)
        return None

    def resolve(self, module: str, name: str) -> Target | None:
        """What a name at the top of a module refers to, imports followed; None: a builtin."""
        if Definition(module, name) in self.unit_of:
            return Definition(module, name)
        return self._imports[module].get(name)

    def around(self, module: str, node: ast.AST) -> Scope:
        """The scope that a node stands in."""
        return self.scopes[module].around[node]

    def bases(self) -> Iterator[tuple[str, Target]]:
        """Of each class that inherits from something at a top its module and that."""
        for module, nodes in self.nodes.items():
            for node in nodes:
                for base in node.bases if isinstance(node, ast.ClassDef) else ():
                    target = self.target(module, base)
                    if target is not None:
                        yield module, target

    # Reading

    def _read(self, name: str) -> None:
        """Take in a module after all that it imports."""
        if name in self._imports:
            return
        if name not in self._all:
            raise LinkError(f"there is no module {name}")
        module = self._all[name]
        self._imports[name] = {}
        self.scopes[name] = Scopes(module)
        for statement in module.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._take_imports(module, statement)
        self.modules[name] = module
        self.nodes[name] = list(ast.walk(module.tree))
        calls = [node for node in self.nodes[name] if isinstance(node, ast.Call)]
        self.keywords |= {each.arg for call in calls for each in call.keywords if each.arg}
        self.units[name] = [
            self._unit(module, statement)
            for statement in module.tree.body
            if not isinstance(statement, ast.Import | ast.ImportFrom)
        ]

    def _take_imports(self, module: Module, node: ast.Import | ast.ImportFrom) -> None:
        names = self._imports[module.name]
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                names[alias.asname or alias.name] = self._imported(module, node, alias.name)
            elif "." in alias.name:
                raise refuse(module, node, "import of a dotted name: say from ... import")
            elif alias.name in self._all:
                names[alias.asname or alias.name] = self._whole(alias.name)
            else:
                names[alias.asname or alias.name] = Outer(alias.name, "")

    def _imported(self, module: Module, node: ast.ImportFrom, name: str) -> Target:
        source = str(node.module)
        if f"{source}.{name}" in self._all:
            return self._whole(f"{source}.{name}")
        if source not in self._all:
            return Outer(source, name)
        self._read(source)
        return self._member(module.name, node, source, name)

    def _whole(self, name: str) -> Whole:
        self._read(name)
        return Whole(name)

    def _member(self, module: str, node: ast.AST, source: str, name: str) -> Target:
        found = self.resolve(source, name)
        if found is None:
            raise refuse(self._all[module], node, f"no {name} in {source}")
        return found

    def _unit(self, module: Module, node: ast.stmt) -> Unit:
        bound = _bound_by(node) & self.scopes[module.name].top.bound
        unit = Unit(module, node, tuple(sorted(bound)))
        for definition in unit.definitions:
            if definition in self.unit_of or definition.name in self._imports[module.name]:
                raise refuse(module, node, f"{definition.name} is defined again")
            self.unit_of[definition] = unit
        return unit

    # Pieces

    def _pieces(self, unit: Unit) -> list[Piece]:
        pieces = [Piece(None)]
        waiting: list[tuple[ast.AST, Piece]] = [(unit.node, pieces[0])]
        while waiting:
            node, piece = waiting.pop()
            unit.weight += 1
            parts = list(ast.iter_child_nodes(node))
            if isinstance(node, ast.ClassDef) and not self._is_called_from_outside(unit, node):
                methods = [part for part in node.body if _can_be_left_out(part)]
                own = [Piece(part) for part in methods if isinstance(part, Method)]
                pieces += own
                waiting += list(zip(methods, own, strict=True))
                parts = [part for part in parts if part not in methods]
            if not self._note(unit, node, piece):
                waiting += [(part, piece) for part in parts]
        return pieces

    def _note(self, unit: Unit, node: ast.AST, piece: Piece) -> bool:
        """Take down what a node speaks of; True when nothing in it is to be looked at."""
        if isinstance(node, Reference):
            target = self.target(unit.module.name, node)
            if target is not None:
                piece.references.append((node, target))
                return True
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                piece.attributes.add(node.attr)
        elif isinstance(node, ast.Call):
            piece.calls.append(node)
        elif isinstance(node, ast.ImportFrom) and node.module in self._all:
            piece.gates.append(node)
        elif isinstance(node, ast.Import) and node.names[0].name in self._all:
            raise refuse(unit.module, node, "a late import says from ... import")
        return False

    def _is_called_from_outside(self, unit: Unit, node: ast.ClassDef) -> bool:
        """Whether MicroPython's own code may call any method of a class."""
        parts = [part for base in node.bases for part in ast.walk(base)]
        return any(isinstance(self.target(unit.module.name, part), Outer) for part in parts)


def _can_be_left_out(node: ast.stmt) -> bool:
    return isinstance(node, Method) and not node.name.endswith("__")


def _bound_by(node: ast.stmt) -> set[str]:
    """Names that a statement binds where it stands."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            found.add(part.id)
        elif isinstance(part, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in part.names}
    return found
