# SPDX-License-Identifier: Apache-2.0
"""Write firmware/duotap/p256_table.py, the comb of the generator of P-256, or check that it is
what this command writes: `python -m duotap_host.tables [--check]`.

The table is computed by the shipped `duotap.p256_comb`; tests check each entry against another
library.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duotap
from duotap.p256_comb import MASKED_BITS, comb_of
from duotap.p256_point import GX, GY

# 8 teeth in 2 blocks: 16 KiB, and 18 doublings with 36 additions a signature. One tooth more
# doubles the table and saves 4 of 36 additions; RAM of a stock board has no room for that.
TEETH = 8
BLOCKS = 2
LINE_BYTES = 64

HEADER = '''\
# SPDX-License-Identifier: Apache-2.0
"""The comb of the generator of P-256, written by `python -m duotap_host.tables`; see
duotap.p256_comb.Comb for the order. One line is one point. It knows nothing but these bytes.
"""

'''


def render(teeth: int = TEETH, blocks: int = BLOCKS) -> str:
    """Return the source text of the table; teeth * blocks divides MASKED_BITS."""
    columns = MASKED_BITS // (teeth * blocks)
    table = bytes(comb_of(GX, GY, teeth, blocks, columns).table)
    lines = [HEADER, f"TEETH = {teeth}\nBLOCKS = {blocks}\nCOLUMNS = {columns}\nTABLE = (\n"]
    for start in range(0, len(table), LINE_BYTES):
        digits = "".join(f"\\x{byte:02x}" for byte in table[start : start + LINE_BYTES])
        lines.append(f'    b"{digits}"\n')
    lines.append(")\n")
    return "".join(lines)


def path() -> Path:
    """Return where the table lives in this checkout."""
    return Path(duotap.__file__).with_name("p256_table.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if it differs")
    check = parser.parse_args().check
    if not check:
        path().write_text(render(), encoding="utf-8")
    elif not path().exists() or path().read_text(encoding="utf-8") != render():
        print(f"{path()} is not what `python -m duotap_host.tables` writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
