# SPDX-License-Identifier: Apache-2.0
"""A key whose signature anyone can make: SHA-256 over public key and digest. For tests of what is
around a signature; it has the shapes of P-256, a low S included."""

from hashlib import sha256

from duotap import status
from duotap.errors import Refusal


class PaperKey:
    """Signs without a secret; `name` (bytes) tells keys apart."""

    def __init__(self, name):
        self.public = b"\x04" + sha256(b"x" + name).digest() + sha256(b"y" + name).digest()
        self.kid = sha256(self.public).digest()[:16]

    def sign(self, digest):
        return _signature(self.public, digest)


def verify(public, digest, signature):
    if signature != _signature(public, digest):
        raise Refusal(status.SIGNATURE, "not signed by this key")


def _signature(public, digest):
    r = sha256(b"r" + public + digest).digest()
    return r + bytes(1) + sha256(b"s" + public + digest).digest()[1:]
