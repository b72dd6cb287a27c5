# SPDX-License-Identifier: Apache-2.0
"""What the stock interpreter of an RP2040 does before boot.py and main.py (ports/rp2 of
MicroPython: main.c, modules/_boot.py), on the Unix port."""

import os
import sys

import micropython

micropython.kbd_intr(-1)  # a chip listens to nobody before boot.py

import rp2  # noqa: E402
import vfs  # noqa: E402

# Set when a tool at the prompt restarts the interpreter: then there is no main.py.
SOFT = "DUOTAP_SOFT_RESET"
INTERRUPT = 3  # Ctrl-C


def run(name):
    """As pyexec_file does (shared/runtime/pyexec.c): a file can be interrupted while it runs, and
    before and after it nothing can."""
    with open(name) as source:
        code = compile(source.read(), name, "exec")
    micropython.kbd_intr(INTERRUPT)
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        micropython.kbd_intr(-1)


def start():
    frozen = sys.path[0]
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(frozen), "/rom")
    vfs.mount(vfs.VfsLfs2(rp2.Flash(), progsize=256), "/")
    sys.path[:] = ["", "/rom", ".frozen", "/lib"]
    try:
        for name in ("boot.py",) if os.getenv(SOFT) else ("boot.py", "main.py"):
            run(name)
    except BaseException as error:
        sys.print_exception(error, sys.stderr)
        raise
