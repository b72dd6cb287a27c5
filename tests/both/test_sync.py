# SPDX-License-Identifier: Apache-2.0
"""The commands of a cable, APDU by APDU (PROTOCOL.md §5, column S)."""

from board_flash import Flash
from duotap import apdu, cbor, certificate, commands, messages, records, slip, status
from duotap.applet import Applet
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.rights import Rights
from duotap.sync import TABLE, SyncApplet
from issuing import FIRMWARE, Bench, Issuer, Stream, refused
from paper_key import PaperKey

ISSUER = Issuer()
FRAME_MAX = 120
PIN = b"4711"


class Shelf:
    """What the applet hands on to: tells what it was asked."""

    def generate(self, asked):
        return b"generated " + asked

    def install(self, asked):
        self.installed = asked

    def begin(self):
        """Nothing is open."""

    def open(self):
        return b"ephemeral"

    def work(self):
        """Nothing to agree on."""

    def piece(self, command, sequence):
        return b"piece %d" % sequence * 40

    def head(self, command, challenge, reader):
        return b"head" + challenge + reader


class Cable:
    """A certified device and whoever holds its cable."""

    def __init__(self, role=certificate.ROLE_PERSON):
        self.bench = Bench(Flash(10), ISSUER, role=role)
        self.device = self.bench.device
        self.shelf = Shelf()
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        rights = Rights(self.device, Stream(), PIN)
        self.applet = SyncApplet(self.payer, self.payee, self.shelf, rights, self.shelf, FRAME_MAX)
        self.applet.begin()

    def ask(self, ins, data=b"", p1=0, p2=0, cla=commands.CLA):
        """One command with its chaining; Refusal with the status word of the answer."""
        steps = apdu.exchange(cla, ins, p1, p2, data, slip.command_part(FRAME_MAX))
        answer = None
        try:
            while True:
                command = steps.send(answer)
                assert len(command) + slip.OVERHEAD_BYTES <= FRAME_MAX
                answer = self.applet.answer(command)
                assert len(answer) + slip.OVERHEAD_BYTES <= FRAME_MAX
                self.applet.work()
        except StopIteration as stop:
            return stop.value

    def iso(self, ins, data=b"", p1=0, p2=0):
        return self.ask(ins, data, p1, p2, commands.CLA_ISO)

    def permit(self):
        nonce = self.iso(commands.GET_CHALLENGE)
        answer = ISSUER.authentication(self.device.id, nonce)
        self.iso(commands.EXTERNAL_AUTHENTICATE, answer)

    def hello(self):
        return cbor.decode(self.ask(commands.HELLO))


def test_hello():
    cable = Cable()
    full = cable.device.purse.full_percent()
    assert cable.hello() == [1, FRAME_MAX, 1, cable.device.id, FIRMWARE, "ready", full]
    cable.device.certificate = None
    cable.device.id = b""
    assert cable.hello() == [1, FRAME_MAX, 0, b"", FIRMWARE, "key", full]
    cable.device.signer.key = None
    assert cable.hello()[5] == "new"
    cable.device.purse.journal.damaged = True
    assert cable.hello()[5] == "damaged"


def test_the_radios_commands_have_the_radios_bytes():
    cable = Cable()
    radio = Applet(cable.payer)
    select = bytes((0x00, 0xA4, 0x04, 0x00, 7)) + commands.AID + b"\x00"
    get = bytes((0x80, 0x10, 0x00, 0x00, 0x00))
    for armed in (False, True):
        cable.device.consent.armed = armed
        assert cable.applet.answer(select) == radio.answer(select)
        if not armed:
            assert cable.applet.answer(get) == radio.answer(get)
    assert cable.ask(commands.GET_CERTIFICATE)[1:] == cable.bench.certified


def test_commands_of_the_radio_alone_are_unknown_here():
    cable = Cable()
    cable.device.consent.armed = True
    for ins in (
        commands.PUT_CERTIFICATE,
        commands.OFFER,
        commands.GET_RESULT,
        commands.GET_OPEN,
        commands.PUT_CLOSING,
    ):
        assert refused(status.UNKNOWN_INS, cable.ask, ins, b"x")
    assert refused(status.UNKNOWN_INS, cable.iso, 0x70)
    assert refused(status.UNKNOWN_CLA, cable.ask, commands.HELLO, b"", 0, 0, 0x40)


def test_p1_and_p2():
    cable = Cable()
    for (cla, ins), (parameters, _, _) in TABLE.items():
        if parameters is not None:
            assert refused(status.WRONG_P1P2, cable.ask, ins, b"x", 1, 1, cla)
    assert refused(status.NOT_FOUND, cable.iso, commands.SELECT, commands.AID, 0, 0)


def test_what_is_no_command():
    cable = Cable()
    assert cable.applet.answer(b"\x80\x30\x00") == b"\x67\x00"
    assert cable.applet.answer(b"\x80\x30\x00\x00\x05\x01") == b"\x67\x00"
    assert refused(status.WRONG_STATE, cable.iso, commands.GET_RESPONSE)


def test_reading_needs_a_right():
    cable = Cable()
    reading = (
        (commands.OPEN_SYNC, b""),
        (commands.READ_JOURNAL, b"\0\0\0\1"),
        (commands.GET_HEAD, cbor.encode([bytes(16), bytes(16)])),
        (commands.PUT_BASE, b"x"),
    )
    for ins, data in reading:
        assert refused(status.NOT_PERMITTED, cable.ask, ins, data)
    cable.permit()
    assert cable.ask(commands.OPEN_SYNC) == b"ephemeral"
    cable.applet.begin()
    assert refused(status.NOT_PERMITTED, cable.ask, commands.OPEN_SYNC)
    cable.applet.pressed_sync()
    cable.applet.begin()
    assert cable.ask(commands.OPEN_SYNC) == b"ephemeral"
    cable.applet.sync_over()
    assert refused(status.NOT_PERMITTED, cable.ask, commands.OPEN_SYNC)
    cable.iso(commands.VERIFY, PIN, 0, 0x80)
    assert cable.ask(commands.OPEN_SYNC) == b"ephemeral"


def test_long_answers_come_in_frames():
    cable = Cable()
    cable.applet.pressed_sync()
    assert cable.ask(commands.READ_JOURNAL, b"\0\0\1\2") == b"piece 258" * 40
    assert refused(status.MALFORMED, cable.ask, commands.READ_JOURNAL, b"\0\0\1")


def test_a_head_is_for_the_permitted_reader():
    cable = Cable()
    cable.permit()
    other = cbor.encode([bytes(16), bytes(16)])
    assert refused(status.MALFORMED, cable.ask, commands.GET_HEAD, other)
    own = cbor.encode([bytes(16), ISSUER.reader.kid])
    assert cable.ask(commands.GET_HEAD, own) == b"head" + bytes(16) + ISSUER.reader.kid
    cable.applet.begin()
    cable.applet.pressed_sync()
    assert cable.ask(commands.GET_HEAD, other) == b"head" + bytes(32)


def test_factory_commands_go_to_the_factory():
    cable = Cable()
    assert cable.ask(commands.GENERATE_KEY, b"x") == b"generated x"
    long = bytes(3000)
    assert cable.ask(commands.INSTALL, long) == b""
    assert cable.shelf.installed == long


def test_statements_come_from_anybody():
    cable = Cable()
    load = ISSUER.load(cable.device.id, 1, 20_000)
    cable.ask(commands.PUT_STATEMENT, load)
    cable.ask(commands.PUT_STATEMENT, load)
    assert cable.device.purse.state.balance() == 20_000
    assert cable.applet.events == [("statement", records.LOAD, 20_000)]
    stranger = Issuer(name=b"stranger").load(cable.device.id, 2, 1)
    assert refused(status.SIGNATURE, cable.ask, commands.PUT_STATEMENT, stranger)
    assert len(cable.applet.events) == 1


# Forwarded by the ledger


class Other:
    """Another device of the same issuer, as its signed messages."""

    def __init__(self, name, role=certificate.ROLE_PERSON, issuer=ISSUER):
        self.key = PaperKey(name)
        self.id = self.key.kid
        self.certified = issuer.certify(self.key.public, role)

    def signs(self, message):
        return messages.encode(message, self.key.kid, self.key.sign)

    def forwarded(self, message):
        """Data of FORWARD."""
        return cbor.encode([self.signs(message), self.certified])

    def pays(self, cable, offer, amounts):
        counter = offer.message.offer_counter
        return messages.Payment(1, cable.device.id, counter, amounts, offer.hash, bytes(32))


def offered(cable, payer, amount):
    """An open offer of this device to that payer."""
    known = cable.device.peers.learn(payer.certified)
    return messages.decode(cable.payee.ask(known, payer.id, 1, amount), messages.Offer)


def test_a_forwarded_payment_of_the_open_offer_is_closed_as_in_a_tap():
    cable, payer = Cable(), Other(b"payer")
    offer = offered(cable, payer, 500)
    payment = payer.forwarded(payer.pays(cable, offer, ((0, 500),)))
    receipt = cable.ask(commands.FORWARD, payment)
    assert messages.decode(receipt, messages.Receipt).message.verdict == messages.CREDITED
    assert cable.device.purse.state.balance() == 500
    assert cable.ask(commands.FORWARD, payment) == receipt
    assert cable.device.purse.state.balance() == 500
    assert cable.applet.events == [("forwarded", 0, 500), ("forwarded", 0, 0)]


def test_a_forwarded_payment_of_an_unpaid_offer_gets_its_void():
    cable, payer = Cable(), Other(b"payer")
    offer = offered(cable, payer, 500)
    cable.payee.cancel()
    payment = payer.pays(cable, offer, ((0, 500),))
    void = messages.decode(cable.ask(commands.FORWARD, payer.forwarded(payment)), messages.Void)
    assert void.message.payment_hash == messages.decode(payer.signs(payment)).hash
    assert cable.device.purse.state.balance() == 0


def paid(cable, payee, amount):
    """A payment of this device that is open."""
    me = cable.device
    cable.bench.purse.commit(records.LOAD, ISSUER.load(me.id, 1, 1_000))
    offer = messages.Offer(me.id, 1, 1, amount, (), 0)
    offer_raw = payee.signs(offer)
    payment = messages.Payment(
        1, payee.id, 1, ((0, amount),), messages.decode(offer_raw).hash, me.purse.journal.head_hash
    )
    raw = me.sign(payment)
    me.purse.commit(records.PAYMENT, raw, offer_raw, True)
    return messages.decode(raw).hash


def closed(is_void):
    """The balance once a payment of 600 out of 1,000 is closed by what is forwarded."""
    cable, payee = Cable(), Other(b"payee")
    payment_hash = paid(cable, payee, 600)
    receipt = messages.Receipt(payment_hash, messages.CREDITED)
    closing = payee.forwarded(messages.Void(payment_hash) if is_void else receipt)
    cable.ask(commands.FORWARD, closing)
    assert not cable.device.purse.state.open_payments
    cable.ask(commands.FORWARD, closing)
    assert cable.bench.kinds().count(records.CLOSING) == 1
    return cable.device.purse.state.balance()


def test_a_forwarded_receipt():
    assert closed(False) == 400


def test_a_forwarded_void():
    assert closed(True) == 1_000


def test_closings_that_are_not_taken():
    cable, payee, other = Cable(), Other(b"payee"), Other(b"other")
    payment_hash = paid(cable, payee, 600)
    ask, void = cable.ask, messages.Void(payment_hash)
    assert refused(status.NOT_THIS_DEVICE, ask, commands.FORWARD, other.forwarded(void))
    mixed = cbor.encode([payee.signs(void), other.certified])
    assert refused(status.SIGNATURE, ask, commands.FORWARD, mixed)
    foreign = Other(b"payee", issuer=Issuer(name=b"stranger"))
    assert refused(status.SIGNATURE, ask, commands.FORWARD, foreign.forwarded(void))
    forged = bytearray(payee.signs(void))
    forged[-1] ^= 1
    forged = cbor.encode([bytes(forged), payee.certified])
    assert refused(status.SIGNATURE, ask, commands.FORWARD, forged)
    unknown = payee.forwarded(messages.Void(bytes(32)))
    assert refused(status.UNKNOWN_REFERENCE, ask, commands.FORWARD, unknown)
    for odd in (b"", cbor.encode([1, 2]), cbor.encode([payee.signs(void)])):
        assert refused(status.MALFORMED, ask, commands.FORWARD, odd)
    offer = cbor.encode([payee.signs(messages.Offer(bytes(16), 1, 1, 1, (), 0)), payee.certified])
    assert refused(status.MALFORMED, ask, commands.FORWARD, offer)
    assert len(cable.device.purse.state.open_payments) == 1


def test_a_base_comes_part_by_part():
    cable = Cable()
    cable.applet.pressed_sync()
    cable.ask(commands.PUT_BASE, b"\x80", 0, 2)
    assert cable.applet.statements.parts == [b"\x80"]
    assert refused(status.MALFORMED, cable.ask, commands.PUT_BASE, b"\x80", 2, 2)
    cable.applet.begin()
    assert cable.applet.statements.parts == []
