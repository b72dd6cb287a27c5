# SPDX-License-Identifier: Apache-2.0
"""Who may read a device at the end of a cable (PROTOCOL.md §5, right P)."""

from board_flash import Flash
from duotap import cbor, messages, status
from duotap.rights import PIN_TRIES, Rights
from issuing import PERMIT_EXPIRY, Bench, Issuer, Stream, refused
from paper_key import PaperKey

ISSUER = Issuer()
STRANGER = Issuer(name=b"stranger")
PIN = b"4711"


def rights(pin=b""):
    bench = Bench(Flash(20), ISSUER)
    made = Rights(bench.device, Stream(), pin)
    made.bench = bench
    return made


def check_fails(made):
    return refused(status.NOT_PERMITTED, made.check)


def test_nothing_shown():
    assert check_fails(rights())


def test_a_press_until_it_is_over():
    made = rights()
    made.standing.pressed = True
    made.begin()  # the host comes after the press
    made.check()
    made.standing.pressed = False
    assert check_fails(made)


def test_a_permitted_reader_until_the_session_ends():
    made = rights()
    made.authenticate(ISSUER.authentication(made.device.id, made.challenge()))
    made.check()
    assert made.reader == ISSUER.reader.kid
    made.begin()
    assert check_fails(made)


def test_a_nonce_counts_once():
    made = rights()
    answer = ISSUER.authentication(made.device.id, made.challenge())
    made.authenticate(answer)
    made.begin()
    assert refused(status.NOT_PERMITTED, made.authenticate, answer)
    made.challenge()
    assert refused(status.NOT_PERMITTED, made.authenticate, answer)
    assert check_fails(made)


def test_a_wrong_answer_uses_the_nonce_up():
    made = rights()
    nonce = made.challenge()
    assert refused(status.MALFORMED, made.authenticate, b"\x80")
    right = ISSUER.authentication(made.device.id, nonce)
    assert refused(status.NOT_PERMITTED, made.authenticate, right)


def test_who_is_not_let_in():
    made = rights()
    me = made.device.id

    def tries(sw, device=me, **how):
        nonce = made.challenge()
        return refused(sw, made.authenticate, ISSUER.authentication(device, nonce, **how))

    thief = PaperKey(b"thief")
    assert tries(status.SIGNATURE, permit=STRANGER.permit, reader=STRANGER.reader)
    assert tries(status.SIGNATURE, reader=thief)  # with a stolen permit
    assert tries(status.NOT_THIS_DEVICE, device=bytes(16))
    own = messages.encode(messages.Permit(PERMIT_EXPIRY, thief.public), thief.kid, thief.sign)
    assert tries(status.SIGNATURE, permit=own, reader=thief)
    by_lists = ISSUER.lists(messages.Permit(PERMIT_EXPIRY, thief.public))
    assert tries(status.SIGNATURE, permit=by_lists, reader=thief)
    made.challenge()
    swapped = cbor.encode([ISSUER.permit, ISSUER.permit])
    assert refused(status.MALFORMED, made.authenticate, swapped)
    assert check_fails(made)


def test_an_expired_permit():
    made = rights()
    made.device.purse.state.epoch = PERMIT_EXPIRY
    nonce = made.challenge()
    answer = ISSUER.authentication(made.device.id, nonce)
    assert refused(status.EXPIRED, made.authenticate, answer)
    longer = ISSUER.permitted(ISSUER.reader, PERMIT_EXPIRY + 1)
    made.authenticate(ISSUER.authentication(made.device.id, made.challenge(), permit=longer))


def test_the_shift_pin():
    made = rights(PIN)
    made.verify(PIN)
    made.check()
    assert refused(status.NOT_PERMITTED, made.verify, b"4712")
    assert check_fails(made)
    made.verify(PIN)
    made.begin()
    assert check_fails(made)


def test_wrong_pins_end_after_three():
    made = rights(PIN)
    for _ in range(PIN_TRIES):
        assert refused(status.NOT_PERMITTED, made.verify, b"0000")
        made.begin()
    assert refused(status.NOT_PERMITTED, made.verify, PIN)


def test_no_pin_is_not_the_empty_pin():
    assert refused(status.NOT_PERMITTED, rights().verify, b"")


def test_a_device_without_a_certificate_is_not_read():
    made = rights()
    made.standing.pressed = True
    made.device.certificate = None
    assert refused(status.WRONG_STATE, made.check)
