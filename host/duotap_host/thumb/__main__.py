# SPDX-License-Identifier: Apache-2.0
"""Write firmware/port/thumb_p256.py, or check that it is what this command writes:
`python -m duotap_host.thumb [--check]`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duotap

from duotap_host.thumb.runner import body

HEADER = '''\
# SPDX-License-Identifier: Apache-2.0
"""The field of P-256 in Thumb instructions of ARMv6-M, written by `python -m duotap_host.thumb`,
whose pages explain it; duotap_host/thumb/runner.py says how to call it. For the RP2040 only: it
compiles with -march=armv6m, and no other board imports it.
"""

# Names of the inline assembler are no names of Python.
# ruff: noqa: F821
# mypy: ignore-errors

import micropython


@micropython.asm_thumb
def address(r0):
    """Where the bytes of a buffer lie."""
    mov(r0, r0)


@micropython.asm_thumb
def run(r0, r1, r2):
    """Run a script over a frame; see runner.py."""
'''


def render() -> str:
    """Return the source text of the module."""
    return HEADER + "".join(f"    {line}\n" for line in body())


def path() -> Path:
    """Return where the module lives in this checkout."""
    return Path(duotap.__file__).parents[1] / "port" / "thumb_p256.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if it differs")
    if not parser.parse_args().check:
        path().write_text(render(), encoding="utf-8")
    elif not path().exists() or path().read_text(encoding="utf-8") != render():
        print(f"{path()} is not what `python -m duotap_host.thumb` writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
