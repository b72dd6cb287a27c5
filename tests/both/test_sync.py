# SPDX-License-Identifier: Apache-2.0
"""The commands of a cable, APDU by APDU (PROTOCOL.md §5, column S)."""

from cable import FRAME_MAX, ISSUER, PIN, Cable
from duotap import cbor, commands, records, status
from duotap.applet import Applet
from duotap.sync import TABLE
from issuing import FIRMWARE, Issuer, refused


def test_hello():
    cable = Cable()
    full = cable.device.purse.full_percent()
    assert cable.hello() == [1, FRAME_MAX, 1, cable.device.id, FIRMWARE, "ready", full, 0]
    cable.device.certificate = None
    cable.device.id = b""
    assert cable.hello() == [1, FRAME_MAX, 0, b"", FIRMWARE, "key", full, 0]
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


def test_a_base_comes_part_by_part():
    cable = Cable()
    cable.applet.pressed_sync()
    cable.ask(commands.PUT_BASE, b"\x80", 0, 2)
    assert cable.shelf.taken.parts == [b"\x80"]
    assert refused(status.MALFORMED, cable.ask, commands.PUT_BASE, b"\x80", 2, 2)
    cable.applet.begin()
    assert cable.shelf.taken.parts == []
