# SPDX-License-Identifier: Apache-2.0
"""The private key of a board without a secure element: one file, written once at provisioning
(PROTOCOL.md §8 keeps it out of the journal). It knows no curve and no folder.
"""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING

from duotap.errors import Broken

if TYPE_CHECKING:
    from typing import Any

NAME = "purse.key"
SECRET_BYTES = 32
CRC_BYTES = 4


class KeyFile:
    """`read` and `write` for `duotap.factory`, over the board's files (port.files)."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def read(self) -> bytes:
        """The secret, 32 bytes; b"" before the key is born. Raises Broken if the file decayed."""
        if not self._files.has(NAME):
            return b""
        content = bytes(self._files.read(NAME))
        secret = content[:SECRET_BYTES]
        if len(content) != SECRET_BYTES + CRC_BYTES or _crc(secret) != content[SECRET_BYTES:]:
            raise Broken("key file is damaged")
        return secret

    def write(self, secret: bytes) -> None:
        """Keep the secret. Raises Broken if there is one already."""
        if len(secret) != SECRET_BYTES:
            raise Broken("key file holds 32 bytes")
        self._files.write_once(NAME, secret + _crc(secret))


def _crc(secret: bytes) -> bytes:
    return (crc32(secret) & 0xFFFFFFFF).to_bytes(CRC_BYTES, "big")
