# SPDX-License-Identifier: Apache-2.0
"""The PN532 driver against a scripted chip: what it writes, and what it makes of the answers."""

import asyncio
from binascii import unhexlify

from drivers.pn532_polling import Poller
from drivers.pn532_status import AirFault, Released, SyntaxFault
from duotap.errors import Fault, Timeout
from pn532_listener import Listener
from scripted_pn532 import Play, ends_in, text
from scripted_uart import ACK, FOUND, LISTEN, NACK, SETUP, chip_frame


def test_a_card_is_selected_and_asked():
    script = ("> 4a0200", FOUND, "> 4001 00a4", "< 4100 9000", "> 5200", "< 5300") + SETUP[-2:]
    play = Play(*script)

    async def story():
        targets = await play.pn532.list_passive()
        assert [tuple(target) for target in targets] == [
            (1, b"\x00\x04", 0x20, b"\x08\x11\x22\x33", b"\x05\x75\x33\x92\x03")
        ]
        poller = Poller(play.pn532, targets[0])
        assert await poller.transceive(b"\x00\xa4") == b"\x90\x00"
        await poller.close()
        await ends_in(Released, poller.transceive(b"\x00\xa4"))

    play.run(story())


def test_two_targets_with_and_without_ats():
    play = Play(
        "> 4a0200", "< 4b02 01 0004 20 04 08112233 05 75339203 02 0044 00 07 04112233445566"
    )

    async def story():
        return await play.pn532.list_passive()

    first, second = play.run(story())
    assert text(first.ats) == "0575339203"
    assert (text(second.uid), second.ats, second.sel_res) == ("04112233445566", b"", 0)


def test_a_list_that_is_cut_off_is_a_fault():
    for cut in ("< 4b01", "< 4b01 01 0004 20", "< 4b"):
        play = Play("> 4a0200", cut)
        play.run(ends_in(Fault, play.pn532.list_passive()))


def test_long_apdus_go_and_come_in_parts():
    sent = bytes(i & 0xFF for i in range(300))
    script = (
        "> 4041" + text(sent[:262]),
        "< 4100",
        "> 4001" + text(sent[262:]),
        "< 4140" + "aa" * 262,
        "> 4001",
        "< 4100bb9000",
    )
    play = Play(*script)
    assert play.run(play.pn532.exchange(sent)) == b"\xaa" * 262 + b"\xbb\x90\x00"


def test_a_card_answers_until_it_is_released():
    script = LISTEN + ("> 86", "< 8700 00a4", "> 8e 9000", "< 8f00", "> 86", "< 8729")
    play = Play(*(script + LISTEN[2:] + ("> 86", "< 8725")))
    quiet = []

    async def answer(apdu):
        assert apdu == b"\x00\xa4"
        quiet.append(play.pn532.quiet)
        return b"\x90\x00"

    async def story():
        listener = Listener(play.pn532)
        return await listener.session(answer), await listener.session(answer)

    assert play.run(story()) == (1, 0)
    assert quiet == [True]


def test_long_answers_are_set_in_parts():
    script = ("> 94" + "cc" * 262, "< 9500", "> 8e" + "cc" * 38, "< 8f00")
    play = Play(*script)
    play.run(play.pn532.put_apdu(b"\xcc" * 300))
    play = Play("> 86", "< 8740" + "dd" * 262, "> 86", "< 8700ee")
    assert play.run(play.pn532.get_apdu()) == b"\xdd" * 262 + b"\xee"


def test_status_and_error_frame_are_faults_by_name():
    play = Play("> 4001aa", "< 4101", "> 4001aa", "< 4129", "> 4001aa", "< ", "> 4001aa", "< 41")

    async def story():
        error = await ends_in(AirFault, play.pn532.exchange(b"\xaa"))
        assert error.status == 1 and "time-out" in str(error)
        await ends_in(Released, play.pn532.exchange(b"\xaa"))
        await ends_in(SyntaxFault, play.pn532.exchange(b"\xaa"))
        await ends_in(Fault, play.pn532.exchange(b"\xaa"))

    play.run(story())


def test_a_bad_frame_is_asked_for_again():
    for spoil in (
        lambda frame: frame[:-2] + b"\x55\x00",
        lambda frame: frame[:7],
        lambda frame: frame[3:],
    ):
        play = Play("> 4001aa", "< 41009000")
        play.uart.spoil[2] = spoil
        assert play.run(play.pn532.exchange(b"\xaa")) == b"\x90\x00"
        assert play.uart.raw == [NACK]


def test_a_command_without_ack_is_sent_again():
    play = Play("> 4a0200", "> 4a0200", "< 4b00")
    play.uart.spoil[1] = lambda frame: b""
    assert play.run(play.pn532.list_passive()) == ()
    assert 15 <= play.clock.now_ms < 40


def test_what_must_not_be_done_twice_is_sent_once():
    for command, story in (
        ("> 4001aa", lambda pn532: pn532.exchange(b"\xaa")),
        ("> 8eaa", lambda pn532: pn532.put_apdu(b"\xaa")),
        ("> 94" + "aa" * 262, lambda pn532: pn532.put_apdu(b"\xaa" * 300)),
    ):
        play = Play(command)
        play.uart.spoil[1] = lambda frame: b""
        error = play.run(ends_in(Fault, story(play.pn532)))
        assert not isinstance(error, Timeout)


def test_a_broken_ack_and_a_response_without_ack_tell_enough():
    for broken in ("0000ff00fe00", "0000ff", "0000fe00ff00", ""):
        play = Play("> 4001aa", "< 41009000")
        play.uart.spoil[1] = lambda frame: unhexlify(broken)  # noqa: B023  (used at once)
        assert play.run(play.pn532.exchange(b"\xaa")) == b"\x90\x00", broken


def test_noise_brings_no_older_answer():
    """NACK while the chip works brings the response before: it knows no other one yet."""
    play = Play("> 4001aa", "< 41009000", "> 4001bb")

    async def story():
        assert await play.pn532.exchange(b"\xaa") == b"\x90\x00"
        play.uart.spoil[3] = lambda frame: frame[:5] + b"\x55"
        await ends_in(Timeout, play.pn532.exchange(b"\xbb", 1, 300))

    play.run(story())
    assert NACK in play.uart.raw


def test_older_frames_are_passed_over():
    play = Play("> 4001aa", "< 8d08e080", "< 41009000")
    assert play.run(play.pn532.exchange(b"\xaa")) == b"\x90\x00"


def test_no_response_ends_in_an_abort():
    play = Play("> 4001aa")
    play.run(ends_in(Timeout, play.pn532.exchange(b"\xaa", 1, 3000)))
    assert play.uart.raw == [ACK, ACK]
    assert 3000 <= play.clock.now_ms < 3060


def test_a_cancelled_listen_is_aborted_and_ended():
    """The chip is woken before each ACK, and once more to end an activation that was faster."""
    play = Play(*(LISTEN[:3] + ("> 5200", "< 5300", "> 02", "< 0332010607")))

    async def story():
        task = asyncio.create_task(play.pn532.listen())
        while len(play.uart.lines) > 4:
            await play.clock.sleep_ms(1)
        for _ in range(20):
            await play.clock.sleep_ms(1)
        assert not play.pn532.quiet
        assert play.uart.woken == 1
        task.cancel()
        await ends_in(asyncio.CancelledError, task)
        assert play.uart.raw == [ACK, ACK]
        assert play.uart.woken == 4
        await play.pn532.link.command(b"\x02")
        assert play.uart.woken == 4

    play.run(story())


def test_a_chip_that_says_nothing_to_a_cancel_keeps_nobody_from_being_cancelled():
    play = Play(*LISTEN[:3])

    async def story():
        task = asyncio.create_task(play.pn532.listen())
        while play.uart.lines:
            await play.clock.sleep_ms(1)
        for _ in range(20):
            await play.clock.sleep_ms(1)
        play.uart._command = lambda frame: None
        task.cancel()
        await ends_in(asyncio.CancelledError, task)

    play.run(story())


def test_the_field_is_off_before_listening():
    play = Play(*(("> 4a0200", "< 4b00") + SETUP[-2:] + LISTEN))

    async def story():
        assert await play.pn532.list_passive() == ()
        assert await play.pn532.listen() == b"\xe0\x80"

    play.run(story())


def test_an_activation_that_crossed_the_abort_is_ended():
    play = Play(*(LISTEN[:3] + ("> 5200", "< 5300")))

    async def story():
        task = asyncio.create_task(play.pn532.listen())
        while len(play.uart.lines) > 2:
            await play.clock.sleep_ms(1)
        for _ in range(20):
            await play.clock.sleep_ms(1)
        task.cancel()
        play.uart._say(chip_frame(unhexlify("8d08e080")))
        await ends_in(asyncio.CancelledError, task)

    play.run(story())
