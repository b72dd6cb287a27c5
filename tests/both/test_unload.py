# SPDX-License-Identifier: Apache-2.0
"""What a device answers to UNLOAD (PROTOCOL.md §6)."""

from cable import ISSUER, Cable
from duotap import cbor, commands, messages, records, status
from duotap.messages import Epoch
from duotap.statements import Statements
from issuing import EXPIRY, refused

HELD = 20_000


def cable():
    found = Cable()
    statements = Statements(found.device)
    statements.take(ISSUER.load(found.device.id, 1, HELD))
    statements.take(ISSUER.load(found.device.id, 2, 500, scope=9))
    found.permit()
    return found


def unload(found, number, amounts):
    raw = found.ask(commands.UNLOAD, cbor.encode([number, amounts]))
    signed = messages.decode(raw, messages.Unload)
    messages.verify(signed, found.bench.key.public, found.device.signer.verify)
    return raw, signed


def test_value_goes_home_and_the_answer_is_what_is_journalled():
    found = cable()
    before = found.device.purse.journal.head_hash
    raw, signed = unload(found, 1, {0: 300, 9: 500})
    assert signed.message == messages.Unload(((0, 300), (9, 500)), before, 1)
    state = found.device.purse.state
    assert (state.balances, state.next_unload) == ({0: HELD - 300}, 2)
    journal = found.device.purse.journal
    assert journal.read(journal.next_sequence - 1) == (records.UNLOAD, raw)
    found.bench.boot()
    state = found.bench.purse.state
    assert (state.balances, state.next_unload) == ({0: HELD - 300}, 2)


def test_the_same_again_is_answered_as_it_was_signed():
    found = cable()
    raw, _ = unload(found, 1, {0: 300})
    last = found.device.purse.journal.next_sequence
    assert unload(found, 1, {0: 300})[0] == raw
    assert found.device.purse.journal.next_sequence == last
    asked = cbor.encode([1, {0: 301}])
    assert refused(status.NUMBER_NOT_NEXT, found.ask, commands.UNLOAD, asked)
    assert unload(found, 2, {0: 300})[0] != raw
    assert found.device.purse.state.balance() == HELD + 500 - 600


def test_what_is_refused_changes_nothing():
    found = cable()
    last = found.device.purse.journal.next_sequence
    for sw, asked in (
        (status.ABOVE_BALANCE, [1, {0: HELD + 1}]),
        (status.ABOVE_BALANCE, [1, {0: 1, 8: 1}]),
        (status.NUMBER_NOT_NEXT, [2, {0: 1}]),
        (status.MALFORMED, [1, {}]),
        (status.MALFORMED, [1, {0: 0}]),
        (status.MALFORMED, [0, {0: 1}]),
        (status.MALFORMED, [1]),
        (status.MALFORMED, {0: 1}),
    ):
        assert refused(sw, found.ask, commands.UNLOAD, cbor.encode(asked)), asked
    found.applet.begin()
    asked = cbor.encode([1, {0: 1}])
    assert refused(status.NOT_PERMITTED, found.ask, commands.UNLOAD, asked)
    assert found.device.purse.journal.next_sequence == last


def test_an_expired_device_sends_its_value_home():
    found = cable()
    far = Epoch(EXPIRY + 1, ISSUER.by_root(Epoch(EXPIRY + 1, None)))
    Statements(found.device).take(ISSUER.lists(far))
    assert refused(status.EXPIRED, found.device.check_usable)
    unload(found, 1, {0: HELD, 9: 500})
    assert not found.device.purse.state.balances


def test_a_full_journal_sends_everything_home_and_nothing_less():
    found = cable()
    purse = found.device.purse
    number = 1
    while not refused(status.JOURNAL_FULL, purse.check_room, 2):
        unload(found, number, {0: 1})
        number += 1
        while purse.tidy():
            pass
    asked = cbor.encode([number, {0: 1}])
    assert refused(status.JOURNAL_FULL, found.ask, commands.UNLOAD, asked)
    unload(found, number, dict(purse.state.balances))
    assert not purse.state.balances


def test_a_damaged_device_signs_nothing():
    found = cable()
    found.device.purse.journal.damaged = True
    asked = cbor.encode([1, {0: 1}])
    assert refused(status.DAMAGED, found.ask, commands.UNLOAD, asked)
