# SPDX-License-Identifier: Apache-2.0
"""Statements from device to device after a payment: what is given, taken, and refused
(PROTOCOL.md §7.1)."""

from board_flash import Flash
from duotap import apdu, cbor, certificate, commands, messages, news, notices, records, status
from duotap.applet import Applet
from duotap.fields import Limits
from duotap.messages import Epoch, KeyStatement, Policy, Reset, Time
from duotap.payer import Payer
from issuing import EXPIRY, Bench, Issuer, refused
from paper_key import PaperKey

ISSUER = Issuer()
STRANGER = Issuer(name=b"stranger")
NOTHING = [0, 0, 0, 0, 0, 0]
LIMITS = Limits(5, 4, 3, 2, 1, 1)


def device(*statements):
    bench = Bench(Flash(20), ISSUER)
    for raw in statements:
        notices.take(bench.device, raw)
    return bench


def policy(epoch, issuer=ISSUER, of=None):
    return issuer.lists(Policy(of, epoch, None, LIMITS, None))


def epochs(epoch, far=False):
    by_root = ISSUER.by_root(Epoch(epoch, None)) if far else None
    return ISSUER.lists(Epoch(epoch, by_root))


def time(epoch):
    return ISSUER.lists(Time(epoch, 86_400 * epoch))


def key(number, name=b"new"):
    public = PaperKey(name).public
    return ISSUER.by_root(
        KeyStatement(number, ISSUER.keycert(public, certificate.USAGE_LISTS, EXPIRY))
    )


def talk(payee, payer, closed=True, lie=None):
    """The exchange as a radio leads it; returns what the payee is given. `lie`: what the card
    answers to GET NEWS instead."""
    applet = Applet(Payer(payer.device))
    select(applet)
    applet.closed = closed
    steps = news.trade(payee.purse)
    answer = None
    try:
        while True:
            command = steps.send(answer)
            answer = applet.answer(command)
            if lie is not None and command[1] == commands.GET_NEWS:
                answer = apdu.response(lie, status.OK)
            applet.work()
    except StopIteration as stop:
        return stop.value


def select(applet):
    applet.answer(apdu.build(apdu.Command(0, commands.SELECT, 4, 0, commands.AID, 256)))


def spread(payee, payer):
    """Taps until neither has anything to tell; how many there were with news."""
    for count in range(20):
        before = payee.purse.journal.next_sequence, payer.purse.journal.next_sequence
        given = talk(payee, payer)
        if given:
            notices.take(payee.device, given)
        if before == (payee.purse.journal.next_sequence, payer.purse.journal.next_sequence):
            return count
    raise AssertionError("they never come to an end")


def held(bench):
    return sorted([raw for _, raw in bench.purse.state.statements.values()])


def test_who_knows_nothing_says_so():
    assert news.standing(device().purse) == NOTHING


def test_a_standing_names_the_newest_of_each_kind():
    bench = device(epochs(5), policy(5), time(4), key(3))
    assert news.standing(bench.purse) == [5, 3, 5, 5, 0, 4]
    bench.boot()
    assert news.standing(bench.purse) == [5, 3, 5, 5, 0, 4]


def test_the_card_gives_what_the_payee_lacks():
    card, stand = device(policy(5)), device()
    given = talk(stand, card)
    assert given == policy(5)
    assert notices.take(stand.device, given) == records.STATEMENT
    assert stand.device.effective.limits == LIMITS
    assert not talk(stand, card)


def test_the_payee_gives_what_the_card_lacks():
    card, stand = device(), device(policy(5))
    assert not talk(stand, card)
    assert card.device.effective.limits == LIMITS
    assert card.kinds()[-1] == records.STATEMENT


def test_both_give_in_one_tap_and_end_alike():
    card, stand = device(epochs(4), time(4)), device(key(2), policy(3))
    assert spread(stand, card) == 2
    assert held(card) == held(stand)
    assert len(held(card)) == 4


def test_newer_wins_and_older_is_not_even_sent():
    card, stand = device(epochs(9), policy(9)), device(epochs(9), policy(8))
    sent = []
    assert news.pick(stand.purse, news.standing(card.purse)) == b""
    sent.append(talk(stand, card))
    assert sent == [policy(9)]
    notices.take(stand.device, sent[0])
    assert notices.take(stand.device, policy(8)) == 0


def test_two_keys_come_in_the_order_of_their_numbers():
    card, stand = device(key(1, b"one"), key(2, b"two")), device()
    assert talk(stand, card) == key(1, b"one")
    assert spread(stand, card) == 2
    assert held(card) == held(stand)


def test_what_is_for_one_device_does_not_travel():
    card, stand = device(), device()
    notices.take(card.device, policy(5, of=card.device.id))
    assert talk(stand, card) == b""
    assert card.device.effective.limits == LIMITS


def test_far_ahead_waits_for_the_roots_signature():
    card, stand = device(epochs(100), policy(100)), device(epochs(5))
    assert talk(stand, card) == b""
    notices.take(card.device, epochs(101, far=True))
    assert talk(stand, card) == epochs(101, far=True)
    assert spread(stand, card) == 2
    assert held(card) == held(stand)


def test_what_is_from_before_a_reset_is_neither_told_nor_in_the_way():
    card = device(epochs(20), policy(20))
    notices.take(card.device, ISSUER.by_root(Reset(card.device.id, 1, 4)))
    assert news.standing(card.purse) == [4, 0, 0, 0, 0, 0]
    stand = device(epochs(4))
    assert talk(stand, card) == b""
    notices.take(stand.device, policy(4))
    talk(stand, card)
    assert policy(4) in held(card)


def test_a_strangers_statement_changes_nothing():
    card, stand = device(), device()
    lie = cbor.encode([[9, 0, 0, 9, 0, 0], policy(9, STRANGER)])
    given = talk(stand, card, lie=lie)
    assert refused(status.SIGNATURE, notices.take, stand.device, given)
    assert stand.kinds() == [records.IDENTITY]
    applet = Applet(Payer(card.device))
    select(applet)
    applet.closed = True
    for part in apdu.segments(commands.CLA, commands.PUT_NEWS, 0, 0, policy(9, STRANGER)):
        assert applet.answer(part)[-2:] == b"\x90\x00"
    applet.work()
    assert card.kinds() == [records.IDENTITY]


def test_a_liar_of_a_card_gets_nowhere():
    stand = device(policy(5))
    short, below = cbor.encode([[0, 0, 0, 0, 0], b""]), cbor.encode([[0, 0, 0, 0, 0, -1], b""])
    long, half = cbor.encode([NOTHING + [0], b""]), cbor.encode([NOTHING])
    for lie in (b"", b"\x80", half, short, below, long, cbor.encode([NOTHING, 1])):
        assert refused(status.MALFORMED, talk, stand, device(), True, lie)


def test_only_who_brought_a_closing_is_told_anything():
    card, stand = device(policy(5)), device()
    assert refused(status.WRONG_STATE, talk, stand, card, False)
    applet = Applet(Payer(card.device))
    select(applet)
    raw = apdu.build(apdu.Command(0x80, commands.PUT_NEWS, 0, 0, time(9)[:200], None))
    assert applet.answer(raw) == b"\x69\x85"


def test_a_statement_that_is_too_long_for_a_tap_stays():
    content = b"\x00" + bytes(news.NEWS_MAX)
    full = ISSUER.lists(messages.DenyList(5, 0, 0, content[: 1 + 16 * 75]))
    assert len(full) > news.NEWS_MAX
    card = device(epochs(5))
    notices.take(card.device, full)
    assert news.pick(card.purse, [5, 0, 5, 0, 0, 0]) == b""
    applet = Applet(Payer(card.device))
    select(applet)
    applet.closed = True
    answers = [
        applet.answer(part)
        for part in apdu.segments(commands.CLA, commands.PUT_NEWS, 0, 0, bytes(news.NEWS_MAX + 1))
    ]
    assert answers[-1] == b"\x67\x00"


def test_a_full_journal_takes_no_news():
    card = Bench(Flash(20), ISSUER)
    while not refused(status.JOURNAL_FULL, card.purse.check_room, 1):
        card.purse.commit(records.STATEMENT, time(1))
    last = card.purse.journal.next_sequence
    assert refused(status.JOURNAL_FULL, notices.take, card.device, policy(5))
    assert card.purse.journal.next_sequence == last
