# SPDX-License-Identifier: Apache-2.0
"""What a device takes from its issuer, in which order, and what it refuses (PROTOCOL.md §7)."""

from board_flash import Flash
from duotap import certificate, denylist, messages, records, status
from duotap.fields import Limits
from duotap.messages import (
    Cancel,
    DenyList,
    Epoch,
    KeyStatement,
    Load,
    Offer,
    Policy,
    Reset,
    Time,
)
from duotap.statements import Statements
from issuing import EXPIRY, LIMITS, LOAD_CAP, Bench, Issuer, refused
from paper_key import PaperKey

ISSUER = Issuer()
STRANGER = Issuer(name=b"stranger")
OTHER = bytes(16)


def device():
    bench = Bench(Flash(20), ISSUER)
    bench.statements = Statements(bench.device)
    return bench


def listed(bench, who):
    return denylist.is_listed(bench.device, who, 0)


def again(bench):
    """After a boot."""
    bench.boot()
    bench.statements = Statements(bench.device)


# Loads and cancels


def test_a_load_is_taken_once():
    bench = device()
    load = ISSUER.load(bench.device.id, 1, 20_000)
    assert bench.statements.take(load) == records.LOAD
    assert bench.statements.take(load) == 0
    assert bench.purse.state.balance() == 20_000
    assert bench.kinds() == [records.IDENTITY, records.LOAD]


def test_a_load_is_known_again_after_a_boot():
    bench = device()
    load = ISSUER.load(bench.device.id, 1, 20_000)
    bench.statements.take(load)
    again(bench)
    assert bench.statements.take(load) == 0
    assert bench.purse.state.balance() == 20_000


def test_numbers_have_no_gap_and_do_not_come_back():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    assert refused(status.NUMBER_NOT_NEXT, take, ISSUER.load(me, 2, 1))
    take(ISSUER.load(me, 1, 1))
    take(ISSUER.money(Cancel(me, 2)))
    assert refused(status.NUMBER_NOT_NEXT, take, ISSUER.load(me, 1, 1))
    assert refused(status.NUMBER_NOT_NEXT, take, ISSUER.load(me, 2, 1))
    take(ISSUER.load(me, 3, 5))
    assert bench.purse.state.balance() == 6


def test_a_load_of_another_issuer_or_device_or_key_is_refused():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    assert refused(status.SIGNATURE, take, STRANGER.load(me, 1, 1))
    assert refused(status.NOT_THIS_DEVICE, take, ISSUER.load(OTHER, 1, 1))
    by_lists = ISSUER.lists(Load(((0, 1),), me, 1, ()))
    assert refused(status.SIGNATURE, take, by_lists)
    broken = bytearray(ISSUER.load(me, 1, 1))
    broken[-1] ^= 1
    assert refused(status.SIGNATURE, take, bytes(broken))
    assert refused(status.MALFORMED, take, b"\x80")
    assert bench.kinds() == [records.IDENTITY]


def test_limits_of_balance_and_of_loads():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    assert refused(status.ABOVE_BALANCE, take, ISSUER.load(me, 1, LIMITS.balance + 1))
    assert refused(status.ABOVE_SUM, take, ISSUER.load(me, 1, LOAD_CAP + 1))
    take(ISSUER.load(me, 1, LOAD_CAP))
    assert refused(status.ABOVE_SUM, take, ISSUER.load(me, 2, 1))
    assert bench.purse.state.balance() == LOAD_CAP


def test_a_purse_has_eight_scopes_at_most_and_own_money_is_one():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    for scope in range(1, 8):
        take(ISSUER.load(me, scope, 10, scope))
    assert refused(status.SCOPE, take, ISSUER.load(me, 8, 10, 8))
    take(ISSUER.load(me, 8, 10))
    take(ISSUER.load(me, 9, 10, 7))


def test_a_scope_that_may_come_back_keeps_its_place():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    for scope in range(1, 8):
        take(ISSUER.load(me, scope, 10, scope))
    offer = messages.encode(Offer(me, 1, 1, 10, (1,), 0), OTHER, bench.key.sign)
    values = (1, OTHER, 1, ((1, 10),), messages.decode(offer).hash, bytes(32))
    payment = bench.device.sign(messages.Payment(*values))
    bench.purse.commit(records.PAYMENT, payment, offer, True)
    assert len(bench.purse.state.balances) == 6
    assert refused(status.SCOPE, take, ISSUER.load(me, 8, 10, 9))
    take(ISSUER.load(me, 8, 10, 2))


def test_other_messages_are_no_statements():
    bench = device()
    offer = Offer(bench.device.id, 1, 1, 5, (), 0)
    assert refused(status.MALFORMED, bench.statements.take, ISSUER.money(offer))


# Statements with an epoch


def test_the_newer_epoch_wins():
    bench = device()
    take = bench.statements.take
    tight = Limits(100_000, 700, 100, 200_000, 50_000, 500_000)
    assert take(ISSUER.lists(Policy(None, 5, None, tight, None))) == records.STATEMENT
    assert bench.device.effective.limits.payment == 700
    assert take(ISSUER.lists(Policy(None, 4, None, LIMITS, None))) == 0
    assert take(ISSUER.lists(Policy(None, 5, None, LIMITS, None))) == 0
    assert bench.device.effective.limits.payment == 700
    assert take(ISSUER.lists(Policy(bench.device.id, 2, (1, 1), None, None))) == records.STATEMENT
    assert bench.device.effective.ceiling == 1
    assert bench.purse.state.epoch == 5
    again(bench)
    assert bench.device.effective.limits.payment == 700


def test_statements_about_others_are_refused():
    bench = device()
    take = bench.statements.take
    policy = Policy(OTHER, 5, None, LIMITS, None)
    assert refused(status.NOT_THIS_DEVICE, take, ISSUER.lists(policy))
    assert refused(status.SIGNATURE, take, STRANGER.lists(Epoch(1, None)))
    assert refused(status.SIGNATURE, take, ISSUER.money(Epoch(1, None)))


def test_a_far_epoch_needs_the_root():
    bench = device()
    take = bench.statements.take
    take(ISSUER.lists(Epoch(100, None)))  # the first one is taken as it is
    take(ISSUER.lists(Epoch(130, None)))
    assert refused(status.SIGNATURE, take, ISSUER.lists(Epoch(161, None)))
    assert refused(status.SIGNATURE, take, ISSUER.lists(Time(161, 1)))
    other = ISSUER.by_root(Epoch(162, None))
    assert refused(status.SIGNATURE, take, ISSUER.lists(Epoch(161, other)))
    stranger = STRANGER.by_root(Epoch(161, None))
    assert refused(status.SIGNATURE, take, ISSUER.lists(Epoch(161, stranger)))
    assert bench.purse.state.epoch == 130
    take(ISSUER.lists(Epoch(161, ISSUER.by_root(Epoch(161, None)))))
    assert bench.purse.state.epoch == 161


def test_a_reset_by_the_root_is_the_only_way_down():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    take(ISSUER.lists(Epoch(500, None)))
    assert take(ISSUER.lists(Epoch(100, None))) == 0
    assert refused(status.SIGNATURE, take, ISSUER.lists(Reset(me, 1, 100)))
    assert refused(status.NOT_THIS_DEVICE, take, ISSUER.by_root(Reset(OTHER, 1, 100)))
    reset = ISSUER.by_root(Reset(me, 2, 100))
    take(reset)
    assert bench.purse.state.epoch == 100
    assert take(reset) == 0
    assert refused(status.NUMBER_NOT_NEXT, take, ISSUER.by_root(Reset(me, 1, 50)))
    again(bench)
    assert bench.purse.state.epoch == 100


def test_after_a_reset_statements_of_the_new_epoch_are_taken():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    take(ISSUER.lists(DenyList(500, 0, 0, b"\x00" + OTHER)))
    take(ISSUER.by_root(Reset(me, 1, 100)))
    assert take(ISSUER.lists(DenyList(101, 0, 0, b"\x00"))) == records.STATEMENT
    assert not listed(bench, OTHER)
    assert bench.purse.state.epoch == 101
    again(bench)
    assert (listed(bench, OTHER), bench.purse.state.epoch) == (False, 101)
    take = bench.statements.take
    assert refused(status.SIGNATURE, take, ISSUER.lists(DenyList(500, 0, 0, b"\x00" + OTHER)))


def test_a_key_that_was_withdrawn_stays_withdrawn():
    bench = device()
    money = ISSUER.keys[certificate.USAGE_MONEY]
    load = ISSUER.load(bench.device.id, 1, 5)
    bench.statements.take(ISSUER.lists(Epoch(20, None)))
    for number in range(1, 12):
        expiry = 10 if number == 11 else EXPIRY + number
        keycert = ISSUER.keycert(money.public, certificate.USAGE_MONEY, expiry)
        bench.statements.take(ISSUER.by_root(KeyStatement(number, keycert)))
    assert refused(status.EXPIRED, bench.statements.take, load)
    again(bench)
    assert refused(status.EXPIRED, bench.statements.take, load)


def test_whom_a_withdrawn_key_certified_gets_no_new_business():
    issuer = Issuer(name=b"careless")
    bench = Bench(Flash(20), issuer)
    take = Statements(bench.device).take
    peer = bench.device.peers.learn(issuer.certify(PaperKey(b"peer").public))
    take(issuer.lists(Epoch(20, None)))
    bench.device.check_peer(peer)
    usage = certificate.USAGE_CERTIFICATES
    withdrawn = issuer.keycert(issuer.keys[usage].public, usage, 10)
    take(issuer.by_root(KeyStatement(1, withdrawn)))
    assert refused(status.EXPIRED, bench.device.check_peer, peer)
    peer = bench.device.peers.learn(issuer.certify(PaperKey(b"fresh").public))  # for a closing
    assert refused(status.EXPIRED, bench.device.check_peer, peer)


def test_a_key_of_the_root_counts_from_then_on():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    fresh = PaperKey(b"fresh money")
    keycert = ISSUER.keycert(fresh.public, certificate.USAGE_MONEY)
    load = messages.encode(Load(((0, 9),), me, 1, ()), fresh.kid, fresh.sign)
    assert refused(status.SIGNATURE, take, load)
    assert refused(status.SIGNATURE, take, ISSUER.lists(KeyStatement(1, keycert)))
    statement = ISSUER.by_root(KeyStatement(1, keycert))
    assert take(statement) == records.STATEMENT
    assert take(statement) == 0
    again(bench)
    assert bench.statements.take(load) == records.LOAD


def test_a_deny_list_lists():
    bench = device()
    take = bench.statements.take
    take(ISSUER.lists(DenyList(3, 0, 0, b"\x00" + OTHER)))
    assert listed(bench, OTHER)


def test_an_expired_key_signs_nothing():
    bench = device()
    take, me = bench.statements.take, bench.device.id
    take(ISSUER.lists(Epoch(EXPIRY, None)))
    assert refused(status.EXPIRED, take, ISSUER.load(me, 1, 1))
