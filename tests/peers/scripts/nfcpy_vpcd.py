# SPDX-License-Identifier: Apache-2.0
"""The card before a chip, as the card in vsmartcard's virtual reader: `nfcpy_vpcd.py PATH PORT`.

pcscd's driver vpcd connects to PORT for its first slot and to PORT + 1 for the second, in which a
card knows nothing: the driver cannot do with an empty one. Each message has two bytes of length in
front; one of a single byte is a control: 00 off, 01 on, 02 reset, 04 asks for the ATR; only that
one is answered.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable

from contactless import open_chip, sense_tag

HOST = "127.0.0.1"
GET_ATR = b"\x04"
# Of an ISO 14443-4 card without historical bytes (PC/SC part 3, 3.1.3.2.3.1).
ATR = bytes.fromhex("3b80800101")
DULL_ATR = bytes.fromhex("3b00")
FAILED = bytes.fromhex("6f00")


def serve(server: socket.socket, atr: bytes, transceive: Callable[[bytes], bytes]) -> None:
    """Answer one slot until its reader hangs up."""
    line, _ = server.accept()
    stream = line.makefile("rb")
    while len(head := stream.read(2)) == 2:
        message = stream.read(int.from_bytes(head, "big"))
        if len(message) > 1:
            reply = bytes(transceive(message))
        elif message == GET_ATR:
            reply = atr
        else:
            continue
        line.sendall(len(reply).to_bytes(2, "big") + reply)


def main(path: str, port: str) -> None:
    frontend = open_chip(path)
    try:
        tag = sense_tag(frontend)
        servers = [socket.create_server((HOST, int(port) + slot)) for slot in (0, 1)]
        print("waiting", flush=True)
        dull = (servers[1], DULL_ATR, lambda _command: FAILED)
        threading.Thread(target=serve, args=dull, daemon=True).start()
        serve(servers[0], ATR, tag.transceive)
    finally:
        frontend.close()


main(*sys.argv[1:])
