# SPDX-License-Identifier: Apache-2.0
"""What is used, and in which file it lies.

From each *segment* (the root, and each module behind a gate) the units are followed that it
refers to. A method counts as used once its name stands behind a dot anywhere in what is used. A
unit lies in the innermost segment that is surely loaded whenever one that refers to it runs.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from duotap_host.link.constants import Constants
from duotap_host.link.program import Definition, Piece, Program, Reference, Target, Unit, Whole
from duotap_host.link.source import LinkError, refuse

TOLD_BY_TEXT = ("getattr", "hasattr")  # builtins that are told an attribute's name as text


class Reach:
    """`exports`: names that the root module must have for whoever imports it; `asked`: names
    behind a dot that others use.

    `segment_of[unit]` for each unit that is used; `taken[segment]`: what gates import from it.
    """

    def __init__(
        self, program: Program, root: str, exports: Iterable[str], asked: Iterable[str]
    ) -> None:
        self._program = program
        self.root = root
        self.exports = [Definition(root, name) for name in exports]
        for definition in self.exports:
            if definition not in program.unit_of:
                raise LinkError(f"there is no {definition.name} in {root}")
        self._constants = Constants(program)
        self._uses = self._count()
        self._attributes = set(asked)
        self._reached: dict[str, set[Unit]] = {}
        self._used: set[Unit] = set()
        self.taken: dict[str, set[Definition]] = {}
        self._partners = self._find_partners()
        known: tuple[int, int] = (-1, -1)
        while known != self._extent():
            known = self._extent()
            self._follow_all()
        self._rulers = self._find_rulers()
        self.segments = sorted(self._reached, key=lambda name: len(self._rulers[name]))
        self.segment_of = {unit: self._ruler(where) for unit, where in self._reachers().items()}

    def is_written(self, target: Target) -> bool:
        """Whether each use of it is written as its value."""
        if not isinstance(target, Definition):
            return False
        return self._constants.is_inline(target, self._uses[target])

    def constant(self, target: Target) -> ast.expr | None:
        """The value to write for a reference, if it is to be one."""
        if not (isinstance(target, Definition) and self.is_written(target)):
            return None
        value = self._constants.value(target)
        if isinstance(value, int) and value < 0:  # in a tree: an operator and a constant
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)

    def is_dropped(self, piece: Piece) -> bool:
        """Whether a piece is a method that nobody calls."""
        return piece.method is not None and piece.method.name not in self._attributes

    def pieces(self, unit: Unit) -> Iterator[Piece]:
        """Those of a unit that are used."""
        return (piece for piece in unit.pieces if not self.is_dropped(piece))

    def references(self, unit: Unit) -> Iterator[tuple[Reference, Target]]:
        """What a unit refers to, without what is left out or written as a value."""
        for piece in self.pieces(unit):
            for node, target in piece.references:
                if not self.is_written(target):
                    yield node, target

    def _count(self) -> Counter[Definition]:
        return Counter(
            target
            for unit in self._program.every_unit()
            for piece in unit.pieces
            for node, target in piece.references
            if isinstance(target, Definition) and isinstance(node.ctx, ast.Load)
        )

    def _extent(self) -> tuple[int, int]:
        """How much is known to be used; grows until all is known."""
        return len(self._attributes), sum(len(units) for units in self._reached.values())

    def _find_partners(self) -> dict[Unit, set[Unit]]:
        """A name that a function binds anew lies in one file with all that speak of it."""
        speakers: dict[Definition, set[Unit]] = {}
        for unit in self._program.every_unit():
            for piece in unit.pieces:
                for node, target in piece.references:
                    if isinstance(target, Definition) and self._program.is_rebound(target):
                        if target.module != unit.module.name:
                            raise refuse(unit.module, node, "its own module binds this anew")
                        speakers.setdefault(target, set()).add(unit)
        found: dict[Unit, set[Unit]] = {}
        for units in speakers.values():
            for unit in units:
                found.setdefault(unit, set()).update(units)
        return found

    def _follow_all(self) -> None:
        """Follow every segment with what is known so far."""
        self._used = set[Unit]().union(*self._reached.values())
        self._reached = {}
        self.taken = {self.root: set(self.exports)}
        waiting = [self.root]
        for segment in waiting:  # grows while it runs
            before = {name: len(taken) for name, taken in self.taken.items()}
            self._reached[segment] = self._follow(segment)
            grown = [name for name in self.taken if len(self.taken[name]) != before.get(name, 0)]
            waiting += grown

    def _follow(self, segment: str) -> set[Unit]:
        program = self._program
        reached: set[Unit] = set()
        waiting = [program.unit_of[definition] for definition in sorted(self.taken[segment])]
        waiting += [unit for unit in program.units[segment] if unit.pinned]
        while waiting:
            unit = waiting.pop()
            if unit in reached:
                continue
            reached.add(unit)
            waiting += [each for each in program.units[unit.module.name] if each.pinned]
            waiting += self._partners.get(unit, set()) & self._used
            for node, target in self.references(unit):
                if isinstance(target, Whole):
                    raise refuse(unit.module, node, "a module as a value")
                if isinstance(target, Definition):
                    waiting.append(program.unit_of[target])
            for piece in self.pieces(unit):
                self._attributes |= piece.attributes
                self._note_texts(unit, piece)
                for gate in piece.gates:
                    self._pass(unit, gate)
        return reached

    def _pass(self, unit: Unit, gate: ast.ImportFrom) -> None:
        taken = self.taken.setdefault(str(gate.module), set())
        for alias in gate.names:
            target = self._program.resolve(str(gate.module), alias.name)
            if not isinstance(target, Definition):
                raise refuse(unit.module, gate, f"no {alias.name} in {gate.module}")
            taken.add(target)

    def _note_texts(self, unit: Unit, piece: Piece) -> None:
        for call in piece.calls:
            if ast.unparse(call.func) in TOLD_BY_TEXT:
                text = call.args[1]
                if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
                    raise refuse(unit.module, call, "an attribute whose name is not told")
                self._attributes.add(text.value)

    # Segments

    def _reachers(self) -> dict[Unit, set[str]]:
        found: dict[Unit, set[str]] = {}
        for segment, units in self._reached.items():
            for unit in units:
                found.setdefault(unit, set()).add(segment)
        return found

    def _holders(self) -> dict[str, set[str]]:
        """Of each segment those that have a gate to it."""
        found: dict[str, set[str]] = {name: set() for name in self._reached}
        for segment, units in self._reached.items():
            for unit in units:
                for piece in self.pieces(unit):
                    for gate in piece.gates:
                        found[str(gate.module)].add(segment)
        return found

    def _find_rulers(self) -> dict[str, set[str]]:
        """Of each segment itself and those surely loaded when it is: its dominators."""
        holders = self._holders()
        rulers = {name: set(self._reached) for name in self._reached}
        rulers[self.root] = {self.root}
        changed = True
        while changed:
            changed = False
            for name in sorted(set(rulers) - {self.root}):
                found = set.intersection(*(rulers[each] for each in holders[name])) | {name}
                changed = changed or found != rulers[name]
                rulers[name] = found
        return rulers

    def _ruler(self, segments: set[str]) -> str:
        """The innermost segment that rules all of these."""
        shared = set.intersection(*(self._rulers[name] for name in segments))
        return max(shared, key=lambda name: len(self._rulers[name]))
