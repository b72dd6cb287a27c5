# SPDX-License-Identifier: Apache-2.0
"""Opens what a device sealed to the ledger's encryption key, and splits the pieces of journal in
it (PROTOCOL.md §6).

ECDH on P-256, HKDF-SHA256, AES-CCM-16-128-128. It knows no link and no database.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from duotap import record
from duotap.errors import Malformed

from duotap_host.issuer.es256 import public_key

INFO = b"duotap seal 1"
KEY_BYTES = 16
TAG_BYTES = 16
COUNT_BYTES = 12
CHUNK = 1
HEAD = 2

# Where a statement says how long its record's body is.
LENGTH_FROM = record.LENGTH_AT - record.STATEMENT_AT
LENGTH_TO = LENGTH_FROM + 2


class Seal:
    """One OPEN SYNC of one device: opens its sealed answers in the order they were made."""

    def __init__(
        self, device: bytes, ephemeral: bytes, encryption: ec.EllipticCurvePrivateKey
    ) -> None:
        """`ephemeral`: the device's answer to OPEN SYNC. Malformed if it is no point."""
        secret = encryption.exchange(ec.ECDH(), public_key(ephemeral))
        info = INFO + device + ephemeral
        key = HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret)
        self._cipher = AESCCM(key, tag_length=TAG_BYTES)
        self._device = device
        self.count = 0  # sealed answers so far

    def chunk(self, command: bytes, sealed: bytes) -> tuple[bytes, ...]:
        """Records' statements, none at the journal's end; `command`: data of READ JOURNAL.
        Malformed."""
        return read_piece(self._open(CHUNK, command, sealed))

    def head(self, command: bytes, sealed: bytes) -> bytes:
        """A head's message; `command`: data of GET HEAD. Malformed."""
        return self._open(HEAD, command, sealed)

    def _open(self, kind: int, command: bytes, sealed: bytes) -> bytes:
        nonce = bytes([kind]) + self.count.to_bytes(COUNT_BYTES, "big")
        try:
            plain = self._cipher.decrypt(nonce, sealed, self._device + command)
        except InvalidTag:
            raise Malformed("sealed to another key, or altered on the way") from None
        self.count += 1
        return plain


def read_piece(plain: bytes) -> tuple[bytes, ...]:
    """The statements of whole records, one after the other (PROTOCOL.md §9). Malformed."""
    statements = []
    at = 0
    while at < len(plain):
        length = int.from_bytes(plain[at + LENGTH_FROM : at + LENGTH_TO], "big")
        end = at + record.HEAD_SIZE + length
        if end > len(plain):
            raise Malformed("piece of journal is cut short")
        record.decode(plain[at:end])
        statements.append(plain[at:end])
        at = end
    return tuple(statements)
