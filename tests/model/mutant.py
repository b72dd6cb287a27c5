# SPDX-License-Identifier: Apache-2.0
"""What a mutant is: one rule, left out of a shipped module at one place."""

from __future__ import annotations

from typing import NamedTuple

IN_LOCKSTEP = "paths of "
PATHS_MAX = 24  # until a mutant of what only the SQL ledger does lives


class Mutant(NamedTuple):
    """`old` stands in the source of `module` once; `run`: of runs.py, or in lockstep (paths.py)
    random paths of it."""

    name: str
    module: str
    old: str
    new: str
    run: str
    laws: tuple[str, ...]
