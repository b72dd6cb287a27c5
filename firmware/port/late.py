# SPDX-License-Identifier: Apache-2.0
"""Modules that are imported late, where they are needed, and dropped when they have served.

What a device does at one time it does not do at another: boot, listen, lead a tap, talk to a
cable, be provisioned. A heap that has room for each need not have room for all. Linked, everything
that only a late module needs lies in its file, so dropping it gives all of that back; where
modules lie apart (in process) it gives back next to nothing and does no harm.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def drop(*modules: str) -> None:
    """Forget modules, of which whoever calls holds nothing any more, and collect: what is imported
    next, and stays, then lies low in the heap, and the room above it stays in one piece. Where
    none of those that are named is there, nothing is collected: a tap asks often."""
    there = [module for module in modules if module in sys.modules]
    for module in there:
        del sys.modules[module]
        package, _, name = module.rpartition(".")
        sys.modules[package].__dict__.pop(name, None)
    if there or not modules:
        gc.collect()


def spend(module: str, *functions: Any) -> None:
    """Take functions that have served out of their module, which goes on, and collect."""
    for function in functions:
        sys.modules[module].__dict__.pop(function.__name__, None)
    gc.collect()
