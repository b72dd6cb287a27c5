# SPDX-License-Identifier: Apache-2.0
"""What the PC as a board does before main.py: mounts the LittleFS of its virtual flash as root.

The folder of these modules stands in for a board's frozen modules; the host's file system is gone
afterwards.
"""

import sys

import machine
import vfs

ROM = "/rom"


def mount():
    frozen = sys.path[0]
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(frozen), ROM)
    vfs.mount(vfs.VfsLfs2(machine.flash("files"), readsize=32, progsize=32, lookahead=32), "/")
    sys.path[:] = [ROM, ".frozen", "/", "/lib"]


def start():
    """Run /boot.py, then /main.py, as every board does."""
    mount()
    try:
        for name in ("/boot.py", "/main.py"):
            with open(name) as source:
                text = source.read()
            exec(text, {"__name__": "__main__"})
    except BaseException as error:
        sys.print_exception(error, sys.stderr)  # the console is binary; the host keeps this apart
        raise
