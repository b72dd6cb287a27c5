# SPDX-License-Identifier: Apache-2.0
"""The card before a chip, as the card in vsmartcard's virtual reader: `nfcpy_vpcd.py PATH PORT`.

pcscd's driver vpcd connects to us. Each message has two bytes of length in front; one of a single
byte is a control: 00 off, 01 on, 02 reset, 04 asks for the ATR; only that one is answered.
"""

from __future__ import annotations

import socket
import sys

from contactless import open_chip, sense_tag

GET_ATR = b"\x04"
# Of an ISO 14443-4 card without historical bytes (PC/SC part 3, 3.1.3.2.3.1).
ATR = bytes.fromhex("3b80800101")


def messages(line: socket.socket):
    """What the reader sends, until it hangs up."""
    stream = line.makefile("rb")
    while len(head := stream.read(2)) == 2:
        yield stream.read(int.from_bytes(head, "big"))


def main(path: str, port: str) -> None:
    frontend = open_chip(path)
    try:
        tag = sense_tag(frontend)
        with socket.create_server(("127.0.0.1", int(port))) as server:
            print("waiting", flush=True)
            line, _ = server.accept()
            for message in messages(line):
                if len(message) > 1:
                    reply = bytes(tag.transceive(message))
                elif message == GET_ATR:
                    reply = ATR
                else:
                    continue
                line.sendall(len(reply).to_bytes(2, "big") + reply)
    finally:
        frontend.close()


main(*sys.argv[1:])
