# SPDX-License-Identifier: Apache-2.0
"""What a build of its own freezes: MicroPython's part, this board, the firmware as it stands."""

# ruff: noqa: F821  (the names are those of MicroPython's manifest files)
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
freeze("modules")
include("../firmware.py")
