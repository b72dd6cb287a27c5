# SPDX-License-Identifier: Apache-2.0
"""pn532pi as a reader: `pn532pi_reader.py PATH APDU...`"""

from __future__ import annotations

import sys

from pn532pi_serial import chip_at


def main(path: str, *commands: str) -> None:
    chip = chip_at(path)
    chip.begin()
    print("version", f"{chip.getFirmwareVersion():08x}")
    print("sam", chip.SAMConfig())
    success, uid = chip.readPassiveTargetID(0, inlist=True)
    print("uid", success, bytes(uid).hex())
    for command in commands:
        success, answer = chip.inDataExchange(bytearray.fromhex(command))
        print(command, success, bytes(answer).hex())


main(*sys.argv[1:])
