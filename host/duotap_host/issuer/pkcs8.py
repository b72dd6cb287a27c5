# SPDX-License-Identifier: Apache-2.0
"""Private keys as encrypted PKCS#8 PEM (RFC 5958, RFC 7468): PBES2 with scrypt (RFC 7914 §7) and
AES-256-CBC, which OpenSSL and `cryptography` read.

`cryptography` itself writes PBKDF2 with 2048 rounds, which a stolen file of money keys does not
withstand. It knows no directory and never shows a passphrase.
"""

from __future__ import annotations

import base64
import os
import textwrap

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

# OWASP's parameters of 16 MiB, a guess costs about 0.15 s; OpenSSL refuses more than 32 MiB.
SCRYPT_N = 1 << 14
SCRYPT_R = 8
SCRYPT_P = 5
SALT_BYTES = 16
KEY_BYTES = 32
BLOCK_BITS = 128
PEM_COLUMNS = 64
LABEL = "ENCRYPTED PRIVATE KEY"

OID_PBES2 = bytes.fromhex("06092a864886f70d01050d")
OID_SCRYPT = bytes.fromhex("06092b06010401da47040b")
OID_AES_256_CBC = bytes.fromhex("060960864801650304012a")
SEQUENCE, OCTETS, INTEGER = 0x30, 0x04, 0x02


class WrongPassphrase(Exception):
    """The passphrase does not open the file."""


def write(key: ec.EllipticCurvePrivateKey, passphrase: bytes) -> bytes:
    """The key as PEM, which opens with the passphrase only."""
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt = os.urandom(SALT_BYTES)
    iv = os.urandom(BLOCK_BITS // 8)
    kdf = Scrypt(salt=salt, length=KEY_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    encryptor = Cipher(AES(kdf.derive(passphrase)), CBC(iv)).encryptor()
    padder = PKCS7(BLOCK_BITS).padder()
    padded = padder.update(plain) + padder.finalize()
    sealed = encryptor.update(padded) + encryptor.finalize()
    return _pem(_tlv(SEQUENCE, _algorithm(salt, iv), _tlv(OCTETS, sealed)))


def read(pem: bytes, passphrase: bytes) -> ec.EllipticCurvePrivateKey:
    """The key. WrongPassphrase; ValueError if the file is no encrypted private key of P-256.

    CBC has no checksum: one wrong passphrase in 256 leaves good padding, and what it opens is no
    key. So whatever an encrypted file fails of is told as a wrong passphrase.
    """
    if f"BEGIN {LABEL}".encode() not in pem:
        raise ValueError("not an encrypted private key")
    try:
        key = load_pem_private_key(pem, passphrase)
    except ValueError:
        raise WrongPassphrase from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ValueError("not a private key of P-256")
    return key


def _algorithm(salt: bytes, iv: bytes) -> bytes:
    numbers = [_tlv(INTEGER, _integer(n)) for n in (SCRYPT_N, SCRYPT_R, SCRYPT_P)]
    kdf = _tlv(SEQUENCE, OID_SCRYPT, _tlv(SEQUENCE, _tlv(OCTETS, salt), *numbers))
    cipher = _tlv(SEQUENCE, OID_AES_256_CBC, _tlv(OCTETS, iv))
    return _tlv(SEQUENCE, OID_PBES2, _tlv(SEQUENCE, kdf, cipher))


def _integer(value: int) -> bytes:
    """DER wants a leading zero where the top bit is set."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _pem(der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode(), PEM_COLUMNS)
    return "\n".join([f"-----BEGIN {LABEL}-----", *lines, f"-----END {LABEL}-----", ""]).encode()
