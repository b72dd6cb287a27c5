# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of one module of tests/both on MicroPython, as pytest does on CPython.

`micropython run_upy.py MODULE DIRECTORY...`; the directories become the import path. A line a
test, `ok NAME` or `FAIL NAME` and the traceback; the last line counts them, so that an interpreter
that died on the way is seen. Knows no fixtures, classes or parameters: tests/both has none.
"""

import gc
import sys

# A collection each 4 KiB, as on a device: a heap that is collected when it is full is in pieces.
gc.threshold(4096)


def run(module):
    """Sorted, because a module's dictionary has no order here."""
    names = sorted(name for name in dir(module) if name.startswith("test_"))
    for name in names:
        gc.collect()
        try:
            getattr(module, name)()
        except Exception as error:
            print("FAIL", name)
            sys.print_exception(error, sys.stdout)
        else:
            print("ok", name)
    print("ran", len(names))


if __name__ == "__main__":
    sys.path[:] = sys.argv[2:] + [".frozen"]
    run(__import__(sys.argv[1]))
