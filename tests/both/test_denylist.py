# SPDX-License-Identifier: Apache-2.0
"""Full lists, sets and deltas as a device takes and asks them (PROTOCOL.md §13)."""

from binascii import unhexlify
from hashlib import sha256

from board_flash import Flash
from duotap import denylist, fold, messages, news, notices, records, status
from duotap.errors import Malformed, Refusal
from duotap.fields import CURRENCY_CNY
from duotap.messages import DenyList, Reset
from issuing import Bench, Issuer, refused
from raising import raises

ISSUER = Issuer()
# 12 of 60 ids, `who(0)` to `who(11)` of `who(0)` to `who(59)`; tests/host/test_deny.py builds it.
SET_OF_12 = unhexlify(
    "0101000000000000008c000000a1a4240000000000000000000000000000000006ba714bc200000000000000"
    "000000000000000000"
)


def who(number):
    return sha256(b"device %d" % number).digest()[:16]


class MemorySets:
    """A device's sets (port.sets) in memory."""

    def __init__(self):
        self.kept = {}

    def has(self, digest):
        return digest in self.kept

    def open(self, digest):
        return OpenMemory(self.kept[digest])

    def coming(self, digest, length):
        return ComingMemory(self, digest, length)

    def keep(self, digest):
        self.kept = {digest: self.kept[digest]}


class OpenMemory:
    def __init__(self, content):
        self.content = content

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read_at(self, offset, nbytes):
        return self.content[offset : offset + nbytes]


class ComingMemory:
    def __init__(self, sets, digest, length):
        self.sets, self.digest, self.left, self.parts = sets, digest, length, b""

    def take(self, index, part):
        self.parts += part
        if len(self.parts) == self.left:
            self.sets.kept[self.digest] = self.parts


def device():
    bench = Bench(Flash(20), ISSUER)
    bench.sets = MemorySets()
    bench.device.sets = lambda: bench.sets
    return bench


def plain(epoch, *ids):
    return DenyList(epoch, 0, 0, bytes([denylist.PLAIN]) + b"".join(sorted(ids)))


def named(epoch, content=SET_OF_12):
    head = bytes([denylist.SET]) + sha256(content).digest()
    return DenyList(epoch, 0, 0, head + len(content).to_bytes(4, "big"))


def delta(start, epoch, added=(), removed=(), size=5):
    prefixes = [each[:size] for each in sorted(added)] + [each[:size] for each in sorted(removed)]
    return DenyList(
        epoch, 1, start, bytes([size]) + len(added).to_bytes(2, "big") + b"".join(prefixes)
    )


def take(bench, message):
    return notices.take(bench.device, ISSUER.lists(message))


def listed(bench, issued=0):
    """Which of the first 20 are listed."""
    asked = range(20)
    return [n for n in asked if denylist.is_listed(bench.device, who(n), issued)]


def put_set(bench, epoch=4):
    assert refused(status.UNKNOWN_REFERENCE, take, bench, named(epoch))
    bench.device.coming.take(0, SET_OF_12)
    assert take(bench, named(epoch)) == records.STATEMENT


# Lists one by one


def test_a_plain_list_is_asked():
    bench = device()
    assert listed(bench) == []
    assert take(bench, plain(3, who(1), who(7))) == records.STATEMENT
    assert listed(bench) == [1, 7]
    bench.boot()
    assert listed(bench) == [1, 7]


def test_newer_wins_older_is_ignored():
    bench = device()
    take(bench, plain(3, who(1)))
    for epoch in (2, 3):
        assert take(bench, plain(epoch, who(2))) == 0
    assert listed(bench) == [1]
    take(bench, plain(4, who(2)))
    assert listed(bench) == [2]


def test_a_strangers_list_lists_nobody():
    bench = device()
    raw = Issuer(name=b"stranger").lists(plain(3, who(1)))
    assert refused(status.SIGNATURE, notices.take, bench.device, raw)
    assert listed(bench) == []


# Deltas


def test_a_delta_adds_and_removes():
    bench = device()
    take(bench, plain(3, who(1), who(2)))
    assert take(bench, delta(3, 4, [who(5), who(6)], [who(2)])) == records.STATEMENT
    assert listed(bench) == [1, 5, 6]
    assert bench.purse.state.list_epochs() == [3, 4]
    bench.boot()
    assert listed(bench) == [1, 5, 6]


def test_deltas_follow_each_other_and_the_newest_word_counts():
    bench = device()
    take(bench, plain(3, who(1)))
    take(bench, delta(3, 4, [who(2)], [who(1)]))
    take(bench, delta(4, 5, [who(1)], [who(2)]))
    assert listed(bench) == [1]
    take(bench, delta(5, 6, [who(2)]))
    assert listed(bench) == [1, 2]


def test_a_delta_with_a_hole_before_it_is_refused():
    bench = device()
    take(bench, plain(3, who(1)))
    assert refused(status.WRONG_STATE, take, bench, delta(4, 5, [who(2)]))
    assert take(bench, delta(2, 5, [who(2)])) == records.STATEMENT  # it spans more: good as well
    assert listed(bench) == [1, 2]


def test_a_delta_may_be_the_first_word():
    bench = device()
    take(bench, delta(0, 5, [who(2)]))
    assert listed(bench) == [2]


def test_a_delta_that_spans_others_takes_their_place():
    bench = device()
    take(bench, plain(3, who(1)))
    for epoch in (4, 5, 6):
        take(bench, delta(epoch - 1, epoch, [who(epoch)]))
    take(bench, delta(4, 7, [who(5), who(6), who(7)]))
    assert bench.purse.state.list_epochs() == [3, 4, 7]
    assert listed(bench) == [1, 4, 5, 6, 7]
    take(bench, plain(8, who(9)))
    assert bench.purse.state.list_epochs() == [8]
    assert bench.purse.state.deltas == {}


def test_deltas_end_where_a_prune_could_not_carry_them():
    bench = device()
    take(bench, plain(1, who(1)))
    many = [who(n) for n in range(200)]
    taken = 0
    while not refused(status.JOURNAL_FULL, take, bench, delta(1 + taken, 2 + taken, many)):
        taken += 1
    assert taken == 2  # a page for the list, five for each
    take(bench, delta(1, 9, many))
    assert bench.purse.state.list_epochs() == [1, 9]


def test_carried_lists_come_in_any_order():
    raws = [ISSUER.lists(m) for m in (plain(3, who(1)), delta(3, 4, [who(2)]))]
    for order in ((0, 1), (1, 0)):
        state = fold.State()
        for sequence, place in enumerate((0, 1) + order):
            fold.apply(state, sequence + 1, *carried(raws[place]))
        state.epoch = 4
        assert state.list_epochs() == [3, 4]
        assert sorted([state.full_list[0], state.deltas[4][0]]) == [3, 4]


def carried(raw):
    return records.CARRIED, records.pack(records.CARRIED, records.STATEMENT, raw)


def test_a_carried_list_is_asked_as_well():
    bench = device()
    for message in (plain(3, who(1)), delta(3, 4, [who(2)])):
        bench.purse.commit(records.CARRIED, records.STATEMENT, ISSUER.lists(message))
    bench.purse.state.epoch = 4
    assert listed(bench) == [1, 2]


def test_a_list_from_before_a_reset_is_in_nobodys_way():
    bench = device()
    take(bench, plain(20, who(1)))
    take(bench, delta(20, 21, [who(2)]))
    notices.take(bench.device, ISSUER.by_root(Reset(bench.device.id, 1, 4)))
    assert bench.purse.state.list_epochs() == [0]
    assert take(bench, plain(5, who(3))) == records.STATEMENT
    assert listed(bench) == [3]


# Sets


def test_a_set_answers_for_each_issued_id():
    read = OpenMemory(SET_OF_12).read_at
    assert [n for n in range(60) if denylist.is_in(read, who(n))] == list(range(12))


def test_a_list_waits_for_its_set():
    bench = device()
    put_set(bench)
    assert bench.purse.state.list_epochs() == [4]
    assert listed(bench) == list(range(12))
    take(bench, delta(4, 5, [who(15)], [who(0)]))
    assert listed(bench) == list(range(1, 12)) + [15]


def test_a_set_says_nothing_of_who_was_issued_later():
    bench = device()
    put_set(bench)
    assert listed(bench, issued=3) == list(range(12))
    assert listed(bench, issued=4) == []
    take(bench, delta(4, 5, [who(1)]))
    assert listed(bench, issued=4) == [1]


def test_a_set_that_was_lost_lists_nobody_and_comes_again():
    bench = device()
    put_set(bench)
    bench.sets.kept.clear()
    assert listed(bench) == []
    before = bench.purse.journal.next_sequence
    put_set(bench)
    assert listed(bench) == list(range(12))
    assert bench.purse.journal.next_sequence == before


def test_a_set_is_wanted_only_by_who_may_list():
    bench = device()
    raw = Issuer(name=b"stranger").lists(named(4))
    assert refused(status.SIGNATURE, notices.take, bench.device, raw)
    assert bench.device.coming is None


def test_a_board_without_room_takes_no_set():
    bench = device()
    bench.device.sets = None
    assert refused(status.JOURNAL_FULL, take, bench, named(4))


# Forms, and what travels


def test_what_is_no_list_is_refused():
    bench = device()
    for message in (
        DenyList(3, 0, 0, b""),
        DenyList(3, 0, 0, b"\x02"),
        DenyList(3, 0, 0, b"\x00" + bytes(15)),
        DenyList(3, 0, 0, named(3).content[:-1]),
        DenyList(3, 0, 0, named(3).content[:-4] + b"\x7f\0\0\0"),
        DenyList(3, 1, 0, b""),
        DenyList(3, 1, 0, b"\x03\0\0"),
        DenyList(3, 1, 0, b"\x11\0\0"),
        DenyList(3, 1, 0, b"\x05\0\x01" + bytes(4)),
        DenyList(3, 1, 0, b"\x05\0\x02" + bytes(5)),
    ):
        assert refused(status.MALFORMED, take, bench, message), message
    assert bench.kinds() == [records.IDENTITY]


def test_what_is_no_set_is_told():
    for content in (b"", SET_OF_12[:13], b"\x02" + SET_OF_12[1:], b"\x01\x09" + SET_OF_12[2:]):
        assert raises(Malformed, denylist.is_in, OpenMemory(content).read_at, who(1))


def test_the_delta_that_goes_on_from_theirs_travels():
    bench = device()
    put_set(bench)
    take(bench, delta(4, 5, [who(13)]))
    take(bench, delta(5, 6, [who(14)]))
    assert news.standing(bench.purse)[4] == 6
    for known, epoch in ((4, 5), (5, 6)):
        raw = news.pick(bench.purse, [9, 9, 9, 9, known, 9])
        assert messages.decode(raw, DenyList, currency=CURRENCY_CNY).message.epoch == epoch
    for known in (3, 6, 7):  # a set comes by cable; who has as much or more needs nothing
        assert news.pick(bench.purse, [9, 9, 9, 9, known, 9]) == b""


def test_a_short_plain_list_travels():
    bench = device()
    take(bench, plain(3, who(1)))
    assert news.pick(bench.purse, [3, 9, 9, 9, 2, 9]) == ISSUER.lists(plain(3, who(1)))
    assert news.pick(bench.purse, [3, 9, 9, 9, 3, 9]) == b""


def test_a_listed_counterpart_gets_no_new_business():
    bench = device()
    certified = ISSUER.certify(bench.key.public)
    peer = bench.device.peers.learn(certified)
    bench.device.check_peer(peer)
    take(bench, plain(3, bench.device.id))
    try:
        bench.device.check_peer(peer)
    except Refusal as refusal:
        assert refusal.sw == status.DENY_LISTED
    else:
        raise AssertionError
