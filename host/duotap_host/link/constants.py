# SPDX-License-Identifier: Apache-2.0
"""Constants: names that are bound once to a value which can be written where it is used.

Small integers and short texts stand in the code itself at no more room than a name takes. What
would be an object of its own (long texts, bytes, wide integers) moves only if it is used once.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

from duotap_host.link.program import Definition, Program

Value = int | str | bytes | None

SMALL_INT = 1 << 30  # of a 32-bit MicroPython, either sign
SHORT_TEXT = 10  # MicroPython interns these, which costs nothing where it is used again

_BINARY: Mapping[type[ast.operator], Callable[..., Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}
_UNARY: Mapping[type[ast.unaryop], Callable[..., Value]] = {
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}


class _NoConstant(Exception):
    """An expression whose value is not known before it runs."""


class Constants:
    """`value(definition)` of all that are constants."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._values: dict[Definition, Value] = {}
        self._none: set[Definition] = set()

    def is_constant(self, definition: Definition) -> bool:
        if definition in self._none or self._program.is_rebound(definition):
            return False
        return self._known(definition)

    def value(self, definition: Definition) -> Value:
        """Its value; only for constants."""
        return self._values[definition]

    def is_inline(self, definition: Definition, uses: int) -> bool:
        """Whether each use is written as the value itself."""
        if not self.is_constant(definition):
            return False
        value = self._values[definition]
        if isinstance(value, int):
            return -SMALL_INT <= value < SMALL_INT
        if isinstance(value, str):
            return len(value) <= SHORT_TEXT or uses == 1
        return value is None or uses == 1

    def _known(self, definition: Definition) -> bool:
        if definition not in self._values:
            self._none.add(definition)  # also what refers to itself
            try:
                self._values[definition] = self._evaluate(definition)
            except _NoConstant:
                return False
            self._none.remove(definition)
        return True

    def _evaluate(self, definition: Definition) -> Value:
        node = self._program.unit_of[definition].node
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            raise _NoConstant
        left = node.targets[0]
        if isinstance(left, ast.Name):
            return self._expression(definition.module, node.value)
        if not isinstance(left, ast.Tuple):
            raise _NoConstant
        names = [ast.unparse(name) for name in left.elts]
        return self._items(definition.module, node.value, len(names))[names.index(definition.name)]

    def _items(self, module: str, node: ast.expr, count: int) -> list[Value]:
        """A row of constants: a tuple of them, or range(count)."""
        if isinstance(node, ast.Tuple) and len(node.elts) == count:
            return [self._expression(module, item) for item in node.elts]
        if ast.unparse(node) == f"range({count})":
            return list(range(count))
        raise _NoConstant

    def _expression(self, module: str, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, Value):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            sides = self._expression(module, node.left), self._expression(module, node.right)
            return _BINARY[type(node.op)](*sides)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
            return _UNARY[type(node.op)](self._expression(module, node.operand))
        target = self._program.target(module, node)
        if isinstance(target, Definition) and self.is_constant(target):
            return self._values[target]
        raise _NoConstant
