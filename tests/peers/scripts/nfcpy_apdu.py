# SPDX-License-Identifier: Apache-2.0
"""Send C-APDUs to a tag and print what comes back: `nfcpy_apdu.py PATH UID APDU...` (- is any)."""

from __future__ import annotations

import sys

from contactless import open_chip, sense_tag


def main(path: str, uid: str, *commands: str) -> None:
    frontend = open_chip(path)
    try:
        tag = sense_tag(frontend, uid.strip("-"))
        print("uid", tag.identifier.hex())
        for command in commands:
            print(command, tag.transceive(bytes.fromhex(command)).hex(), flush=True)
    finally:
        frontend.close()


main(*sys.argv[1:])
