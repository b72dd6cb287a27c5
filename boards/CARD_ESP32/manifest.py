# SPDX-License-Identifier: Apache-2.0
"""What a build of its own freezes: MicroPython's part, this board, the firmware as it stands.

Not the port's whole `modules`: its _boot.py offers a prompt where the file system does not mount.
"""

# ruff: noqa: F821  (the names are those of MicroPython's manifest files)
include("$(MPY_DIR)/extmod/asyncio")
freeze("modules")
include("../firmware.py")
