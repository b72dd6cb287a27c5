# SPDX-License-Identifier: Apache-2.0
"""nfcpy's own loop: print a tag when it comes and when it goes; `nfcpy_connect.py PATH`."""

from __future__ import annotations

import sys

from contactless import open_chip


def came(tag: object) -> bool:
    print("came", tag, flush=True)
    return True  # stay in the loop until it goes


def went(tag: object) -> bool:
    print("went", tag, flush=True)
    return True


def main(path: str) -> None:
    frontend = open_chip(path)
    try:
        for _ in range(2):
            frontend.connect(rdwr={"on-connect": came, "on-release": went, "targets": ["106A"]})
    finally:
        frontend.close()


main(*sys.argv[1:])
