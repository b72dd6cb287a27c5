# SPDX-License-Identifier: Apache-2.0
"""What a device gives to the ledger, as the ledger opens it (PROTOCOL.md §6)."""

from board_flash import Flash
from duotap import ccm, certificate, hmac, messages, p256, record, records, seal, status
from duotap.deposit import CHUNK_MAX, Deposit, Gauges
from issuing import FIRMWARE, Bench, Issuer, Stream, refused
from own_cipher import Aes
from real_key import RealKey

SECONDS = 1_700_000_000
NONCE = bytes(range(16))
READER = bytes(range(16, 32))


class Mixed:
    """Keys of paper, but the one that is computed with."""

    def __init__(self):
        self.ledger = RealKey(b"ledger")
        self.issuer = Issuer()
        self.issuer.keys[certificate.USAGE_ENCRYPTION] = self.ledger
        usage = certificate.USAGE_ENCRYPTION
        self.issuer.keycerts[-1] = self.issuer.keycert(self.ledger.public, usage)


MIXED = Mixed()
ISSUER = MIXED.issuer


class Ledger:
    """The other end: opens what a deposit seals."""

    def __init__(self, bench):
        self.bench = bench
        self.deposit = Deposit(bench.device, Stream(), Aes, Gauges(lambda: 80, lambda: SECONDS))
        ephemeral = self.deposit.open()
        self.deposit.work()
        shared = p256.ecdh(MIXED.ledger.secret, ephemeral)
        info = seal.INFO + bench.device.id + ephemeral
        self.cipher = Aes(hmac.expand(hmac.extract(b"", shared), info, 16))
        self.count = 0

    def opened(self, kind, command, sealed):
        nonce = bytes([kind]) + bytes(11) + bytes([self.count])
        self.count += 1
        return ccm.unseal(self.cipher, nonce, sealed, self.bench.device.id + command)

    def statements(self, sequence):
        """Decoded records of one piece."""
        command = sequence.to_bytes(4, "big")
        plain = self.opened(seal.CHUNK, command, self.deposit.piece(command, sequence))
        found = []
        while plain:
            end = record.HEAD_SIZE + int.from_bytes(plain[3:5], "big")
            found.append(plain[:end])
            plain = plain[end:]
        return found

    def head(self):
        sealed = self.deposit.head(b"asked", NONCE, READER)
        return messages.decode(self.opened(seal.HEAD, b"asked", sealed), messages.Head)


def device(loads=0):
    bench = Bench(Flash(20), ISSUER)
    for number in range(1, loads + 1):
        bench.purse.commit(records.LOAD, ISSUER.load(bench.device.id, number, 100))
    return bench


def test_all_records_come_as_the_statements_that_are_hashed():
    bench = device(12)
    ledger = Ledger(bench)
    found = []
    pieces = 0
    while True:
        piece = ledger.statements(len(found) + 1)
        if not piece:
            break
        pieces += 1
        assert len(piece) == 1 or sum([len(one) for one in piece]) <= CHUNK_MAX
        found += piece
    assert pieces > 1 and len(found) == 13
    chain = record.NO_HASH
    for statement in found:
        assert record.decode(statement).previous == chain
        chain = record.hash_of(statement)
    assert chain == bench.purse.journal.head_hash


def test_a_pull_goes_on_anywhere():
    bench = device(3)
    ledger = Ledger(bench)
    assert [record.decode(one).sequence for one in ledger.statements(3)] == [3, 4]
    assert ledger.statements(5) == []
    assert ledger.statements(1_000_000) == []


def test_what_was_pruned_begins_with_the_oldest_that_is_kept():
    bench = device(3)
    bench.purse.journal.prune(2)
    assert record.decode(Ledger(bench).statements(1)[0]).sequence == 3


def test_a_record_longer_than_a_piece_comes_alone():
    bench = device(1)
    part = bytes(1200)
    bench.purse.commit(records.BASE_PART, 2, 0, 1, part)
    bench.purse.commit(records.LOAD, ISSUER.load(bench.device.id, 2, 100))
    found = Ledger(bench).statements(3)
    assert len(found) == 1 and len(found[0]) > CHUNK_MAX


def test_a_head_says_what_the_journal_adds_up_to():
    bench = device(2)
    signed = Ledger(bench).head()
    messages.verify(signed, bench.key.public, bench.device.signer.verify)
    head = signed.message
    assert head.balances == ((0, 200),)
    assert (head.chain_hash, head.sequence) == (bench.purse.journal.head_hash, 3)
    assert head.numbers == (1, 1, 1, 1, 3)
    assert (head.challenge, head.reader) == (NONCE, READER)
    assert (head.battery, head.seconds, head.firmware) == (80, SECONDS, FIRMWARE)


def test_signed_time_is_a_lower_bound():
    bench = device()
    bench.purse.commit(records.STATEMENT, ISSUER.lists(messages.Time(3, SECONDS + 60)))
    assert Ledger(bench).head().message.seconds == SECONDS + 60
    bench.purse.commit(records.STATEMENT, ISSUER.lists(messages.Time(4, SECONDS - 60)))
    assert Ledger(bench).head().message.seconds == SECONDS


def test_nothing_is_sealed_before_it_is_open():
    bench = device()
    deposit = Deposit(bench.device, Stream(), Aes, Gauges(lambda: 80, lambda: 0))
    deposit.work()
    assert refused(status.WRONG_STATE, deposit.piece, b"\0\0\0\1", 1)
    assert refused(status.WRONG_STATE, deposit.head, b"", NONCE, READER)
    deposit.open()
    assert refused(status.MALFORMED, deposit.head, b"", NONCE[:-1], READER)
    deposit.begin()
    assert refused(status.WRONG_STATE, deposit.piece, b"\0\0\0\1", 1)


def test_two_openings_share_no_key():
    bench = device()
    deposit = Deposit(bench.device, Stream(), Aes, Gauges(lambda: 80, lambda: 0))
    assert deposit.open() != deposit.open()
