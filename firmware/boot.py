# SPDX-License-Identifier: Apache-2.0
"""Run by the board before main.py: loads the linked firmware while the heap is still in one piece.

A collection each few KiB keeps what stays at the bottom of the heap; left alone, MicroPython
spreads it over all of it, and nothing large finds room afterwards.
"""

import gc

# About the code of one module, so that its garbage is gone before the next is loaded.
LOAD_BYTES = 4096
# What needs the longest piece of memory comes first: the table of P-256 has 16 KiB.
MODULES = ("duotap.p256_table", "device")

gc.threshold(LOAD_BYTES)  # type: ignore[attr-defined]  # MicroPython's
for module in MODULES:
    __import__(module)
gc.collect()
# From now on less often: a collection takes 10 ms, and integers of P-256 are garbage at once.
gc.threshold(gc.mem_free() // 4)  # type: ignore[attr-defined]  # MicroPython's
