# SPDX-License-Identifier: Apache-2.0
"""Opens what a device sealed to the ledger's encryption key, and reads the pieces of journal in
it (PROTOCOL.md §6).

ECDH on P-256, HKDF-SHA256, AES-CCM-16-128-128. It knows no link and no database.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from duotap.errors import Malformed

from duotap_host.issuer.es256 import public_key
from duotap_host.ledger.interface import RecordIn

INFO = b"duotap seal 1"
KEY_BYTES = 16
TAG_BYTES = 16
COUNT_BYTES = 12
CHUNK = 1
HEAD = 2

SEQUENCE_BYTES = 4
HASH_BYTES = 32
TYPE_BYTES = 1
LENGTH_BYTES = 2


class Piece(NamedTuple):
    """Records that follow each other, as READ JOURNAL returns them."""

    first_sequence: int
    previous_hash: bytes
    records: tuple[RecordIn, ...]


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

    def chunk(self, command: bytes, sealed: bytes) -> Piece | None:
        """A piece of journal, None at its end; `command`: data of READ JOURNAL. Malformed."""
        plain = self._open(CHUNK, command, sealed)
        return read_piece(plain) if plain else None

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


def read_piece(plain: bytes) -> Piece:
    """First sequence, hash of the record before, then type, length and body of each record."""
    start = SEQUENCE_BYTES + HASH_BYTES
    sequence = int.from_bytes(plain[:SEQUENCE_BYTES], "big")
    previous = plain[SEQUENCE_BYTES:start]
    if len(plain) <= start or sequence < 1:
        raise Malformed("piece of journal is cut short")
    records = []
    at = start
    while at < len(plain):
        body_at = at + TYPE_BYTES + LENGTH_BYTES
        end = body_at + int.from_bytes(plain[at + TYPE_BYTES : body_at], "big")
        if body_at > len(plain) or end > len(plain):
            raise Malformed("piece of journal is cut short")
        records.append(RecordIn(plain[at], plain[body_at:end]))
        at = end
    return Piece(sequence, previous, tuple(records))
