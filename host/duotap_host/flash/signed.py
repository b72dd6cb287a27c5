# SPDX-License-Identifier: Apache-2.0
"""The signature of a firmware image: what the issuer let out for a board.

    signature = [keycert, COSE_Sign1]   ; CBOR; the keycert is of usage firmware (PROTOCOL.md §3)
    payload   = { 0: 40, 1: 1, 3: board, 4: SHA-256 of the interpreter, 25: firmware digest }

The digest is what the device's certificate and its journal head name, so that the same 32 bytes
are signed, flashed, certified and found again in a deposit. Everything is looked at before a byte
is written. Knows no board and no cable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from duotap import cbor, certificate, cose
from duotap.errors import Refusal

from duotap_host.flash.failures import NotUsable
from duotap_host.flash.image import DEVELOPMENT
from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import verify

TYPE, VERSION = 40, 1
TYPE_KEY, VERSION_KEY, BOARD_KEY, INTERPRETER_KEY, FIRMWARE_KEY = 0, 1, 3, 4, 25


class Image(NamedTuple):
    """What is signed."""

    board: str
    interpreter: bytes  # SHA-256 of the file that the user downloaded or built
    firmware: bytes  # digest of the firmware beside it

    @classmethod
    def of(cls, board: str, interpreter: bytes, firmware: bytes) -> Image:
        """`interpreter` is the content of its file."""
        return cls(board, hashlib.sha256(interpreter).digest(), firmware)

    def payload(self) -> bytes:
        claims = {
            TYPE_KEY: TYPE,
            VERSION_KEY: VERSION,
            BOARD_KEY: self.board,
            INTERPRETER_KEY: self.interpreter,
            FIRMWARE_KEY: self.firmware,
        }
        return cbor.encode(claims)


def sign(image: Image, issuer: Issuer) -> bytes:
    """The content of a signature file. NotUsable for a development build; IssuerError."""
    if image.firmware.startswith(DEVELOPMENT):
        raise NotUsable("a development build is not signed")
    return cbor.encode(list(issuer.sign_firmware(image.payload())))


def check(signature: bytes, image: Image, roots: Iterable[bytes], epoch: int) -> None:
    """Raises NotUsable unless one of `roots` certified the key that signed exactly this image and
    that key is not expired at `epoch`."""
    trust = certificate.Trust(tuple(roots), verify)
    try:
        parts = cbor.decode(signature)
        if type(parts) is not list or [type(part) for part in parts] != [bytes, bytes]:
            raise NotUsable("this is no signature of an image")
        trust.add(parts[0])
        sign1 = cose.decode(parts[1])
        trust.verify(cose.opened(sign1, None, 0), certificate.USAGE_FIRMWARE, epoch)
    except Refusal as refusal:
        raise NotUsable(f"the image's signature does not hold: {refusal.reason}") from None
    if sign1.payload != image.payload():
        raise NotUsable("the signature is of another image, board or interpreter")
