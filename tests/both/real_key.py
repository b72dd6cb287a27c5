# SPDX-License-Identifier: Apache-2.0
"""A key of P-256, for tests that need a point of the curve; paper_key.py has its lighter twin."""

from hashlib import sha256

from duotap import p256
from duotap.cose import key_id


class RealKey:
    """Signs; `name` (bytes) tells keys apart."""

    def __init__(self, name):
        seed = sha256(name).digest() + sha256(b"more" + name).digest()[:16]
        self.secret = p256.secret_from_entropy(seed)
        self.public = p256.public_key(self.secret)
        self.kid = key_id(self.public)

    def sign(self, digest):
        return p256.sign(self.secret, digest)
