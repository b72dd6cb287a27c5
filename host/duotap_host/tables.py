# SPDX-License-Identifier: Apache-2.0
"""Write firmware/duotap/p256_table.py and p256_wide.py, tables of multiples of the generator of
P-256, or check that they are what this command writes: `python -m duotap_host.tables [--check]`.

The tables are computed by the shipped `duotap.p256_comb`; tests check each entry against another
library.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import duotap
from duotap.p256_comb import ENTRY_BYTES, MASKED_BITS
from duotap.p256_making import comb_of
from duotap.p256_point import GX, GY


class Shape(NamedTuple):
    """A module: what it is for, its comb, and how many points a line of it has."""

    module: str
    purpose: str
    teeth: int
    blocks: int
    line_points: int

    def of(self, teeth: int, blocks: int) -> Shape:
        """Return the same module with another comb; teeth * blocks divides MASKED_BITS."""
        return self._replace(teeth=teeth, blocks=blocks)

    @property
    def columns(self) -> int:
        return MASKED_BITS // (self.teeth * self.blocks)


SHAPES = (
    # 18 doublings with 36 additions a signature.
    Shape("p256_table", "the comb of the generator of P-256", 8, 2, 1),
    # 9 doublings with 36 additions. 32 KiB: for boards that freeze it into their flash or have the
    # RAM for it.
    Shape("p256_wide", "a larger comb of the generator of P-256", 8, 4, 2),
)

HEADER = '''\
# SPDX-License-Identifier: Apache-2.0
"""{}.

Written by `python -m duotap_host.tables`; see duotap.p256_comb.Comb for the order. One line is
{}. It knows nothing but these bytes.
"""

'''
POINTS = {1: "one point", 2: "two points"}


def render(shape: Shape) -> str:
    """Return the source text of a module."""
    purpose = shape.purpose[0].upper() + shape.purpose[1:]
    lines = [HEADER.format(purpose, POINTS[shape.line_points])]
    lines.append(f"TEETH = {shape.teeth}\nBLOCKS = {shape.blocks}\nCOLUMNS = {shape.columns}\n")
    comb = comb_of(GX, GY, shape.teeth, shape.blocks, shape.columns)
    size = ENTRY_BYTES * shape.line_points
    lines += _constant("TABLE", bytes(comb.table), size)
    return "".join(lines)


def _constant(name: str, content: bytes, line_bytes: int) -> list[str]:
    lines = [f"{name} = (\n"]
    for start in range(0, len(content), line_bytes):
        digits = "".join(f"\\x{byte:02x}" for byte in content[start : start + line_bytes])
        lines.append(f'    b"{digits}"\n')
    return [*lines, ")\n"]


def path(shape: Shape) -> Path:
    """Return where a module lives in this checkout."""
    return Path(duotap.__file__).with_name(f"{shape.module}.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if it differs")
    check = parser.parse_args().check
    for shape in SHAPES:
        text = render(shape)
        if not check:
            path(shape).write_text(text, encoding="utf-8")
        elif not path(shape).exists() or path(shape).read_text(encoding="utf-8") != text:
            print(f"{path(shape)} is not what `python -m duotap_host.tables` writes")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
