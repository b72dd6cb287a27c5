# SPDX-License-Identifier: Apache-2.0
"""New names for what stands behind a dot.

A private name (`_name`) belongs to the classes of one module, and of those that inherit from each
other: each such family numbers its own anew. Any other name of an attribute, a method or a field
of a namedtuple gets one new name everywhere, unless an object that is not ours may be asked for
it, or it is told as text.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import hashlib
import io
import os
import select
import sys
import time
from collections import Counter
from collections.abc import Iterable

from duotap_host.link.program import Definition, Method, Outer, Program
from duotap_host.link.reach import TOLD_BY_TEXT
from duotap_host.link.rom import short_names

# Types of MicroPython's own objects; what CPython's have besides does no harm.
BUILTIN_TYPES: tuple[type, ...] = (
    *(str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset, int, slice, range),
    *(BaseException, OSError, StopIteration, type, object, type(lambda: 0), type(iter([]))),
    *(type((lambda: (yield))()), staticmethod, property),
    *(asyncio.Event, asyncio.Lock, asyncio.Task, asyncio.StreamReader, asyncio.StreamWriter),
    *(io.IOBase, io.FileIO, io.BytesIO, io.TextIOWrapper, type(hashlib.sha256()), select.poll),
)
# Modules that a function may import late, or keep under another name.
MODULES = (asyncio, gc, os, select, sys, time)
# What MicroPython's own C code looks for in any object.
PROTOCOL = {
    "ioctl",
    "readblocks",
    "writeblocks",
    "mount",
    "umount",
    "irq",
    "value",
    "errno",
    "args",
}
# What MicroPython's modules and objects have and CPython's have not.
MICROPYTHON = {"sleep_ms", "sleep_us", "ticks_ms", "ticks_us", "ticks_diff", "ticks_add", "ipoll"}
MICROPYTHON |= {"threshold", "mem_alloc", "mem_free", "kbd_intr", "encrypt", "decrypt", "any"}
MICROPYTHON |= {"init", "deinit", "wait_for_ms"}
ELSEWHERE = PROTOCOL.union(MICROPYTHON, *(dir(each) for each in (*BUILTIN_TYPES, *MODULES)))


class Attributes:
    """`name(module, old)`; `new_names` are all that were made."""

    def __init__(self, program: Program, foreign: Iterable[str]) -> None:
        self._program = program
        self._family = self._families()
        self._stored: dict[str, Counter[str]] = {}  # name: how often, by family
        self._spoken: dict[str, set[str]] = {}  # name: families that speak of it
        self._fixed = ELSEWHERE.union(foreign)
        self._fixed |= program.keywords  # a field of a namedtuple may be told by its name
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
            self._look_at_call(family, node)

    def _look_in_class(self, family: str, part: ast.stmt) -> None:
        if isinstance(part, Method):
            self._store(family, part.name)
        for node in ast.walk(part) if isinstance(part, ast.Assign) else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._store(family, node.id)

    def _look_at_call(self, family: str, node: ast.Call) -> None:
        """Attributes that are told as text, and fields."""
        if ast.unparse(node.func) in TOLD_BY_TEXT:
            for name in [part.value for part in node.args[1:2] if isinstance(part, ast.Constant)]:
                self._fixed.add(str(name))
                self._spoken.setdefault(str(name), set()).add(family)
        for name in fields_of(node):
            self._store(family, name)

    def _store(self, family: str, name: str) -> None:
        self._stored.setdefault(name, Counter())[family] += 1

    def _choose(self) -> None:
        names = [each for each in self._stored if not each.endswith("__")]
        private = [each for each in names if each[0] == "_" and self._is_apart(each)]
        public = [each for each in names if each[0] != "_" and each not in self._fixed]
        # Not what any object may have that one of ours inherits from, or is asked for by C.
        kept = set(self._stored).difference(private, public) | set(self._spoken) & self._fixed
        kept |= PROTOCOL.union(*(dir(each) for each in (tuple, BaseException, io.IOBase)))
        for family in sorted(set(self._family.values())):
            free = (each for each in short_names() if each not in kept)
            for name in self._often_first(private, family):
                self._private[family, name] = next(free)
        taken = kept | set(self._private.values())
        free = (each for each in short_names() if each not in taken)
        for name in sorted(public, key=lambda each: (-self._stored[each].total(), each)):
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


def fields_of(node: ast.Call) -> list[str]:
    """The names of the fields, if it is a call that makes a namedtuple."""
    if ast.unparse(node.func) != "namedtuple":
        return []
    texts = [part.value for part in ast.walk(node.args[1]) if isinstance(part, ast.Constant)]
    return " ".join([str(text) for text in texts]).split()
