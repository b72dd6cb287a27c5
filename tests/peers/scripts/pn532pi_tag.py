# SPDX-License-Identifier: Apache-2.0
"""pn532pi as a Type 4 Tag, until its reader lets go: `pn532pi_tag.py PATH OCTETS`."""

from __future__ import annotations

import sys

from pn532pi import EmulateTag
from pn532pi_serial import chip_at


def main(path: str, octets: str) -> None:
    tag = EmulateTag(chip_at(path))
    print("ready", tag.init(), flush=True)
    tag.setNdefFile(bytearray.fromhex(octets))
    tag.setUid(bytearray.fromhex("123456"))
    while not tag.emulate(60_000):
        pass
    content, length = tag.getContent()
    print("octets", bytes(content[:length]).hex())


main(*sys.argv[1:])
