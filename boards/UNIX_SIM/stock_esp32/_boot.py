# SPDX-License-Identifier: Apache-2.0
"""What the stock interpreter of an ESP32 does before boot.py and main.py (ports/esp32 of
MicroPython: modules/_boot.py, flashbdev.py, inisetup.py), on the Unix port.

A file system that does not mount is made anew on blank flash only; else nothing starts.
"""

import sys

import vfs
from simulated import flash

BLOCK_BYTES = 4096


def start():
    frozen = sys.path[0]
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(frozen), "/rom")
    files = flash("files")
    try:
        vfs.mount(vfs.VfsLfs2(files, progsize=32), "/")
    except OSError:
        first = bytearray(BLOCK_BYTES)
        files.readblocks(0, first, 0)
        if first != b"\xff" * BLOCK_BYTES:
            raise
        vfs.VfsLfs2.mkfs(files, progsize=32)
        vfs.mount(vfs.VfsLfs2(files, progsize=32), "/")
    sys.path[:] = ["", "/rom", ".frozen", "/lib"]
    try:
        for name in ("boot.py", "main.py"):
            with open(name) as source:
                text = source.read()
            exec(text, {"__name__": "__main__"})
    except BaseException as error:
        sys.print_exception(error, sys.stderr)
        raise
