# SPDX-License-Identifier: Apache-2.0
"""AES for `duotap.ccm` by MicroPython's `cryptolib`, which has it in C on every port used here.

It encrypts only (CCM needs no more) and knows no nonces.
"""

from __future__ import annotations

from cryptolib import aes  # type: ignore[import-not-found]  # on MicroPython only

MODE_ECB = 1
MODE_CBC = 2


class Aes:
    """AES-128 or AES-256 under one key of 16 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ecb = aes(key, MODE_ECB)

    def ecb(self, blocks: bytes) -> bytes:
        """Encrypt whole blocks of 16 bytes, each for itself."""
        encrypted: bytes = self._ecb.encrypt(blocks)
        return encrypted

    def cbc(self, iv: bytes, blocks: bytes) -> bytes:
        """Encrypt whole blocks of 16 bytes in a chain that starts with iv."""
        encrypted: bytes = aes(self._key, MODE_CBC, iv).encrypt(blocks)
        return encrypted
