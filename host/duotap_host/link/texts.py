# SPDX-License-Identifier: Apache-2.0
"""Texts that stay with the host: the reasons of errors, on the device a number each.

An error's reason is for whoever looks for the fault; nothing on a device decides by it. So a
literal reason becomes a number that stands for the text and the place in the source where it was
given (the idea of deferred logging). `Reasons.rows` is what each number stands for.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from duotap_host.link.program import Definition, Program
from duotap_host.link.source import Module


class Reason(NamedTuple):
    """What a number stands for."""

    number: int
    path: str
    line: int
    text: str


class Reasons:
    """`root`: the class of all errors that have a reason; `parameter`: what its parameter, and
    that of each class that inherits from it, is called."""

    def __init__(self, program: Program, root: Definition, parameter: str) -> None:
        self._program = program
        self._parameter = parameter
        self._places: dict[Definition, int] = {}  # of the reason among the arguments
        self.rows: list[Reason] = []
        self._find(root)

    def number(self, module: Module, node: ast.Call) -> None:
        """Put a number in the place of a literal reason, if this call makes an error with one."""
        target = self._program.target(module.name, node.func)
        place = self._places.get(target, -1) if isinstance(target, Definition) else -1
        if 0 <= place < len(node.args):
            text = node.args[place]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                number = len(self.rows) + 1
                self.rows.append(Reason(number, module.path, text.lineno, text.value))
                node.args[place] = ast.Constant(number)

    def _find(self, root: Definition) -> None:
        """Classes that inherit are defined after what they inherit from."""
        for unit in self._program.every_unit():
            node = unit.node
            if isinstance(node, ast.ClassDef):
                here = Definition(unit.module.name, node.name)
                bases = [self._program.target(unit.module.name, base) for base in node.bases]
                known = [place for base, place in self._places.items() if base in bases]
                if here == root or known:
                    self._places[here] = self._place(node, known)

    def _place(self, node: ast.ClassDef, inherited: list[int]) -> int:
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                names = [argument.arg for argument in part.args.args[1:]]
                return names.index(self._parameter) if self._parameter in names else -1
        return inherited[0]
