# SPDX-License-Identifier: Apache-2.0
"""New names for what stands behind a dot.

A private name (`_name`) belongs to the classes of one module, and of those that inherit from each
other: each such family numbers its own anew. Any other name that is only ever a stored value gets
one short name everywhere. Public methods, fields of namedtuples and whatever an object that is
not ours may be asked for keep theirs.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from duotap_host.link.program import Definition, Method, Outer, Program
from duotap_host.link.reach import TOLD_BY_TEXT

# Types of MicroPython's own objects; what CPython's have besides does no harm.
BUILTIN_TYPES: tuple[type, ...] = (
    *(str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset, int, slice, range),
    *(BaseException, OSError, StopIteration, type, object, type(lambda: 0), type(iter([]))),
    *(type((lambda: (yield))()), staticmethod, property),
)


class Attributes:
    """`name(module, old)`; `new_names` are all that were made."""

    def __init__(
        self,
        program: Program,
        foreign: Iterable[str],
        short_names: Callable[[], Iterator[str]],
    ) -> None:
        self._program = program
        self._short_names = short_names
        self._family = self._families()
        self._stored: dict[str, Counter[str]] = {}  # name: how often, by family
        self._spoken: dict[str, set[str]] = {}  # name: families that speak of it
        self._fixed = set(foreign).union(*(dir(each) for each in BUILTIN_TYPES))
        for module in program.modules.values():
            for node in program.nodes[module.name]:
                self._look(module.name, node)
        self._private: dict[tuple[str, str], str] = {}
        self._public: dict[str, str] = {}
        self._choose()
        self.new_names = set(self._private.values()) | set(self._public.values())

    def name(self, module: str, old: str) -> str:
        """The name that an attribute has wherever this module speaks of it."""
        return self._private.get((self._family[module], old), self._public.get(old, old))

    def _families(self) -> dict[str, str]:
        """Modules whose classes inherit from each other, by one of them."""
        family = {name: name for name in self._program.modules}
        for name, target in self._program.bases():
            if isinstance(target, Definition):
                old, new = family[name], family[target.module]
                family = {k: new if v == old else v for k, v in family.items()}
        return family

    def _look(self, module: str, node: ast.AST) -> None:
        family = self._family[module]
        if isinstance(node, ast.Attribute):
            self._spoken.setdefault(node.attr, set()).add(family)
            if isinstance(node.ctx, ast.Store) and (node.attr[0] != "_" or _is_own(node)):
                self._store(family, node.attr)
            if isinstance(self._program.target(module, node.value), Outer):
                self._fixed.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                self._look_in_class(family, part)
        elif isinstance(node, ast.Call):
            self._look_at_call(node)

    def _look_in_class(self, family: str, part: ast.stmt) -> None:
        if isinstance(part, Method):
            if part.name[0] == "_":
                self._store(family, part.name)
            else:
                self._fixed.add(part.name)
        for node in ast.walk(part) if isinstance(part, ast.Assign) else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._store(family, node.id)

    def _look_at_call(self, node: ast.Call) -> None:
        """Fields, and attributes that are told as text."""
        if ast.unparse(node.func) in (*TOLD_BY_TEXT, "namedtuple"):
            for part in ast.walk(node.args[1]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    self._fixed.update(part.value.split())

    def _store(self, family: str, name: str) -> None:
        self._stored.setdefault(name, Counter())[family] += 1

    def _choose(self) -> None:
        names = [each for each in self._stored if not each.endswith("__")]
        private = [each for each in names if each[0] == "_" and self._is_apart(each)]
        kept = set(self._stored) - set(private)
        for family in sorted(set(self._family.values())):
            free = (each for each in self._short_names() if each not in kept)
            for name in self._often_first(private, family):
                self._private[family, name] = next(free)
        taken = kept | set(self._private.values())
        free = (each for each in self._short_names() if each not in taken)
        for name in sorted(each for each in names if each[0] != "_" and each not in self._fixed):
            self._public[name] = next(free)

    def _is_apart(self, name: str) -> bool:
        """Not what one family speaks of and another makes: those cannot be told apart."""
        spoken = self._spoken.get(name, set())
        return name not in self._fixed and spoken <= set(self._stored[name])

    def _often_first(self, names: Iterable[str], family: str) -> list[str]:
        own = [name for name in names if self._stored[name][family]]
        return sorted(own, key=lambda name: (-self._stored[name][family], name))


def _is_own(node: ast.Attribute) -> bool:
    """Whether an object speaks of itself."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"
