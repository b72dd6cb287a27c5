# SPDX-License-Identifier: Apache-2.0
"""What a name means: for every name in a module the scope that binds it (Python reference §4.2).

Scopes are the module, functions, classes and comprehensions. Knows one module at a time and no
meaning of what is bound.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from duotap_host.link.source import Module, refuse

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Scope:
    """Names bound by `node`; `parent` is None for a module, whose names and builtins come last."""

    def __init__(self, node: ast.AST, parent: Scope | None) -> None:
        self.node = node
        self.parent = parent
        self.inner: list[Scope] = []
        self.bound: set[str] = set()
        self.outside: set[str] = set()  # declared global
        self.names: list[ast.Name] = []  # every Name that stands in here
        self.renamed: dict[str, str] = {}  # parameters that were given new names

    @property
    def is_module(self) -> bool:
        return self.parent is None

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    def find(self, name: str) -> Scope:
        """The scope in which a name of this one is bound; the module's for what nobody binds."""
        scope = self
        while scope.parent is not None and name not in scope.outside:
            if name in scope.bound and (scope is self or not scope.is_class):
                return scope
            scope = scope.parent
        return scope if scope.parent is None else scope.top()

    def top(self) -> Scope:
        """The module's."""
        return self if self.parent is None else self.parent.top()

    def seen(self) -> set[str]:
        """Names that are bound or stand in here or in a scope inside."""
        found = self.bound | {name.id for name in self.names}
        return found.union(*(scope.seen() for scope in self.inner))

    def within(self) -> Iterator[Scope]:
        """This scope and those around it, the module's left out."""
        scope = self
        while scope.parent is not None:
            yield scope
            scope = scope.parent


class Scopes(ast.NodeVisitor):
    """`home[name node]` is the scope that binds it, `around[node]` the one that it stands in."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self.top = Scope(module.tree, None)
        self.home: dict[ast.Name, Scope] = {}
        self.around: dict[ast.AST, Scope] = {}
        self.of: dict[ast.AST, Scope] = {module.tree: self.top}
        self._scope = self.top
        self._early: set[ast.Name] = set()  # in a class, before it binds the name itself
        self.rebound: set[str] = set()  # names at the top that functions bind anew
        for statement in module.tree.body:
            self.visit(statement)
        for scope in self.of.values():
            for name in scope.names:
                outward = scope.parent if name in self._early else scope
                self.home[name] = (outward or scope).find(name.id)

    def visit(self, node: ast.AST) -> None:
        self.around[node] = self._scope
        if isinstance(node, ast.ExceptHandler) and node.name:
            self._bind(node.name)
        super().visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._scope.names.append(node)
        if self._scope.is_class and node.id not in self._scope.bound:
            self._early.add(node)
        if not isinstance(node.ctx, ast.Load):
            self._early.discard(node)
            self._bind(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        """The value comes first: in a class `f = f` takes the one from outside."""
        for part in (node.value, *node.targets):
            self.visit(part)

    def visit_Global(self, node: ast.Global) -> None:
        self._scope.outside.update(node.names)
        self.rebound.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        raise refuse(self._module, node, "a name that is bound from elsewhere")

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        raise refuse(self._module, node, "an assignment inside an expression")

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        for outer in (*node.decorator_list, *_defaults(node.args)):
            self.visit(outer)
        self._enter(node, node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for outer in _defaults(node.args):
            self.visit(outer)
        self._enter(node, node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        for outer in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outer)
        self._enter(node, None, node.body)

    def _comprehension(self, node: Comprehension) -> None:
        """The first iterator is evaluated outside."""
        self.visit(node.generators[0].iter)
        around, self._scope = self._scope, self._new(node)
        for index, generator in enumerate(node.generators):
            self.visit(generator.target)
            if index:
                self.visit(generator.iter)
            for condition in generator.ifs:
                self.visit(condition)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self._scope = around

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _enter(
        self, node: ast.AST, arguments: ast.arguments | None, body: list[ast.stmt] | list[ast.expr]
    ) -> None:
        around, self._scope = self._scope, self._new(node)
        for argument in all_arguments(arguments) if arguments else ():
            self.around[argument] = self._scope
            self._bind(argument.arg)
        for part in body:
            self.visit(part)
        self._scope = around

    def _new(self, node: ast.AST) -> Scope:
        scope = self.of[node] = Scope(node, self._scope)
        self._scope.inner.append(scope)
        return scope

    def _bind(self, name: str) -> None:
        if name not in self._scope.outside:
            self._scope.bound.add(name)


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter, in the order of the call."""
    found = [*arguments.posonlyargs, *arguments.args]
    found += [arguments.vararg] if arguments.vararg else []
    found += arguments.kwonlyargs
    found += [arguments.kwarg] if arguments.kwarg else []
    return found


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [value for value in (*arguments.defaults, *arguments.kw_defaults) if value is not None]
