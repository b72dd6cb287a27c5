# SPDX-License-Identifier: Apache-2.0
"""What things are called in the linked files.

Errors keep their names, since a traceback tells them, and so do exports and whatever MicroPython
or an object that is not ours may be asked for. All else gets names out of one row (see `rom`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from duotap_host.link.attributes import Attributes
from duotap_host.link.layout import File, Layout
from duotap_host.link.program import Definition, Method, Outer, Program, Unit
from duotap_host.link.reach import Reach
from duotap_host.link.rom import ARGUMENTS, RESERVED, short_names
from duotap_host.link.scopes import Scope, all_arguments

Top = Definition | Outer


class Names:
    """`of(target)`: the name of a definition or of something outside; `attribute`, `arguments`."""

    def __init__(
        self, program: Program, reach: Reach, layout: Layout, foreign: Iterable[str]
    ) -> None:
        self._program = program
        self._reach = reach
        self._keywords = program.keywords
        self._attributes = Attributes(program, foreign)
        self._named: dict[Top, str] = {}
        self._files: dict[Top, set[str]] = {}  # names of the files that have it
        self._hidden: dict[Top, set[str]] = {}  # local names where it is referred to
        for file in layout.files:
            self._look(file)
        self._name_tops()
        self._tops = set(self._named.values())

    def of(self, target: Top) -> str:
        """The name in every file that has it."""
        return self._named[target]

    def attribute(self, module: str, name: str) -> str:
        """A name behind a dot, or of a method."""
        return self._attributes.name(module, name)

    def arguments(self, scope: Scope) -> dict[str, str]:
        """New names for the parameters of a function, by their old ones.

        A parameter that any call in the program names keeps its own.
        """
        node = scope.node
        if not isinstance(node, Method | ast.Lambda):
            return {}
        taken = self._keywords | self._tops | scope.seen()
        for outer in scope.within():
            taken |= outer.bound | set(outer.renamed.values())
        free = (letter for letter in ARGUMENTS if letter not in taken)
        found = {}
        for argument in all_arguments(node.args):
            keep = argument.arg == "self" or argument.arg in self._keywords
            found[argument.arg] = argument.arg if keep else next(free, argument.arg)
        return found

    def _look(self, file: File) -> None:
        for definition in file.exports:
            self._files.setdefault(definition, set()).add(file.name)
        for unit in file.units:
            for definition in unit.definitions:
                self._files.setdefault(definition, set()).add(file.name)
            for node, target in self._reach.references(unit):
                if isinstance(target, Top):
                    self._files.setdefault(target, set()).add(file.name)
                    self._hide(unit, node, target)

    def _hide(self, unit: Unit, node: ast.expr, target: Top) -> None:
        hidden = self._hidden.setdefault(target, set())
        around = self._program.around(unit.module.name, node)
        for scope in around.within():
            hidden |= scope.bound
        if around.is_class:
            hidden |= self._attributes.new_names

    def _name_tops(self) -> None:
        """First what cannot be chosen; last what only one file knows, by names of its own."""
        taken = set(RESERVED)
        for definition in self._reach.exports:
            self._name(definition, definition.name, taken)
        for target in self._files:
            if isinstance(target, Outer):
                self._name(target, target.member or target.module, taken)
        rest = [each for each in self._files if each not in self._named]
        for target in [each for each in rest if self._is_error(each)]:
            self._name(target, self._free(target, taken), taken)
        rest = [each for each in rest if each not in self._named]
        rest.sort(key=lambda each: len(self._files[each]) == 1)
        for target in rest:
            files = self._files[target]
            near = {name for each, name in self._named.items() if self._files[each] & files}
            self._name(target, self._short(target, near | RESERVED), taken)

    def _name(self, target: Top, name: str, taken: set[str]) -> None:
        self._named[target] = name
        taken.add(name)

    def _short(self, target: Top, taken: set[str]) -> str:
        hidden = self._hidden.get(target, set())
        return next(name for name in short_names() if name not in taken and name not in hidden)

    def _is_error(self, target: Top) -> bool:
        """Whether it is a class that inherits, in the end, from a builtin."""
        if isinstance(target, Outer):
            return False
        node = self._program.unit_of[target].node
        if not isinstance(node, ast.ClassDef):
            return False
        bases = [self._program.target(target.module, base) for base in node.bases]
        return any(
            base is None or (isinstance(base, Top) and self._is_error(base)) for base in bases
        )

    def _free(self, target: Top, taken: set[str]) -> str:
        """Its own name, else one with its module's before it."""
        hidden = self._hidden.get(target, set())
        name = target[1]
        while name in taken or name in hidden:
            name = f"{target.module.rpartition('.')[2]}_{name}"
        return name
