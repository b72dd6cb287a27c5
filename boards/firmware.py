# SPDX-License-Identifier: Apache-2.0
"""The firmware as every board's own build freezes it (a manifest; the boards include it).

Frozen code takes no heap, so nothing is linked here. Machine code is frozen where it runs.
"""

# ruff: noqa: F821  (the names are those of MicroPython's manifest files)
for _package in ("card", "drivers", "duotap", "stand"):
    package(_package, base_path="../firmware", opt=3)
freeze("../firmware", PORT, opt=3)
freeze("../firmware/shims", opt=3)
module("main.py", base_path="../firmware", opt=3)
