# SPDX-License-Identifier: Apache-2.0
"""What a device seals, opened with the ledger's private key and nothing else."""

from duotap import ccm, hmac, p256, seal
from duotap.errors import Malformed
from own_cipher import Aes
from raising import raises
from real_key import RealKey as Key

DEVICE = bytes(range(16))
LEDGER = Key(b"ledger")
SEED = bytes(range(48))
COMMAND = b"\x00\x00\x00\x07"
# Computed by the host's `cryptography`: tests/duet/test_seal_opened.py opens the same bytes.
EPHEMERAL = (
    "043306be3e4aad764674da3e995b0417c0d7c4a93cd7727988f8e8edf75f7c298f4ac85b7d5d2bbea4cfad3cc2"
    "ba8bdf5cece54aa9d6bd2c4dc76b57645520064d"
)
SEALED = "0ceb7d82ea1a3e83332501100cc99c992cc3e781d72e13"


def sealing():
    return seal.Seal(DEVICE, LEDGER.public, SEED, Aes)


def opened(ephemeral, kind, count, command, sealed, ledger=LEDGER):
    """The ledger's side, step by step as PROTOCOL.md §6 says."""
    shared = p256.ecdh(ledger.secret, ephemeral)
    info = b"duotap seal 1" + DEVICE + ephemeral
    key = hmac.expand(hmac.extract(b"", shared), info, 16)
    nonce = bytes([kind]) + bytes(11) + bytes([count])
    return ccm.unseal(Aes(key), nonce, sealed, DEVICE + command)


def test_opens_with_the_ledgers_key():
    one = sealing()
    sealed = one.seal(seal.CHUNK, COMMAND, b"records")
    assert opened(one.ephemeral, seal.CHUNK, 0, COMMAND, sealed) == b"records"
    assert len(sealed) == len(b"records") + 16


def test_each_answer_has_a_nonce_of_its_own():
    one = sealing()
    first = one.seal(seal.CHUNK, COMMAND, b"same")
    second = one.seal(seal.CHUNK, COMMAND, b"same")
    head = one.seal(seal.HEAD, COMMAND, b"same")
    assert first != second != head
    assert opened(one.ephemeral, seal.CHUNK, 1, COMMAND, second) == b"same"
    assert opened(one.ephemeral, seal.HEAD, 2, COMMAND, head) == b"same"


def test_does_not_open_as_anything_else():
    one = sealing()
    sealed = one.seal(seal.CHUNK, COMMAND, b"records")
    other = b"\x00\x00\x00\x08"
    assert raises(Malformed, opened, one.ephemeral, seal.CHUNK, 0, other, sealed)
    assert raises(Malformed, opened, one.ephemeral, seal.HEAD, 0, COMMAND, sealed)
    assert raises(Malformed, opened, one.ephemeral, seal.CHUNK, 1, COMMAND, sealed)
    stranger = Key(b"stranger")
    assert raises(Malformed, opened, one.ephemeral, seal.CHUNK, 0, COMMAND, sealed, stranger)
    broken = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert raises(Malformed, opened, one.ephemeral, seal.CHUNK, 0, COMMAND, broken)


def test_the_bytes():
    one = sealing()
    sealed = one.seal(seal.CHUNK, COMMAND, b"records")
    assert one.ephemeral.hex() == EPHEMERAL
    assert sealed.hex() == SEALED


def test_agreeing_early_changes_nothing():
    early, late = sealing(), sealing()
    early.agree()
    assert early.seal(seal.HEAD, b"", b"x") == late.seal(seal.HEAD, b"", b"x")
    assert early._secret == late._secret == 0
