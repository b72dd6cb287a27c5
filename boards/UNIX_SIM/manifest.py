# SPDX-License-Identifier: Apache-2.0
"""What a Unix port built for this board freezes; the stock one gets the same modules as .mpy."""

# ruff: noqa: F821  (the names are those of MicroPython's manifest files)
include("$(PORT_DIR)/variants/standard/manifest.py")
freeze("modules")
