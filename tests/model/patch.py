# SPDX-License-Identifier: Apache-2.0
"""Loads a shipped module with one place of its source changed. To be used before the module, or
anything that imports it, is imported for the first time."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any


class PatchFailed(Exception):
    """The place is not in the source exactly once, or the module was loaded before."""


class _Loader(importlib.abc.Loader):
    def __init__(self, path: str, old: str, new: str) -> None:
        self.path, self.old, self.new = path, old, new

    def exec_module(self, module: ModuleType) -> None:
        with open(self.path, encoding="utf-8") as file:
            source = file.read()
        exec(compile(replaced(source, self.old, self.new), self.path, "exec"), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, old: str, new: str) -> None:
        self.name, self.old, self.new = name, old, new

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        if found is None or found.origin is None:
            raise PatchFailed(f"there is no module {name}")
        return importlib.util.spec_from_file_location(
            name, found.origin, loader=_Loader(found.origin, self.old, self.new)
        )


def replaced(source: str, old: str, new: str) -> str:
    """The source with the one place changed."""
    if source.count(old) != 1:
        raise PatchFailed(f"{source.count(old)} places read {old!r}")
    return source.replace(old, new)


def install(name: str, old: str, new: str) -> None:
    """From now on, importing `name` gives the changed module."""
    if name in sys.modules:
        raise PatchFailed(f"{name} was imported before it could be patched")
    sys.meta_path.insert(0, _Finder(name, old, new))
