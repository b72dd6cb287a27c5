# SPDX-License-Identifier: Apache-2.0
"""Run by a build of its own before anything else: mounts the file system.

A file system is made on blank flash only: one that does not mount may still hold a key, which
`mkfs` would destroy. Then nothing is mounted, no firmware starts, and a programmer can save both.
"""

import vfs
from esp32 import Partition

BLOCK_BYTES = 4096
SUPERBLOCKS = 2

(_flash,) = Partition.find(Partition.TYPE_DATA, label="vfs")
try:
    _files = vfs.VfsLfs2(_flash)  # type: ignore[abstract]  # the stub is wrong
except OSError:
    _block = bytearray(SUPERBLOCKS * BLOCK_BYTES)
    _flash.readblocks(0, _block)
    if _block != b"\xff" * len(_block):
        raise
    vfs.VfsLfs2.mkfs(_flash)
    _files = vfs.VfsLfs2(_flash)  # type: ignore[abstract]  # as above
vfs.mount(_files, "/")
