# SPDX-License-Identifier: Apache-2.0
"""Everything that the signer of class bound does, once: told by both interpreters over a bus."""

from hashlib import sha256

from port import bound

SECRET = 7
DIGEST = sha256(b"digest").digest()
HASHES = (bytes(32), sha256(b"one").digest(), sha256(b"two").digest())


class Stream:
    """Our side's part of each nonce."""

    def __init__(self):
        self.count = 0

    def read(self, purpose, nbytes):
        self.count += 1
        return sha256(purpose.encode() + bytes([self.count])).digest()[:nbytes]


def talk(driver):
    """Boot, sign, verify, tick, boot again as an older image and as the newest."""
    signer = bound.signer(driver, SECRET, Stream(), 1, 1)
    assert signer.accepts(0, (HASHES[0], HASHES[0]), True)
    signature = signer.sign(DIGEST)
    signer.verify(signer.public_key(), DIGEST, signature)
    signer.tick(HASHES[1])
    signer.tick(HASHES[2])
    assert not signer.accepts(1, (HASHES[1], HASHES[0]), True)
    assert signer.accepts(2, (HASHES[2], HASHES[1]), False)
    return signer.public_key(), signature
