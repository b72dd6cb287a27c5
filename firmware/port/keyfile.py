# SPDX-License-Identifier: Apache-2.0
"""The private key of a board without a secure element: one file, written once at provisioning
(PROTOCOL.md §8 keeps it out of the journal).

A cut while it is written leaves no key file: it gets its name when it is whole. It knows no curve.
"""

from __future__ import annotations

import os
from binascii import crc32

from duotap.errors import Broken

SECRET_BYTES = 32
CRC_BYTES = 4
DRAFT = ".new"


class KeyFile:
    """`read` and `write` for `duotap.factory`; nothing else ever sees the path's content."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> bytes:
        """The secret, 32 bytes; b"" before the key is born. Raises Broken if the file decayed."""
        try:
            with open(self._path, "rb") as file:
                content = file.read()
        except OSError:
            return b""
        secret = content[:SECRET_BYTES]
        if len(content) != SECRET_BYTES + CRC_BYTES or _crc(secret) != content[SECRET_BYTES:]:
            raise Broken("key file is damaged")
        return secret

    def write(self, secret: bytes) -> None:
        """Keep the secret. Raises Broken if there is one already."""
        if self.read() or len(secret) != SECRET_BYTES:
            raise Broken("key file is written once")
        with open(self._path + DRAFT, "wb") as file:
            file.write(secret + _crc(secret))
        os.rename(self._path + DRAFT, self._path)


def _crc(secret: bytes) -> bytes:
    return (crc32(secret) & 0xFFFFFFFF).to_bytes(CRC_BYTES, "big")
