# SPDX-License-Identifier: Apache-2.0
"""Which unit lies in which file.

A segment is one file, but the root is cut into files of a few modules each, so that the room
which a file leaves behind when it has been loaded is filled by the next.
"""

from __future__ import annotations

from duotap_host.link.program import Definition, Program, Unit
from duotap_host.link.reach import Reach

NO_LIMIT = 1 << 30


class File:
    """One linked file: dotted `name`, its units, and what whoever imports it must find there."""

    def __init__(self, name: str, units: list[Unit]) -> None:
        self.name = name
        self.units = units
        self.exports: set[Definition] = set()


class Layout:
    """`limit`: nodes of syntax in a file of the root, whose last file is called `name`."""

    def __init__(self, program: Program, reach: Reach, name: str, limit: int) -> None:
        self.files: list[File] = []
        self.file_of: dict[Definition, File] = {}
        for segment in reach.segments:
            is_root = segment == reach.root
            groups = _groups(program, reach, segment, limit if is_root else NO_LIMIT)
            for index, units in enumerate(groups[:-1]):
                self._add(f"part{index}", units)
            self._add(name if is_root else segment, groups[-1])
            self.files[-1].exports = reach.taken[segment]

    def _add(self, name: str, units: list[Unit]) -> None:
        file = File(name, units)
        self.files.append(file)
        for unit in units:
            self.file_of.update((definition, file) for definition in unit.definitions)


def _groups(program: Program, reach: Reach, segment: str, limit: int) -> list[list[Unit]]:
    """The units of a segment in the order of their modules, cut between modules."""
    groups: list[list[Unit]] = [[]]
    size = 0
    for units in program.units.values():
        here = [unit for unit in units if reach.segment_of.get(unit) == segment]
        weight = sum(unit.weight for unit in here)
        if size and size + weight > limit:
            groups.append([])
            size = 0
        groups[-1] += here
        size += weight
    return groups
