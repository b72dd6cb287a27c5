# SPDX-License-Identifier: Apache-2.0
"""The linked files as source text: units in the order in which they would have run, under their
new names, with what they import from each other and from MicroPython.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from duotap_host.link.attributes import fields_of
from duotap_host.link.layout import File, Layout
from duotap_host.link.names import Names
from duotap_host.link.program import Definition, Outer, Program, Unit
from duotap_host.link.reach import Reach
from duotap_host.link.source import Module
from duotap_host.link.texts import Reasons


class Renamed(NamedTuple):
    """A function or method whose name a traceback no longer tells."""

    file: str
    new: str
    path: str
    line: int
    old: str


class Writer(ast.NodeTransformer):
    """Rewrites the units of one module under their new names; `renamed` grows with them."""

    def __init__(
        self, program: Program, reach: Reach, names: Names, reasons: Reasons, module: Module
    ) -> None:
        self._program = program
        self._reach = reach
        self._names = names
        self._reasons = reasons
        self._module = module
        self._scopes = program.scopes[module.name]
        self._dropped: set[ast.AST | None] = set()
        self._file = ""
        self.renamed: list[Renamed] = []

    def write(self, unit: Unit, file: str) -> ast.stmt:
        """The unit as it stands in a file. The tree is changed, so once only."""
        self._file = file
        self._dropped = {p.method for p in unit.pieces if self._reach.is_dropped(p)}
        written: ast.stmt = self.visit(unit.node)
        return written

    def visit_Name(self, node: ast.Name) -> ast.expr:
        scope = self._scopes.home[node]
        if scope.is_module:
            return self._top(node) or node
        if scope.is_class:
            return ast.Name(self._names.attribute(self._module.name, node.id), node.ctx)
        return ast.Name(scope.renamed.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        top = self._top(node)
        if top is not None:
            return top
        attr = self._names.attribute(self._module.name, node.attr)
        return ast.Attribute(self.visit(node.value), attr, node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self._reasons.number(self._module, node)
        fields = [self._names.attribute(self._module.name, each) for each in fields_of(node)]
        if fields:  # what it is called, nobody asks
            node.args = [ast.Constant(fields[0]), ast.Constant(" ".join(fields))]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST | None:
        if node in self._dropped:
            return None
        old, node.name = node.name, self._defined(node)
        if old != node.name:
            path, line = self._module.path, node.lineno
            self.renamed.append(Renamed(self._file, node.name, path, line, old))
        self._rename_arguments(node)
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._rename_arguments(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._defined(node)
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        here = self._module.name
        node.names = [self._names.of(Definition(here, name)) for name in node.names]
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """A late import: what it takes has a new name there, and here if here is the top."""
        at_top = self._scopes.around[node].is_module
        for alias in node.names:
            here = alias.asname or alias.name
            if at_top:
                here = self._names.of(Definition(self._module.name, here))
            if self._program.is_ours(str(node.module)):
                target = self._program.resolve(str(node.module), alias.name)
                if isinstance(target, Definition):
                    alias.name = self._names.of(target)
            alias.asname = None if here == alias.name else here
        return node

    def _top(self, node: ast.Name | ast.Attribute) -> ast.expr | None:
        target = self._program.target(self._module.name, node)
        if not isinstance(target, Definition | Outer):
            return None
        constant = self._reach.constant(target) if isinstance(node.ctx, ast.Load) else None
        return constant or ast.Name(self._names.of(target), node.ctx)

    def _defined(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
        around = self._scopes.around[node]
        if around.is_module:
            return self._names.of(Definition(self._module.name, node.name))
        if around.is_class:
            return self._names.attribute(self._module.name, node.name)
        return node.name

    def _rename_arguments(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        scope = self._scopes.of[node]
        scope.renamed = self._names.arguments(scope)
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.arg = scope.renamed[argument.arg]


class Emitter:
    """Text of each file; `renamed` has what tracebacks do not tell."""

    def __init__(
        self, program: Program, reach: Reach, names: Names, reasons: Reasons, layout: Layout
    ) -> None:
        self._program = program
        self._reach = reach
        self._names = names
        self._layout = layout
        self._writers = {
            module.name: Writer(program, reach, names, reasons, module)
            for module in program.modules.values()
        }
        heads = {file.name: self._head(file) for file in layout.files}
        self.texts = {file.name: self._text(file, heads[file.name]) for file in layout.files}
        self.renamed = [row for writer in self._writers.values() for row in writer.renamed]

    def _text(self, file: File, head: list[ast.stmt]) -> str:
        body = [self._writers[u.module.name].write(u, file.name) for u in file.units]
        tree = ast.fix_missing_locations(ast.Module([*head, *body], []))
        return ast.unparse(tree) + "\n"

    def _head(self, file: File) -> list[ast.stmt]:
        """Imports, from other files and from MicroPython."""
        wanted = {self._import(file, definition) for definition in file.exports}
        for unit in file.units:
            for _, target in self._reach.references(unit):
                if isinstance(target, Definition | Outer):
                    wanted.add(self._import(file, target))
        return [_statement(*row) for row in sorted(wanted) if row[0] != file.name]

    def _import(self, file: File, target: Definition | Outer) -> tuple[str, str, str]:
        """Module, name there, name here."""
        name = self._names.of(target)
        if isinstance(target, Outer):
            return target.module, target.member, name
        return self._layout.file_of[target].name, name, name


def _statement(module: str, member: str, name: str) -> ast.stmt:
    if not member:
        return ast.Import([ast.alias(module, None if name == module else name)])
    return ast.ImportFrom(module, [ast.alias(member, None if name == member else name)], 0)
