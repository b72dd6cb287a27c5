# SPDX-License-Identifier: Apache-2.0
"""Read the NDEF message of a tag, print its octets; then write one, if octets are given.

`nfcpy_ndef.py PATH [OCTETS]`
"""

from __future__ import annotations

import sys

from contactless import open_chip, sense_tag


def main(path: str, octets: str = "") -> None:
    frontend = open_chip(path)
    try:
        tag = sense_tag(frontend)
        print(tag)
        print("uid", tag.identifier.hex())
        if tag.ndef is None:
            raise LookupError("no NDEF in this tag")
        print("octets", tag.ndef.octets.hex())
        if octets:
            tag.ndef.octets = bytes.fromhex(octets)
            print("changed", tag.ndef.has_changed)
            print("octets", tag.ndef.octets.hex())
        print("present", tag.is_present)
    finally:
        frontend.close()


main(*sys.argv[1:])
