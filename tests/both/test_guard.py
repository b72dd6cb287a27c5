# SPDX-License-Identifier: Apache-2.0
"""The purse and its guard: who moves first, which image is accepted (PROTOCOL.md §8.3)."""

from hashlib import sha256

from duotap import base, messages, record, records, reserved, status
from duotap.guard import RESERVE_TICKS, TICKING
from duotap.statements import Statements
from guards import Cut, Fuses, Guarded, Mark, TornFlash
from issuing import Issuer, refused

ISSUER = Issuer()
BLOCKS = 6


def device(guard):
    return Guarded(TornFlash(BLOCKS), ISSUER, guard)


def load(bench, number):
    """A ticking record."""
    bench.purse.commit(records.LOAD, ISSUER.load(bench.device.id, number, 100))


def offer(bench):
    """A record that does not tick."""
    state = bench.purse.state
    message = messages.Offer(bytes(16), 1, state.next_offer, 5, (), 0)
    bench.purse.commit(records.OFFER, bench.device.sign(message))


def quarantined(bench):
    """Whether it is, and does as it should."""
    if bench.purse.stopped() != "quarantined":
        assert not bench.purse.stopped()
        return False
    before = bench.image()
    assert refused(status.DAMAGED, bench.device.check_usable)
    assert refused(status.DAMAGED, bench.purse.commit, records.LOAD, b"")
    assert not bench.purse.tidy()
    assert bench.image() == before
    return True


def test_class_none_asks_nobody():
    guard = Mark()
    guard.class_name = "none"
    bench = device(guard)
    first = bench.image()
    load(bench, 1)
    bench.restore(first)
    assert not quarantined(bench) and guard.hash == record.NO_HASH


def test_types_that_tick():
    """PROTOCOL.md §8.3."""
    assert sorted(TICKING) == [1, 2, 3, 4, 6, 9, 10, 11, 12, 13, 16, 17, 18, 21]


def test_what_ticks():
    for guard in (Fuses(), Mark()):
        bench = device(guard)
        load(bench, 1)
        offer(bench)
        load(bench, 2)
        if guard.class_name == "count":
            assert guard.burnt == 3 == bench.guarding.ticks
        else:
            assert guard.hash == bench.purse.journal.head_hash == bench.guarding.ticked[0]
        bench.boot()
        assert not quarantined(bench) and bench.purse.state.balance() == 200


def test_every_older_image_is_quarantined():
    for guard in (Fuses(), Mark()):
        bench = device(guard)
        images = [(bench.image(), bench.ticks())]
        for number in range(1, 6):
            load(bench, number)
            images.append((bench.image(), bench.ticks()))
            offer(bench)
            images.append((bench.image(), bench.ticks()))
        for image, ticks in images + images[::-1]:
            bench.restore(image)
            assert quarantined(bench) == (ticks < 6)


def test_a_number_that_was_reserved_does_not_come_again():
    """Its offer is in no image; one with the same number would have the same hash, and its
    payment may have a void already."""
    for guard in (Fuses(), Mark()):
        bench = device(guard)
        before = bench.image()
        first = reserved.number(bench.purse)
        after = bench.image()
        bench.restore(before)
        assert quarantined(bench)
        bench.restore(after)
        assert not quarantined(bench)
        assert reserved.number(bench.purse) == first + reserved.NUMBERS


def test_blank_flash_under_a_guard_that_moved_is_quarantined():
    for guard in (Fuses(), Mark()):
        bench = device(guard)
        bench.restore({})
        assert quarantined(bench)


def cuts(guard, done):
    """(name, cut device, image before) for each place in one ticking commit where power can go."""
    for operation in range(2):
        bench = device(guard())
        load(bench, 1)
        before = bench.image()
        bench.flash.cut_after, bench.flash.done = operation, done
        yield "flash", operation, bench, before
    for moved in (False, True):
        bench = device(guard())
        load(bench, 1)
        before = bench.image()
        bench.guard.cut, bench.guard.moved = 0, moved
        yield "guard", moved, bench, before


def test_bound_survives_a_cut_anywhere_and_counts_each_record_once():
    for done in (0, 3, 255, 256):
        for name, place, bench, before in cuts(Mark, done):
            try:
                load(bench, 2)
            except Cut:
                pass
            image = bench.image()
            bench.restore(image)
            assert not quarantined(bench), (name, place, done)
            assert bench.guard.hash == bench.guarding.ticked[0]
            ticked = bench.ticks() == 3
            bench.restore(before)
            assert quarantined(bench) == ticked
            bench.restore(image)
            assert not quarantined(bench)


def test_of_two_images_with_one_pending_tick_each_only_the_first_is_finished():
    bench = device(Mark())
    before, head = bench.image(), bench.purse.journal.head_hash
    siblings = []
    for number in (1, 2):
        bench.restore(before)
        bench.guard.cut, bench.guard.moved = 0, False
        message = messages.Load(((0, number),), bench.device.id, 1, ())
        try:
            bench.purse.commit(records.LOAD, ISSUER.money(message))
        except Cut:
            siblings.append(bench.image())
    for first in (0, 1):
        mark = bench.guard.hash
        bench.restore(siblings[first])
        assert not quarantined(bench)
        bench.restore(siblings[1 - first])
        assert quarantined(bench)
        assert bench.purse.state.balance() == 0  # nobody has heard of it, and nobody will
        assert (bench.kinds(), bench.purse.journal.head_hash) == ([records.IDENTITY], head)
        bench.restore(before)
        assert quarantined(bench)
        bench.guard.hash = mark


def test_a_pending_tick_is_the_last_record_of_its_image():
    """A record after it says that its tick was done: the mark was put back."""
    bench = device(Mark())
    mark = bench.guard.hash
    load(bench, 1)
    image = bench.image()
    bench.guard.hash = mark
    bench.restore(image)
    assert not quarantined(bench)
    offer(bench)
    image = bench.image()
    bench.guard.hash = mark
    bench.restore(image)
    assert quarantined(bench)


def test_count_is_quarantined_by_a_cut_between_tick_and_record_only():
    for done in (0, 3, 255, 256):
        for name, place, bench, before in cuts(Fuses, done):
            burnt = bench.guard.burnt
            try:
                load(bench, 2)
            except Cut:
                pass
            bench.restore(bench.image())
            assert quarantined(bench) == (bench.guard.burnt != bench.guarding.ticks), (name, place)
            assert bench.guard.burnt - burnt <= 1
            if bench.guard.burnt > burnt:
                bench.restore(before)
                assert quarantined(bench)


def test_a_full_journal_costs_no_tick():
    bench = device(Fuses(200))
    number = 1
    while not refused(status.JOURNAL_FULL, load, bench, number):
        number += 1
    assert bench.guard.burnt == bench.guarding.ticks == number
    bench.boot()
    assert not quarantined(bench)


def test_ticks_are_kept_for_what_must_always_work():
    bench = Guarded(TornFlash(30), ISSUER, Fuses(10))
    number = 1
    while not refused(status.EXPIRED, bench.purse.check_room, 1):
        load(bench, number)
        number += 1
    assert bench.guard.ticks_left() == RESERVE_TICKS


def test_the_count_outlives_a_prune_cut_anywhere():
    """The ticks before what is pruned are journalled first."""
    cut = 0
    while True:
        bench = Guarded(TornFlash(8), ISSUER, Fuses())
        bench.statements = Statements(bench.device)
        load(bench, 1)
        load(bench, 2)
        cover(bench)
        ticks = bench.guarding.ticks
        bench.flash.cut_after, bench.flash.done = cut, 100
        try:
            while bench.purse.tidy():
                pass
            finished = True
        except Cut:
            finished = False
        bench.restore(bench.image())
        assert bench.guarding.ticks == ticks == bench.guard.burnt and not quarantined(bench)
        while bench.purse.tidy():
            pass
        bench.boot()
        assert bench.purse.journal.first_sequence == bench.purse.covered + 1 > 1
        assert bench.guarding.ticks == ticks == bench.guard.burnt and not quarantined(bench)
        if finished:
            return
        cut += 1


def cover(bench):
    """The ledger's checkpoint over all that is there."""
    purse = bench.purse
    covered = purse.journal.next_sequence - 1
    parts = base.parts(purse.state_at(covered), [])
    for index, part in enumerate(parts):
        bench.statements.take_part(index, len(parts), part)
    number = purse.state.next_issue
    digest = base.digest([sha256(part).digest() for part in parts])
    checkpoint = messages.Checkpoint(
        bench.device.id, number, covered, purse.journal.head_hash, digest
    )
    assert bench.statements.take(ISSUER.money(checkpoint)) == records.CHECKPOINT
