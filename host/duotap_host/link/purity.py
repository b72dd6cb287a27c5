# SPDX-License-Identifier: Apache-2.0
"""Which statements only define: leaving one out, or running it elsewhere, is seen by nobody who
does not ask for its names.
"""

from __future__ import annotations

import ast

# Calls that make a value out of values.
CALLS = {
    *("bytes", "bytearray", "dict", "frozenset", "len", "list", "max", "min", "range", "set"),
    *("sum", "tuple", "int.from_bytes", "namedtuple"),
}
NODES = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Lambda),
    *(ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Slice),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.arguments, ast.arg),
    *(ast.GeneratorExp, ast.ListComp, ast.comprehension, ast.Call, ast.keyword),
)


def only_defines(node: ast.stmt) -> bool:
    """A function, a class, or names for a value that is made of values."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return not node.decorator_list
    if not isinstance(node, ast.Assign):
        return False
    names = all(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)
    return names and all(_is_pure(part) for part in ast.walk(node.value))


def _is_pure(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and ast.unparse(node.func) not in CALLS:
        return False
    return isinstance(node, NODES)
