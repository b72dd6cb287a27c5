# SPDX-License-Identifier: Apache-2.0
"""Be an ISO 14443-4 card with nfcpy, blocks and all; each APDU is answered by itself and 9000.

`nfcpy_emulate.py PATH`, until the reader has gone. The host does the block layer: SetParameters is
00 and frames pass raw.
"""

from __future__ import annotations

import sys

import nfc.clf
from contactless import open_chip

I_BLOCK = 0x02
CHAINING = 0x10


def answer(block: bytes, apdu: bytearray) -> bytes:
    """The block that answers `block`; `apdu` collects chained parts."""
    pcb = block[0]
    if pcb & 0xE2 == I_BLOCK:
        apdu += block[1:]
        if pcb & CHAINING:
            return bytes([0xA2 | pcb & 1])
        whole, apdu[:] = bytes(apdu), b""
        print("apdu", whole.hex(), flush=True)
        return bytes([pcb]) + whole + b"\x90\x00"
    if pcb & 0xF6 == 0xB2:  # R(NAK): still here
        return bytes([0xA2 | pcb & 1])
    return bytes(block)  # S(DESELECT)


def main(path: str) -> None:
    frontend = open_chip(path)
    try:
        local = nfc.clf.LocalTarget("106A", sens_res=b"\x04\x00", sel_res=b"\x20")
        local.sdd_res = b"\x08\x01\x02\x03"
        target = None
        while target is None:
            target = frontend.listen(local, timeout=1.0)
        apdu = bytearray()
        block = bytes(target.tt4_cmd)
        while block:
            block = frontend.exchange(answer(block, apdu), timeout=5.0)
    except nfc.clf.CommunicationError as error:
        print("ended", type(error).__name__)
    finally:
        frontend.close()


main(*sys.argv[1:])
