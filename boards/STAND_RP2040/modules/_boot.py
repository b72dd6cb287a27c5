# SPDX-License-Identifier: Apache-2.0
"""Run by a build of its own before anything else: mounts the file system behind the journal.

A file system is made on blank flash only: one that does not mount may still hold a key, which
`mkfs` would destroy. Then nothing is mounted, no firmware starts, and a programmer can save both.
"""

import vfs
from journal_flash import files

BLOCK_BYTES = 4096
SUPERBLOCKS = 2

_flash = files()
try:
    _files = vfs.VfsLfs2(_flash, progsize=256)  # type: ignore[abstract]  # the stub is wrong
except OSError:
    _block = bytearray(SUPERBLOCKS * BLOCK_BYTES)
    _flash.readblocks(0, _block)
    if _block != b"\xff" * len(_block):
        raise
    vfs.VfsLfs2.mkfs(_flash, progsize=256)
    _files = vfs.VfsLfs2(_flash, progsize=256)  # type: ignore[abstract]  # as above
vfs.mount(_files, "/")
