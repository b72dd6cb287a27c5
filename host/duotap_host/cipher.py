# SPDX-License-Identifier: Apache-2.0
"""AES for `duotap.ccm` by the `cryptography` package: the host's twin of firmware/port/cipher.py.

It encrypts only (CCM needs no more) and knows no nonces.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB


class Aes:
    """AES-128 or AES-256 under one key of 16 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)

    def ecb(self, blocks: bytes) -> bytes:
        """Encrypt whole blocks of 16 bytes, each for itself."""
        # ECB is safe here: CCM encrypts counter blocks with it, of which no two are equal.
        encryptor = Cipher(self._algorithm, ECB()).encryptor()
        return encryptor.update(blocks) + encryptor.finalize()

    def cbc(self, iv: bytes, blocks: bytes) -> bytes:
        """Encrypt whole blocks of 16 bytes in a chain that starts with iv."""
        encryptor = Cipher(self._algorithm, CBC(iv)).encryptor()
        return encryptor.update(blocks) + encryptor.finalize()
