# SPDX-License-Identifier: Apache-2.0
"""What the stock interpreter of an RP2040 does before boot.py and main.py (ports/rp2 of
MicroPython: main.c, modules/_boot.py), on the Unix port."""

import os
import sys

import rp2
import vfs

# Set when a tool at the prompt restarts the interpreter: then there is no main.py.
SOFT = "DUOTAP_SOFT_RESET"


def start():
    frozen = sys.path[0]
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(frozen), "/rom")
    vfs.mount(vfs.VfsLfs2(rp2.Flash(), progsize=256), "/")
    sys.path[:] = ["", "/rom", ".frozen", "/lib"]
    try:
        for name in ("boot.py",) if os.getenv(SOFT) else ("boot.py", "main.py"):
            with open(name) as source:
                text = source.read()
            exec(text, {"__name__": "__main__"})
    except BaseException as error:
        sys.print_exception(error, sys.stderr)
        raise
