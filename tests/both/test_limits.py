# SPDX-License-Identifier: Apache-2.0
"""Limits and the order in which scopes are spent."""

from duotap import fields, limits, status
from duotap.certificate import CLASS_BOUND, CLASS_NONE
from duotap.errors import Refusal
from duotap.fold import State

LIMITS = fields.Limits(100_000, 50_000, 3, 60_000, 40_000, 70_000)


class Peer:
    def __init__(self, rollback_class, role=fields.ROLE_STAND):
        self.rollback_class = rollback_class
        self.role = role


def state(balances, expiries=(), epoch=5):
    made = State()
    made.balances = dict(balances)
    made.expiries = dict(expiries)
    made.epoch = epoch
    return made


def refused(sw, function, *args):
    try:
        function(*args)
    except Refusal as refusal:
        assert refusal.sw == sw
    else:
        raise AssertionError("not refused")


def test_each_limit_has_its_own_word():
    have = state({0: 55_000})
    limits.check_payment(have, LIMITS, 50_000)
    refused(status.ABOVE_BALANCE, limits.check_payment, have, LIMITS, 55_001)
    refused(status.ABOVE_PAYMENT_LIMIT, limits.check_payment, have, LIMITS, 50_001)
    have.used[1] = 10_001
    refused(status.ABOVE_SUM, limits.check_payment, have, LIMITS, 50_000)
    have.used[0] = 3
    refused(status.ABOVE_COUNT, limits.check_payment, have, LIMITS, 1)
    have.open_payments = [None] * 8
    refused(status.TOO_MANY_OPEN, limits.check_payment, have, LIMITS, 1)


def test_a_payee_keeps_its_own_limits_for_payers_that_can_be_rolled_back():
    have = state({})
    limits.check_receive(have, LIMITS, Peer(CLASS_NONE), 40_000)
    none = Peer(CLASS_NONE)
    refused(status.ABOVE_PAYMENT_LIMIT, limits.check_receive, have, LIMITS, none, 40_001)
    limits.check_receive(have, LIMITS, Peer(CLASS_BOUND), 40_001)
    have.used[2] = 30_001
    refused(status.ABOVE_SUM, limits.check_receive, have, LIMITS, Peer(CLASS_NONE), 40_000)


def test_a_payee_takes_less_as_its_deny_list_ages():
    have, none = state({}), Peer(CLASS_NONE)
    for age, most in ((0, 40_000), (6, 40_000), (7, 20_000), (14, 10_000), (21, 5_000)):
        limits.check_receive(have, LIMITS, none, most, age)
        refused(
            status.ABOVE_PAYMENT_LIMIT, limits.check_receive, have, LIMITS, none, most + 1, age
        )
    limits.check_receive(have, LIMITS, none, 5_000, 10_000)  # it goes on selling
    limits.check_receive(have, LIMITS, Peer(CLASS_BOUND), 40_000, 10_000)
    have.used[2] = 30_000
    limits.check_receive(have, LIMITS, none, 5_000, 7)
    refused(status.ABOVE_SUM, limits.check_receive, have, LIMITS, none, 5_001, 7)


def test_the_age_of_a_list_counts_from_the_newest_or_from_the_certificate():
    have, own = state({}, epoch=50), Peer(CLASS_NONE)
    own.serial = bytes((0, 0, 0, 20)) + b"rest"
    assert limits.list_age(have, own) == 30
    have.full_list = (3, 40, 60)
    assert limits.list_age(have, own) == 10
    have.deltas = {47: (9, 40, 60)}
    assert limits.list_age(have, own) == 3
    have.epoch = 45  # after a reset: that delta is from before
    assert limits.list_age(have, own) == 5
    own.serial = bytes((0, 0, 0, 49)) + b"rest"
    assert limits.list_age(have, own) == 0


def test_without_a_press_only_stands_small_and_few():
    have = state({0: 1000})
    few = fields.NoButton(500, 800, 2)
    limits.check_nobutton(have, few, Peer(CLASS_NONE), 500)
    person = Peer(CLASS_NONE, fields.ROLE_PERSON)
    refused(status.WRONG_STATE, limits.check_nobutton, have, few, person, 1)
    refused(status.WRONG_STATE, limits.check_nobutton, have, few, Peer(CLASS_NONE), 501)
    have.used[4], have.used[5] = 400, 1
    refused(status.WRONG_STATE, limits.check_nobutton, have, few, Peer(CLASS_NONE), 401)
    have.used[4], have.used[5] = 2, 2
    refused(status.WRONG_STATE, limits.check_nobutton, have, few, Peer(CLASS_NONE), 1)


def test_earliest_expiry_first_then_scope_own_money_last():
    have = state({0: 100, 7: 50, 3: 50, 9: 50}, {7: 20, 3: 10, 9: 10})
    assert limits.spend(have, (3, 7, 9), 30) == ((3, 30),)
    assert limits.spend(have, (3, 7, 9), 120) == ((3, 50), (7, 20), (9, 50))
    assert limits.spend(have, (3, 7, 9), 200) == ((0, 50), (3, 50), (7, 50), (9, 50))


def test_scopes_that_expired_or_are_not_taken_stay():
    have = state({0: 100, 3: 50, 7: 50}, {3: 5, 7: 9})
    assert limits.spend(have, (3, 7), 60) == ((0, 10), (7, 50))
    assert limits.spend(have, (), 100) == ((0, 100),)
    refused(status.ABOVE_BALANCE, limits.spend, have, (), 101)
    refused(status.ABOVE_BALANCE, limits.spend, have, (3,), 101)


def test_a_scope_without_expiry_is_spent_after_those_that_expire():
    have = state({0: 100, 3: 50, 7: 50}, {7: 9})
    assert limits.spend(have, (3, 7), 60) == ((3, 10), (7, 50))
    assert limits.spend(have, (3,), 60) == ((0, 10), (3, 50))
