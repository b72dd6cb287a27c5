# SPDX-License-Identifier: Apache-2.0
"""Modules as the linker reads them: syntax trees without types, docstrings and `TYPE_CHECKING`.

Nothing that is taken away here has any effect when a device runs. Knows no other module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

TYPES_ONLY = ("__future__", "typing")


class LinkError(Exception):
    """A source that cannot be linked; the text says where and why."""


class Module:
    """A source: dotted `name`, the `path` that messages tell, and `text`."""

    def __init__(self, name: str, path: str, text: str) -> None:
        self.name = name
        self.path = path
        self.text = text

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax without types; the linker rewrites it, so a module is linked once."""
        tree = ast.parse(self.text, self.path)
        Untyped(self).visit(tree)
        return tree

    @property
    def last(self) -> str:
        """The last part of the dotted name."""
        return self.name.rpartition(".")[2]


def refuse(module: Module, node: ast.AST, why: str) -> LinkError:
    """The error that names a place in a source."""
    return LinkError(f"{module.path}:{getattr(node, 'lineno', 0)}: {why}")


def read_tree(folder: Path, package: str, root: Path) -> Iterable[Module]:
    """Every module below `folder`, which is `package`; paths are told from `root`."""
    for source in sorted(folder.rglob("*.py")):
        parts = source.relative_to(folder).with_suffix("").parts
        if parts[-1] == "__init__":
            _check_empty(source)
            continue
        name = ".".join((package, *parts) if package else parts)
        yield Module(name, source.relative_to(root).as_posix(), source.read_text("utf-8"))


def _check_empty(source: Path) -> None:
    """A package is a folder and nothing else."""
    if ast.parse(source.read_text("utf-8")).body:
        raise LinkError(f"{source}: a package with code in it")


class Untyped(ast.NodeTransformer):
    """Takes away what only a type checker or a reader looks at."""

    def __init__(self, module: Module) -> None:
        self._module = module

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list) and not body and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]  # it has a body
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        if isinstance(node.value, ast.Constant):
            return None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        self.generic_visit(node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if node.level:
            raise refuse(self._module, node, "a relative import")
        if any(alias.name == "*" for alias in node.names):
            raise refuse(self._module, node, "an import of everything")
        return None if node.module in TYPES_ONLY else node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            block = ast.Module(node.orelse, [])
            self.generic_visit(block)
            return block.body
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        if [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return None
        return self.generic_visit(node)
