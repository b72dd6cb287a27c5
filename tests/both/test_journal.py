# SPDX-License-Identifier: Apache-2.0
"""The journal on both interpreters: its bytes, and its rules one by one.

Cuts at every operation are in tests/host/test_journal_cuts.py.
"""

import binascii

from duotap import record
from duotap.errors import Broken, Malformed
from duotap.journal import Journal
from duotap.record import MORE, PAGE, START
from journal_bench import erase_ahead, fresh, lay, opened, refused, text
from nor import ERASED, SECTOR, Cut, Nor
from raising import raises

# One record of three pages, its body 0, 1, 2, ... 199, 0, 1, ...: the format in bytes.
HEAD_HEX = (
    "5a0000000063bbd23112090002bc00000000000100000001"
    "0000000000000000000000000000000000000000000000000000000000000000"
)
HASH_HEX = "1c2ba6519550a1c3c224ed9c5c33cbb23badc7baf9654f1a3ebaa4afee87c8b0"


def test_the_format_in_bytes():
    nor, journal = fresh()
    assert journal.append(9, text(700)) == 1
    assert bytes(nor.sectors[0][:56]) == binascii.unhexlify(HEAD_HEX)
    assert bytes(nor.sectors[0][56:256]) == text(200)
    assert bytes(nor.sectors[0][256:261]) == b"\xa5\xff\xff\xff\xff"
    assert bytes(nor.sectors[0][261:512]) == text(251)
    assert bytes(nor.sectors[0][512:517]) == b"\xa5\xff\xff\xff\xff"
    assert bytes(nor.sectors[0][517:766]) == text(249, 51)
    assert bytes(nor.sectors[0][766:768]) == b"\xff\xff"
    assert journal.head_hash == binascii.unhexlify(HASH_HEX)
    assert journal.head_hash == record.hash_of(journal.statement(1))


def test_the_kinds_cannot_become_each_other():
    for kind, other in (
        (record.KIND_HEAD, record.KIND_BODY),
        (record.KIND_BODY, record.KIND_HEAD),
    ):
        assert other & kind != kind and other != 0xFF  # programmed by half: more bits set
        assert kind & other != other  # decayed: more bits set


def test_pages_of_a_body():
    lengths = (0, 200, 201, 451, 452, 702, 703, record.BODY_MAX)
    assert [record.pages_for(n) for n in lengths] == [1, 1, 2, 2, 3, 3, 4, 16]
    assert [record.capacity(n) for n in (1, 2, 3, 16)] == [200, 451, 702, 3965]


def test_a_statement_is_decoded_as_it_was_encoded():
    _, journal = fresh()
    journal.append(8, text(5))
    journal.append(9, text(300))
    statement = journal.statement(2)
    found = record.decode(statement)
    assert found == record.Record(9, 0, 0, 2, 1, record.hash_of(journal.statement(1)), text(300))
    assert record.encode(found) == statement


def test_foreign_statements_are_refused():
    _, journal = fresh()
    journal.append(8, text(300))
    good = journal.statement(1)
    assert record.decode(good).sequence == 1
    bad = [good[:-1], good + b"\x00", good[:46], b""]
    for at, value in (
        (0, 0x10),
        (0, 0x21),
        (1, 0),
        (1, 0x80),
        (3, 2),
        (7, 0x40),
        (10, 0),
        (14, 2),
    ):
        bad.append(good[:at] + bytes([value]) + good[at + 1 :])
    for statement in bad:
        assert raises(Malformed, record.decode, statement)


def test_records_are_there_after_a_boot():
    nor, journal = fresh(6)
    sizes = [record.capacity(pages) for pages in (1, 2, 3, 5, 8, 16)]
    for size in sizes:
        journal.append(len(sizes), text(size, 7))
    head_hash = journal.head_hash
    seen = []

    def see(sequence, kind, body, digest):
        seen.append((sequence, kind, digest))
        assert body == text(sizes[sequence - 1], 7)

    journal = Journal(nor)
    journal.recover(see)
    assert [(n, kind) for n, kind, _ in seen] == [(i, 6) for i in range(1, 7)]
    assert seen[-1][2] == head_hash == journal.head_hash
    assert (journal.damaged, journal.reason, journal.torn) == (False, "", 0)
    for i in range(1, 7):
        assert journal.read(i) == (6, text(sizes[i - 1], 7))
        assert record.hash_of(journal.statement(i)) == seen[i - 1][2]


def test_a_sector_holds_four_payments():
    nor, journal = fresh()
    for _ in range(4):
        journal.append(8, text(200))
        journal.append(9, text(702))
    assert nor.sectors[0][15 * PAGE] == record.KIND_BODY
    assert nor.sectors[1:] == [ERASED] * 4
    assert journal.pages_ready() == 3 * 16
    journal.append(8, b"")
    assert nor.sectors[1][0] == record.KIND_HEAD


def test_walk():
    _, journal = fresh()
    for kind in (1, 2, 3, 1, 2):
        journal.append(kind, text(kind))
    assert [n for n, _, _ in journal.walk(0)] == [1, 2, 3, 4, 5]
    assert list(journal.walk(4)) == [(4, 1, text(1)), (5, 2, text(2))]
    assert [n for n, _, _ in journal.walk(4, backwards=True)] == [4, 3, 2, 1]
    assert [n for n, _, _ in journal.walk(5, True, (1, 3))] == [4, 3, 1]
    assert list(journal.walk(6)) == list(journal.walk(6, backwards=True)) == []
    assert refused(0x6A88, journal.read, 6) and refused(0x6A88, journal.read, 0)


def test_what_append_does_not_take():
    _, journal = fresh()
    for kind, body in ((0, b""), (START, b""), (9 | MORE, b""), (9, bytes(record.BODY_MAX + 1))):
        assert raises(Broken, journal.append, kind, body)
    assert journal.append(9, bytes(record.BODY_MAX)) == 1


def test_closed_until_recovered():
    journal = Journal(Nor(4))
    assert raises(Broken, journal.append, 1, b"")
    assert raises(Broken, journal.read, 1)
    assert not journal.needs_erase()


def test_on_record_cannot_read_the_journal():
    _, journal = fresh()
    journal.append(1, b"")
    tried = []
    journal.recover(lambda *_: tried.append(raises(Broken, journal.read, 1)))
    assert tried == [True]


def test_a_cut_before_the_mark_leaves_nothing():
    for cut_after in range(3):
        nor, journal = fresh()
        journal.append(1, b"before")
        nor.cut_after, nor.done = cut_after, 100
        try:
            journal.append(9, text(702))
            raise AssertionError("no cut")
        except Cut:
            assert raises(Broken, journal.append, 9, b"")  # closed
        journal, seen = opened(nor)
        assert [(n, kind) for n, kind, _, _ in seen] == [(1, 1)]
        assert (journal.torn, journal.damaged) == (cut_after + 1, False)
        assert journal.append(9, b"again") == 2
        journal, seen = opened(nor)
        assert [body for _, _, body, _ in seen] == [b"before", b"again"]


def test_a_torn_body_cannot_pose_as_a_record():
    nor, journal = fresh()
    journal.append(1, b"true")
    false = bytes(nor.sectors[0][:PAGE])  # marked and verifying
    nor.cut_after, nor.done = 2, PAGE
    try:
        journal.append(9, text(200) + false[5:] + false[5:])
        raise AssertionError("no cut")
    except Cut:
        pass
    journal, seen = opened(nor)
    assert (len(seen), journal.damaged, journal.torn) == (1, False, 3)


def test_half_a_mark_is_completed():
    for mark in (b"\xff\xff\xff\xfe", b"\x00\xff\xff\xff", b"\x00\x00\x00\x01"):
        nor, journal = fresh()
        journal.append(9, text(300))
        nor.poke(0, 1, mark)
        journal, seen = opened(nor)
        assert (len(seen), journal.damaged) == (1, False)
        assert bytes(nor.sectors[0][1:5]) == bytes(4)


def test_a_decayed_record_is_damage_not_a_tear():
    for at in (0, 5, 9, 10, 12, 14, 16, 20, 24, 56, 255, PAGE, PAGE + 5, PAGE + 104):
        for value in (0xFF, 0x37):
            nor, journal = fresh()
            journal.append(9, text(300, 1))
            nor.poke(0, at, bytes([value]))
            journal, seen = opened(nor)
            assert journal.damaged and journal.reason and not seen
            assert refused(0x9A08, journal.append, 1, b"")
            assert refused(0x9A08, journal.prune, 1)
            assert not journal.needs_erase()


def test_after_damage_the_rest_is_still_read():
    nor, journal = fresh()
    for seed in range(3):
        journal.append(9, text(300, seed))
    nor.poke(0, 2 * PAGE + 100, bytes([0xFF]))
    journal, seen = opened(nor)
    assert [(n, body) for n, _, body, _ in seen] == [(1, text(300)), (3, text(300, 2))]
    assert journal.damaged
    assert journal.read(3) == (9, text(300, 2))
    assert refused(0x6A88, journal.read, 2)
    assert [n for n, _, _ in journal.walk(1)] == [1, 3]


def test_a_missing_record_is_damage():
    nor, journal = fresh()
    for seed in range(3):
        journal.append(9, text(9, seed))
    nor.poke(0, PAGE + 1, b"\xff" * 4)  # more decay than a mark bears
    journal, seen = opened(nor)
    assert journal.damaged and [n for n, _, _, _ in seen] == [1, 3]


def test_a_record_of_another_chain_is_damage():
    nor, journal = fresh()
    journal.append(9, b"one")
    journal.append(9, b"two")
    other, journal = fresh()
    journal.append(9, b"ONE")
    journal.append(9, b"two")
    nor.poke(0, PAGE, other.sectors[0][PAGE : 2 * PAGE])
    assert opened(nor)[0].damaged


def test_a_record_twice_is_damage():
    nor, journal = fresh()
    journal.append(9, b"one")
    nor.poke(0, PAGE, nor.sectors[0][:PAGE])
    journal, seen = opened(nor)
    assert journal.damaged and len(seen) == 1


def test_a_head_that_verifies_and_is_not_ours_is_damage():
    good = record.encode_head(9, 0, 300, 0, 1, 1, record.NO_HASH)
    nor = Nor(4)
    lay(nor, 0, 0, good, text(300))
    assert not opened(nor)[0].damaged
    for first_byte in (0x21, 0x12, 0x10):  # another version, a page more, a page less
        lay(nor, 0, 0, bytes([first_byte]) + good[1:], text(300))
        assert opened(nor)[0].damaged
    nor = Nor(4)
    lay(nor, 0, 0, b"\x10" + good[1:], text(200))  # of 300 bytes, says its head
    assert opened(nor)[0].damaged
    nor = Nor(4)
    lay(nor, 0, 15, record.encode_head(9, 0, 20, 0, 1, 1, record.NO_HASH), text(20))
    nor.poke(0, 0, b"\x00")  # pages before it were torn
    assert not opened(nor)[0].damaged
    lay(nor, 0, 15, good, text(20))  # beyond the sector's end
    assert opened(nor)[0].damaged


def test_a_decayed_sector_after_the_last_one_is_damage():
    nor, journal = fresh()
    journal.append(9, text(record.BODY_MAX))
    journal.append(9, text(20))
    nor.poke(1, 60, bytes([0xFF]))
    journal, seen = opened(nor)
    assert journal.damaged and len(seen) == 1


def test_append_never_erases():
    nor, journal = fresh(6)
    journal, _ = opened(nor)  # six sectors look erased, five are known
    for _ in range(4):
        journal.append(9, text(record.BODY_MAX))
    assert journal.pages_ready() == 0 and journal.pages_free() == 16
    assert refused(0x6A84, journal.append, 9, b"")
    assert erase_ahead(journal) == 1
    assert journal.append(9, text(record.BODY_MAX)) == 5
    assert journal.pages_ready() == journal.pages_free() == 0
    assert not journal.needs_erase()
    assert refused(0x6A84, journal.append, 9, b"")
    journal, seen = opened(nor)
    assert (len(seen), journal.damaged) == (5, False)


def test_a_boot_into_a_tap_has_room():
    nor, journal = fresh(8)
    for _ in range(4):
        journal.append(9, text(record.BODY_MAX))
    journal, _ = opened(nor)
    assert journal.room_for((200, 702))
    assert journal.append(9, text(702)) == 5


def test_the_last_sector_that_looks_erased_is_erased_again():
    nor, journal = fresh(6)
    journal.append(9, b"")
    nor.poke(5, 999, b"\x7f")  # an erase was cut, its first page looks well
    journal, _ = opened(nor)
    assert erase_ahead(journal) == 1
    assert nor.sectors[5] == ERASED


def test_decay_since_the_boot_is_not_passed_over():
    for at in (0, PAGE, 2 * PAGE):
        nor, journal = fresh()
        for kind in (1, 2, 3):
            journal.append(kind, b"")
        nor.poke(0, at, b"\xff")
        kind = at // PAGE + 1
        assert raises(Broken, journal.read, kind)
        assert raises(Broken, list, journal.walk(1))
        assert raises(Broken, list, journal.walk(3, backwards=True, types=(4,)))


def test_without_records_only_what_follows_blank_is_known():
    nor = Nor(4)
    nor.sectors[1] = b"\x55" * SECTOR  # a format was cut
    journal, _ = opened(nor)
    assert refused(0x6A84, journal.append, 9, b"")
    assert erase_ahead(journal) == 4
    assert nor.sectors == [ERASED] * 4
    assert journal.append(9, b"") == 1
