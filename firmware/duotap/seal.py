# SPDX-License-Identifier: Apache-2.0
"""What a device seals to the ledger: an ephemeral P-256 key, ECDH, HKDF-SHA256 and
AES-CCM-16-128-128 (PROTOCOL.md §6).

Whoever carries a sealed answer cannot read it. It knows neither journal nor link; entropy and the
block cipher are handed in, and opening is the ledger's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import ccm, hmac, p256, uint

if TYPE_CHECKING:
    from typing import Callable

INFO = b"duotap seal 1"
KEY_BYTES = 16
CHUNK = 1  # kinds of sealed answer, first byte of the nonce
HEAD = 2
COUNT_BYTES = 12
SEED_BYTES = p256.SEED_BYTES


class Seal:
    """One OPEN SYNC: seals any number of answers, each under a nonce of its own."""

    def __init__(
        self,
        device: bytes,
        ledger: bytes,
        seed: bytes,
        cipher: Callable[[bytes], ccm.BlockCipher],
    ) -> None:
        """`ledger`: its public encryption key. `seed`: 48 bytes of entropy. `cipher(key)`: AES."""
        self._secret = p256.secret_from_entropy(seed)
        self.ephemeral = p256.public_key(self._secret)
        self._device = device
        self._ledger = ledger
        self._new_cipher = cipher
        self._cipher: ccm.BlockCipher | None = None
        self.count = 0  # sealed answers so far

    def agree(self) -> ccm.BlockCipher:
        """The cipher of the agreed key: made when nobody waits, or by the first `seal`."""
        if self._cipher is None:
            shared = p256.ecdh(self._secret, self._ledger)
            info = INFO + self._device + self.ephemeral
            key = hmac.expand(hmac.extract(b"", shared), info, KEY_BYTES)
            self._cipher = self._new_cipher(key)
            self._secret = 0
        return self._cipher

    def seal(self, kind: int, command: bytes, plain: ccm.Octets) -> bytearray:
        """The next sealed answer; `command` is the command's data field."""
        nonce = bytes([kind]) + uint.encode(self.count, COUNT_BYTES)
        self.count += 1
        return ccm.seal(self.agree(), nonce, plain, self._device + command)
