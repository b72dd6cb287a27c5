# SPDX-License-Identifier: Apache-2.0
"""Runs viper functions on CPython with the integers of a 32-bit board: whatever leaves
[-2**31, 2**31) on the way is an error, for there the boards wrap and the PC does not.

Every constant, argument, element read and result of an operator is looked at. Knows ptr8, ptr16
and ptr32 as views of a buffer, and nothing of viper's speed.
"""

from __future__ import annotations

import ast
from typing import Any

DECORATORS = ("viper", "native", "asm_thumb", "asm_xtensa", "asm_xtensawin", "asm_rv32")


class TooWide(Exception):
    """A value that a 32-bit board would have wrapped."""


def word(value: Any) -> Any:
    """Pass a value that is the same on both widths."""
    if isinstance(value, int) and not -(1 << 31) <= value < 1 << 31:
        raise TooWide(hex(value))
    return value


def decorator(function: ast.AST) -> str:
    """The name of the code emitter that a function asks for, or nothing."""
    names = [ast.unparse(item) for item in getattr(function, "decorator_list", [])]
    found = [name.split("(")[0].split(".")[-1] for name in names]
    return next((name for name in found if name in DECORATORS), "")


def emitted(source: str) -> dict[str, str]:
    """Each function of a module that is not plain bytecode, with its emitter."""
    nodes = ast.walk(ast.parse(source))
    return {node.name: decorator(node) for node in nodes if decorator(node)}  # type: ignore[attr-defined]  # only functions have one


class Confine(ast.NodeTransformer):
    """Wraps what yields an integer inside viper functions into word()."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if decorator(node) == "viper":
            node.decorator_list = []
            node.returns = None
            arguments = [ast.Name(item.arg, ast.Load()) for item in node.args.args]
            for item in node.args.args:
                item.annotation = None
            checks = [ast.Expr(self._word(name)) for name in arguments]
            node.body = checks + [Inside().visit(line) for line in node.body]
        return node

    @staticmethod
    def _word(value: ast.expr) -> ast.expr:
        return ast.Call(ast.Name("word", ast.Load()), [value], [])


class Inside(ast.NodeTransformer):
    """The body of one viper function."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return Confine._word(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return Confine._word(node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return Confine._word(node) if isinstance(node.value, int) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        return Confine._word(node) if isinstance(node.ctx, ast.Load) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.Assign:
        """`a += b` as `a = a + b`, so that its result is looked at."""
        left = ast.parse(ast.unparse(node.target), mode="eval").body
        value = self.visit(ast.BinOp(left, node.op, node.value))
        return ast.Assign([self.visit(node.target)], value)


def confined(source: str) -> dict[str, Any]:
    """Run a module's source with its viper functions confined; return its names."""
    tree = ast.fix_missing_locations(Confine().visit(ast.parse(source)))
    names: dict[str, Any] = {"word": word, "int": int, "uint": int, "bool": bool}
    for bits, letter in ((8, "B"), (16, "H"), (32, "I")):
        names[f"ptr{bits}"] = lambda buffer, letter=letter: (
            memoryview(buffer).cast("B").cast(letter)
        )
    exec(compile(tree, "confined", "exec"), names)
    return names
