# SPDX-License-Identifier: Apache-2.0
"""The journal's room: pruning, laps, runs, erased sectors, and flash that fails."""

from duotap import record
from duotap.errors import Broken
from duotap.journal import Journal
from duotap.record import MORE, PAGE, START
from journal_bench import DeafNor, erase_ahead, fresh, opened, refused, text
from nor import SECTOR, Cut, Nor
from raising import raises


def test_prune_survives_a_boot_and_gives_sectors_back():
    nor, journal = fresh(5)
    for seed in range(4):
        journal.append(9, text(record.BODY_MAX - 300, seed))
    assert journal.pages_free() == 1
    journal.prune(2)
    assert (journal.first_sequence, journal.next_sequence) == (3, 6)
    assert journal.pages_free() == 2 * 16
    assert refused(0x6A88, journal.read, 2)
    journal, seen = opened(nor)
    assert [n for n, _, _, _ in seen] == [3, 4]
    assert (journal.first_sequence, journal.next_sequence, journal.damaged) == (3, 6, False)
    assert [n for n, _, _ in journal.walk(0)] == [3, 4]
    assert list(journal.walk(0, types=(START,))) == [(5, START, b"")]
    assert erase_ahead(journal) == 2
    assert journal.append(9, text(record.BODY_MAX)) == 6
    assert journal.append(9, text(record.BODY_MAX)) == 7
    journal, seen = opened(nor)
    assert [n for n, _, _, _ in seen] == [3, 4, 6, 7] and not journal.damaged


def test_prune_again_does_nothing():
    _, journal = fresh()
    journal.append(9, b"")
    journal.append(9, b"")
    journal.prune(1)
    assert journal.next_sequence == 4
    journal.prune(1)
    journal.prune(0)
    assert journal.next_sequence == 4
    assert raises(Broken, journal.prune, 4)
    journal.prune(3)
    assert (journal.first_sequence, journal.next_sequence) == (4, 5)


def test_laps():
    nor, journal = fresh(4)
    assert journal.wear() == (0, 0)
    for n in range(13):
        journal.append(9, text(record.BODY_MAX - 300, n))
        journal.prune(n * 2 + 1)
        erase_ahead(journal)
    assert journal.wear() == (2, 3)
    journal, _ = opened(nor)
    assert journal.wear() == (2, 3) and not journal.damaged
    erase_ahead(journal)
    for n in range(13, 16):
        journal.append(9, text(record.BODY_MAX - 300, n))
        journal.prune(n * 2 + 1)
        erase_ahead(journal)
    assert journal.wear() == (3, 3)


def test_a_run_is_shown_whole():
    nor, journal = fresh()
    journal.append(1, b"")
    assert journal.append_run(5, [text(300, n) for n in range(3)]) == 2
    journal.append(2, b"")
    journal, seen = opened(nor)
    kinds = [(n, kind) for n, kind, _, _ in seen]
    assert kinds == [(1, 1), (2, 5 | MORE), (3, 5 | MORE), (4, 5), (5, 2)]
    assert list(journal.read_run(2)) == [text(300, n) for n in range(3)]
    assert raises(Broken, journal.prune, 2)
    journal.prune(1)


def test_a_run_without_end_is_not_shown():
    nor, journal = fresh()
    journal.append(1, b"")
    nor.cut_after = 8  # three pages each with its mark: in the third piece
    try:
        journal.append_run(5, [text(300, n) for n in range(4)])
        raise AssertionError("no cut")
    except Cut:
        pass
    journal, seen = opened(nor)
    assert [n for n, _, _, _ in seen] == [1]
    assert journal.next_sequence == 4
    assert journal.append_run(5, [b"a", b"b"]) == 4
    journal, seen = opened(nor)
    assert [(n, body) for n, _, body, _ in seen] == [(1, b""), (4, b"a"), (5, b"b")]
    assert [n for n, _, _ in journal.walk(1)] == [1, 2, 3, 4, 5]


def test_a_long_body_is_cut_into_a_run():
    nor, journal = fresh(8)
    journal.append(1, b"")
    body = text(9000)
    assert journal.append_run(5, body) == 2
    assert journal.next_sequence == 5
    assert b"".join(journal.read_run(2)) == body
    journal, seen = opened(nor)
    assert b"".join([bytes(piece) for _, kind, piece, _ in seen if kind & ~MORE == 5]) == body
    assert journal.append_run(5, b"") == 5
    assert list(journal.read_run(5)) == [b""]
    assert raises(Broken, journal.append_run, 5, [])


def test_room():
    _, journal = fresh(5)
    assert journal.pages_total() == journal.pages_free() == 64
    whole = record.BODY_MAX
    assert journal.room_for([whole] * 4) and not journal.room_for([whole] * 5)
    journal.append(9, text(200))
    assert journal.pages_free() == 63
    assert journal.room_for([whole] * 3) and not journal.room_for([whole] * 4)
    assert journal.room_for([702] * 20) and not journal.room_for([702] * 21)
    assert journal.room_for([])


def test_part_of_a_flash():
    nor = Nor(9)
    nor.sectors = [b"\x55" * SECTOR] * 9
    journal = Journal(nor, first_block=3, blocks=5)
    journal.format()
    assert journal.pages_ready() == journal.pages_total() == 64
    journal.append(9, b"here")
    untouched = [i for i in range(9) if nor.sectors[i] == b"\x55" * SECTOR]
    assert untouched == [0, 1, 2, 8]
    _, seen = opened(nor, first_block=3, blocks=5)
    assert [body for _, _, body, _ in seen] == [b"here"]
    assert raises(Broken, Journal, Nor(3))


def test_flash_that_was_never_formatted_is_damage():
    nor = Nor(4)
    nor.sectors = [bytes(SECTOR)] * 4
    journal, seen = opened(nor)
    assert journal.damaged and not seen
    journal.format()
    assert not journal.damaged
    assert journal.append(1, b"") == 1


def test_a_mark_that_does_not_take_stops_the_journal():
    nor = DeafNor(5)
    journal, _ = opened(nor)
    nor.deaf_to_marks = True
    assert raises(Broken, journal.append, 9, b"")
    assert raises(Broken, journal.append, 9, b"")
    nor.deaf_to_marks = False
    journal, seen = opened(nor)
    assert not seen and journal.append(9, b"") == 1


def test_a_sector_that_does_not_erase_is_not_used():
    nor = DeafNor(4)
    nor.sectors = [b"\x55" * SECTOR] * 4
    journal = Journal(nor)
    nor.deaf_to_erases = True
    assert raises(Broken, journal.format)
    assert raises(Broken, journal.append, 9, b"")


def test_a_second_pulse_may_help():
    nor = DeafNor(5)
    journal, _ = opened(nor)
    nor.slow_cells = True
    assert journal.append(9, b"") == 1
    assert nor.sectors[0][0] == record.KIND_HEAD


def test_a_page_that_does_not_take_stops_the_journal():
    nor, journal = fresh()
    journal.append(1, b"")
    nor.poke(0, PAGE + 100, b"\x00")  # cells that are stuck
    assert raises(Broken, journal.append, 9, text(200, 7))
    assert raises(Broken, journal.append, 9, b"")
    journal, seen = opened(nor)
    assert (len(seen), journal.torn, journal.damaged) == (1, 1, False)
    assert journal.append(9, text(200, 7)) == 2
