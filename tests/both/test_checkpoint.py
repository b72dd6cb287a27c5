# SPDX-License-Identifier: Apache-2.0
"""How a checkpoint and its base are taken, and what a journal is after it (PROTOCOL.md §8.2)."""

from hashlib import sha256

from board_flash import Flash
from duotap import base, certificate, messages, record, records, status
from duotap.messages import Checkpoint, Epoch, Policy, Reset
from duotap.statements import BASE_PARTS_MAX, Statements
from issuing import EXPIRY, LIMITS, LOAD_CAP, Bench, Issuer, refused
from paper_key import PaperKey

ISSUER = Issuer()
STRANGER = Issuer(name=b"stranger")


def device():
    bench = Bench(Flash(20), ISSUER)
    bench.statements = Statements(bench.device)
    return bench


def again(bench):
    """After a boot."""
    bench.boot()
    bench.statements = Statements(bench.device)


def checkpoint(bench, number, unpaid=(), covered=0, **changes):
    """Parts of the base and the checkpoint that the ledger makes of this very journal."""
    purse = bench.purse
    covered = covered or purse.journal.next_sequence - 1
    parts = base.parts(purse.state_at(covered), list(unpaid))
    digest = base.digest([sha256(part).digest() for part in parts])
    chain = record.hash_of(purse.journal.statement(covered))
    values = [bench.device.id, number, covered, chain, digest]
    for index, value in changes.items():
        values[("device", "number", "covered", "chain_hash", "base_hash").index(index)] = value
    return parts, ISSUER.money(Checkpoint(*values))


def hand(bench, parts, statement):
    for index, part in enumerate(parts):
        bench.statements.take_part(index, len(parts), part)
    return bench.statements.take(statement)


def loaded():
    bench = device()
    bench.statements.take(ISSUER.load(bench.device.id, 1, 20_000))
    return bench


def test_a_checkpoint_starts_the_counts_anew_and_lets_the_journal_be_pruned():
    bench = loaded()
    parts, statement = checkpoint(bench, 2)
    bench.statements.take(ISSUER.lists(Epoch(7, None)))
    assert hand(bench, parts, statement) == records.CHECKPOINT
    state = bench.purse.state
    assert (state.balance(), state.used[3], state.next_issue, state.epoch) == (20_000, 0, 3, 7)
    assert bench.purse.covered == 2
    while bench.purse.tidy():
        pass
    assert bench.purse.journal.first_sequence == 3
    again(bench)
    state = bench.purse.state
    assert (state.balance(), state.used[3], state.next_issue, state.epoch) == (20_000, 0, 3, 7)
    assert bench.device.certificate is not None
    assert bench.statements.take(statement) == 0
    bench.statements.take(ISSUER.load(bench.device.id, 3, LOAD_CAP))
    assert bench.purse.state.balance() == 80_000


def pruned(bench):
    """All that a checkpoint lets go is gone, and the device was switched off."""
    number = bench.purse.state.next_issue
    parts, statement = checkpoint(bench, number, covered=bench.purse.journal.next_sequence - 2)
    hand(bench, parts, statement)
    while bench.purse.tidy():
        pass
    again(bench)


def test_what_is_carried_moves_no_epoch():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    take(ISSUER.lists(Policy(None, 500, None, LIMITS, None)))
    take(ISSUER.by_root(Reset(me, 1, 100)))
    take(ISSUER.load(me, 1, 5))
    take(ISSUER.lists(Epoch(120, None)))
    for _ in range(3):
        pruned(bench)
        assert bench.purse.state.epoch == 120
        bench.statements.take(ISSUER.load(me, bench.purse.state.next_issue, 1))
    pruned(bench)
    bench.statements.take(ISSUER.lists(Epoch(130, None)))
    again(bench)
    assert bench.purse.state.epoch == 130


def test_a_base_of_another_epoch_is_refused():
    bench = loaded()
    bench.statements.take(ISSUER.lists(Epoch(7, None)))
    other = bench.purse.state_at(3)
    assert other.epoch == 7
    other.epoch = 300
    parts = base.parts(other, [])
    digest = base.digest([sha256(part).digest() for part in parts])
    _, statement = checkpoint(bench, 2, base_hash=digest)
    assert refused(status.WRONG_STATE, hand, bench, parts, statement)


def test_a_key_that_was_withdrawn_stays_withdrawn_over_a_prune():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    money = PaperKey(b"second money")
    take(ISSUER.lists(Epoch(20, None)))
    take(key_statement(1, money, EXPIRY))
    take(ISSUER.load(me, 1, 5))
    take(key_statement(2, money, 10))
    parts, statement = checkpoint(bench, 2, covered=3)
    hand(bench, parts, statement)
    while bench.purse.tidy():
        pass
    again(bench)
    load = messages.encode(messages.Load(((0, 1),), me, 3, ()), money.kid, money.sign)
    assert refused(status.EXPIRED, bench.statements.take, load)


def test_only_the_last_statement_of_a_key_is_carried():
    bench = device()
    for number in range(1, 12):
        bench.statements.take(key_statement(number, PaperKey(b"second money"), EXPIRY + number))
    bench.statements.take(ISSUER.load(bench.device.id, 1, 5))
    bench.statements.take(ISSUER.load(bench.device.id, 2, 5))
    pruned(bench)
    assert bench.kinds().count(records.CARRIED) == 2  # the identity, one key
    old = key_statement(10, PaperKey(b"second money"), EXPIRY)
    assert refused(status.NUMBER_NOT_NEXT, bench.statements.take, old)


def key_statement(number, key, expiry):
    keycert = ISSUER.keycert(key.public, certificate.USAGE_MONEY, expiry)
    return ISSUER.by_root(messages.KeyStatement(number, keycert))


def test_what_came_after_the_covered_record_still_counts():
    bench = loaded()
    parts, statement = checkpoint(bench, 3)
    bench.statements.take(ISSUER.load(bench.device.id, 2, 30_000))
    hand(bench, parts, statement)
    assert bench.purse.state.balance() == 50_000
    assert bench.purse.state.used[3] == 30_000
    again(bench)
    assert bench.purse.state.used[3] == 30_000


def test_a_second_checkpoint_goes_on_from_the_first():
    bench = loaded()
    hand(bench, *checkpoint(bench, 2))
    bench.statements.take(ISSUER.load(bench.device.id, 3, 5))
    hand(bench, *checkpoint(bench, 4))
    assert bench.purse.state.balance() == 20_005
    while bench.purse.tidy():
        pass
    again(bench)
    assert bench.purse.state.balance() == 20_005
    assert bench.purse.state.next_issue == 5


def test_a_checkpoint_that_does_not_fit_changes_nothing():
    bench = loaded()
    take = bench.statements.take
    parts, statement = checkpoint(bench, 2)
    assert refused(status.WRONG_STATE, take, statement)  # no base at all
    poor = bench.purse.state_at(1)
    wrong_parts = base.parts(poor, [])
    digest = base.digest([sha256(part).digest() for part in wrong_parts])
    _, signed = checkpoint(bench, 2, base_hash=digest)
    assert refused(status.WRONG_STATE, hand, bench, wrong_parts, signed)
    _, signed = checkpoint(bench, 2, chain_hash=bytes(32))
    assert refused(status.ASK_LEDGER, hand, bench, parts, signed)
    _, signed = checkpoint(bench, 2, base_hash=bytes(32))
    assert refused(status.WRONG_STATE, hand, bench, parts, signed)
    values = Checkpoint(bench.device.id, 2, 99, bytes(32), bytes(32))
    assert refused(status.UNKNOWN_REFERENCE, hand, bench, parts, ISSUER.money(values))
    _, signed = checkpoint(bench, 3)
    assert refused(status.NUMBER_NOT_NEXT, hand, bench, parts, signed)
    values = Checkpoint(bench.device.id, 2, 2, bytes(32), bytes(32))
    assert refused(status.SIGNATURE, hand, bench, parts, STRANGER.money(values))
    assert bench.kinds() == [records.IDENTITY, records.LOAD]
    hand(bench, parts, statement)


def test_covered_records_are_not_covered_again():
    bench = loaded()
    first = checkpoint(bench, 2)
    hand(bench, *first)
    parts, statement = checkpoint(bench, 3, covered=bench.purse.covered + 1)
    values = messages.decode(statement).message
    old = Checkpoint(values.device, 3, bench.purse.covered, values.chain_hash, values.base_hash)
    assert refused(status.NUMBER_NOT_NEXT, hand, bench, parts, ISSUER.money(old))


def test_a_base_with_unpaid_offers_is_found_again():
    bench = loaded()
    unpaid = [(counter, sha256(bytes([counter])).digest()) for counter in range(1, 100)]
    parts, statement = checkpoint(bench, 2, unpaid)
    assert len(parts) == 3
    hand(bench, parts, statement)
    while bench.purse.tidy():
        pass
    again(bench)
    assert bench.purse.base_has(unpaid[0][1])
    assert bench.purse.base_has(unpaid[98][1])
    assert not bench.purse.base_has(bytes(32))


def test_parts_come_in_order_and_are_held_in_ram():
    bench = loaded()
    part = bench.statements.take_part
    parts, statement = checkpoint(bench, 2, [(1, bytes(32))])
    assert refused(status.WRONG_STATE, part, 1, 2, parts[1])
    part(0, 2, parts[0])
    assert refused(status.MALFORMED, part, 1, 2, parts[0])
    part(1, 2, parts[1])
    part(1, 2, parts[1])  # an answer that got lost
    assert refused(status.MALFORMED, part, 2, 2, parts[1])
    assert refused(status.MALFORMED, part, 0, BASE_PARTS_MAX + 1, parts[0])
    assert refused(status.MALFORMED, part, 0, 1, bytes(base.PART_MAX + 1))
    assert bench.kinds() == [records.IDENTITY, records.LOAD]
    assert bench.statements.take(statement) == records.CHECKPOINT


def test_parts_that_a_cut_left_are_not_written_twice():
    bench = loaded()
    parts, statement = checkpoint(bench, 2, [(1, bytes(32))])
    bench.purse.commit(records.BASE_PART, 2, 0, 2, parts[0])
    again(bench)
    hand(bench, parts, statement)
    written = [kind for kind in bench.kinds() if kind == records.BASE_PART]
    assert len(written) == 2
    again(bench)
    assert bench.purse.state.balance() == 20_000


def test_a_full_journal_is_emptied_by_a_checkpoint():
    bench = Bench(Flash(20), ISSUER)
    statements = Statements(bench.device)
    warned = False
    number = 1
    while True:
        load = ISSUER.load(bench.device.id, number, 1)
        if refused(status.JOURNAL_FULL, statements.take, load):
            break
        warned = warned or bench.purse.warns()
        number += 1
    assert warned and bench.purse.full_percent() >= 90
    assert bench.purse.state.balance() == number - 1
    bench.statements = statements
    hand(bench, *checkpoint(bench, number))
    while bench.purse.tidy():
        pass
    assert not bench.purse.warns()
    statements.take(ISSUER.load(bench.device.id, number + 1, 1))
    again(bench)
    assert bench.purse.state.balance() == number
