# SPDX-License-Identifier: Apache-2.0
"""The cryptographic core against the `cryptography` package (OpenSSL), both ways, on random input.

The seed is printed with a failure; DUOTAP_SEED replays it, DUOTAP_CROSS says how many rounds.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import p256_lines
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from duotap import ccm, hmac, p256
from duotap.errors import Malformed
from duotap.p256_point import N
from duotap_host.cipher import Aes
from upy.interpreter import FIRMWARE, MICROPYTHON, run

ROUNDS = int(os.environ.get("DUOTAP_CROSS", "300"))
AT_ONCE = 300  # rounds that one interpreter answers
SHA256 = ec.ECDSA(Prehashed(hashes.SHA256()))
SHA256_RFC_6979 = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)


@pytest.fixture
def dice() -> random.Random:
    seed = int(os.environ.get("DUOTAP_SEED", random.SystemRandom().getrandbits(32)))
    print(f"DUOTAP_SEED={seed} DUOTAP_CROSS={ROUNDS}")
    return random.Random(seed)


def uncompressed(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def private(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def plain(der: bytes) -> bytes:
    """r || s of an ASN.1 signature."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def low(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + min(s, N - s).to_bytes(32, "big")


def verified_by_openssl(secret: int, digest: bytes, signature: bytes) -> None:
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    private(secret).public_key().verify(encode_dss_signature(r, s), digest, SHA256)


def questions(dice: random.Random, rounds: int) -> list[tuple[str, str]]:
    """Questions that have one right answer, and OpenSSL's answer."""
    found: list[tuple[str, str]] = []
    for _ in range(rounds):
        secret, other = dice.randrange(1, N), dice.randrange(1, N)
        digest = dice.randbytes(32)
        key, peer = private(secret), private(other).public_key()
        public, name = uncompressed(key.public_key()), f"{secret:064x}"
        found.append((f"public {name}", public.hex()))
        repeated = plain(key.sign(digest, SHA256_RFC_6979))
        found.append((f"sign {name} {digest.hex()} -", low(repeated).hex()))
        shared = key.exchange(ec.ECDH(), peer)
        found.append((f"ecdh {name} {uncompressed(peer).hex()}", shared.hex()))
        signature = plain(key.sign(digest, SHA256))
        found.append((f"verify {public.hex()} {digest.hex()} {signature.hex()}", "good good"))
        wrong = bytearray(signature)
        wrong[dice.randrange(64)] ^= 1 << dice.randrange(8)
        found.append((f"verify {public.hex()} {digest.hex()} {wrong.hex()}", "bad bad"))
    return found


def test_core_answers_like_openssl(dice: random.Random) -> None:
    for question, expected in questions(dice, ROUNDS):
        assert p256_lines.answer(p256, question) == expected, question


@pytest.mark.long
@pytest.mark.skipif(not MICROPYTHON.exists(), reason="no MicroPython beside this Python")
def test_core_on_micropython_answers_like_openssl(dice: random.Random, tmp_path: Path) -> None:
    path = tmp_path / "questions"
    for left in range(ROUNDS, 0, -AT_ONCE):
        asked = questions(dice, min(AT_ONCE, left))
        path.write_text("".join(f"{question}\n" for question, _ in asked), encoding="utf-8")
        done = run(p256_lines.__file__, str(path), str(FIRMWARE), str(FIRMWARE / "shims"))
        assert done.returncode == 0, done.stdout
        for (question, expected), answer in zip(asked, done.stdout.splitlines(), strict=True):
            assert answer == expected, question


def test_hedged_signatures_are_right_for_openssl(dice: random.Random) -> None:
    for _ in range(ROUNDS):
        secret = p256.secret_from_entropy(dice.randbytes(48))
        digest = dice.randbytes(32)
        signature = p256.sign(secret, digest, dice.randbytes(dice.randrange(1, 70)))
        assert p256.is_low_s(signature)
        verified_by_openssl(secret, digest, signature)


def test_hmac_and_hkdf_answer_like_openssl(dice: random.Random) -> None:
    for _ in range(ROUNDS):
        key, message = dice.randbytes(dice.randrange(0, 200)), dice.randbytes(dice.randrange(300))
        # OpenSSL takes no empty key; RFC 2104 fills it up with zeros.
        theirs = HMAC(key or bytes(1), hashes.SHA256())
        theirs.update(message)
        assert hmac.digest(key, message) == theirs.finalize()
        salt, info, size = dice.randbytes(32), dice.randbytes(20), dice.randrange(1, 255 * 32 + 1)
        expected = HKDF(hashes.SHA256(), size, salt, info).derive(message)
        assert hmac.expand(hmac.extract(salt, message), info, size) == expected


def test_ccm_answers_like_openssl(dice: random.Random) -> None:
    for size in [0, 1, 15, 16, 17, 0xFFFF, *(dice.randrange(2000) for _ in range(ROUNDS))]:
        key, nonce = dice.randbytes(dice.choice([16, 32])), dice.randbytes(13)
        message = dice.randbytes(size)
        aad = dice.randbytes(dice.choice([0, 1, 13, 14, 15, 600, 0xFEFF]))
        sealed = ccm.seal(Aes(key), nonce, message, aad)
        assert sealed == AESCCM(key).encrypt(nonce, message, aad)
        assert ccm.unseal(Aes(key), nonce, sealed, aad) == message
        forged = bytearray(sealed)
        forged[dice.randrange(len(forged))] ^= 1 << dice.randrange(8)
        with pytest.raises(InvalidTag):
            AESCCM(key).decrypt(nonce, bytes(forged), aad)
        with pytest.raises(Malformed):
            ccm.unseal(Aes(key), nonce, bytes(forged), aad)
