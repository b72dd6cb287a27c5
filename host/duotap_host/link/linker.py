# SPDX-License-Identifier: Apache-2.0
"""Many modules to a few files: `link` is the whole way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from duotap_host.link.emit import Emitter
from duotap_host.link.emit import Renamed as Renamed
from duotap_host.link.layout import Layout
from duotap_host.link.names import Names
from duotap_host.link.program import Definition, Program
from duotap_host.link.reach import Reach
from duotap_host.link.source import Module
from duotap_host.link.texts import Reason as Reason
from duotap_host.link.texts import Reasons

# About 10 KB of .mpy: what a file leaves behind is small beside what is loaded after it.
FILE_NODES = 600000
ERRORS = Definition("duotap.errors", "DuotapError")


class Linked(NamedTuple):
    """Source text of each file by its dotted name, and what the files no longer tell."""

    texts: dict[str, str]
    reasons: list[Reason]
    renamed: list[Renamed]


def link(
    modules: Iterable[Module],
    root: str,
    exports: Iterable[str],
    *,
    name: str,
    foreign: Iterable[str] = (),
    asked: Iterable[str] = (),
    errors: Definition = ERRORS,
    limit: int = FILE_NODES,
) -> Linked:
    """Link `root` and all that it imports, at once or late.

    `name`: the file that has its `exports`. `foreign`: names behind a dot that objects from
    elsewhere have. `asked`: names by which others call methods and parameters. `errors`: the
    class of all errors whose parameter `reason` stays behind. Raises LinkError.
    """
    asked = set(asked)
    program = Program(modules, root)
    program.keywords |= asked
    reach = Reach(program, root, exports, asked)
    layout = Layout(program, reach, name, limit)
    names = Names(program, reach, layout, asked.union(foreign))
    reasons = Reasons(program, errors, "reason")
    emitter = Emitter(program, reach, names, reasons, layout)
    return Linked(emitter.texts, reasons.rows, emitter.renamed)
