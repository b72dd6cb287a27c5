# SPDX-License-Identifier: Apache-2.0
"""The PN532 driver against a scripted chip: what it writes, and what it makes of the answers.

A line of a script is a frame's body: `>` what the driver must send, `<` what the chip says then.
The chip acknowledges by itself. `~` waits for the task to be cancelled.
"""

import asyncio
from binascii import hexlify, unhexlify

from drivers.pn532 import AirFault, Hsu, Listener, Pn532, Poller, Released, SyntaxFault
from duotap.errors import Fault, Timeout

ACK = "0000ff00ff00"
NACK = "0000ffff0000"
# SAMConfiguration, GetFirmwareVersion, SetParameters, RFConfiguration retries and field.
SETUP = (
    "> 14010001",
    "< 15",
    "> 02",
    "< 0332010607",
    "> 1234",
    "< 13",
    "> 3205ff0101",
    "< 33",
    "> 320100",
    "< 33",
)
LISTEN = (
    "> 0863013f",
    "< 09",
    "> 8c05 0400 000000 20 01fea2a3a4a5a6a7 c0c1c2c3c4c5c6c7 ffff" + "00" * 12,
    "< 8d08e080",
)
FOUND = "< 4b01 01 0004 20 04 08112233 05 75339203"


class Clock:
    """Time is the number of milliseconds slept."""

    def __init__(self):
        self.now_ms = 0

    def ticks_ms(self):
        return self.now_ms

    def ticks_us(self):
        return self.now_ms * 1000

    def diff(self, later, earlier):
        return later - earlier

    async def sleep_ms(self, ms):
        self.now_ms += ms
        await asyncio.sleep(0)

    async def poll(self, ready, timeout_ms, step_ms=2):
        began = self.now_ms
        while not ready():
            if timeout_ms is not None and self.now_ms - began >= timeout_ms:
                raise Timeout("nothing came in time")
            await self.sleep_ms(step_ms)


class ScriptedUart:
    """Takes frames in pieces of at most 100 bytes; answers as its script says."""

    def __init__(self, *script):
        self.lines = [(line[0], unhexlify(line[2:].replace(" ", ""))) for line in script]
        self.raw = []  # frames without a body, as text
        self.spoil = {}  # number of a frame of the chip: what is left of it
        self.told = 0
        self.woken = 0
        self.baudrate = 115200
        self._in = bytearray()
        self._out = bytearray()
        self._last = b""

    def init(self, baudrate):
        self.baudrate = baudrate

    def any(self):
        return len(self._out)

    def read(self, count):
        chunk = bytes(self._out[:count])
        self._out = self._out[count:]
        return chunk

    def readinto(self, view):
        chunk = self.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def write(self, view):
        chunk = bytes(view[:100])
        self.woken += chunk == b"\x55\x55"
        self._in += chunk
        frame = bytes(self._in).lstrip(b"\x55")
        if len(frame) >= 6 and frame[3:5] in (b"\x00\xff", b"\xff\x00"):
            self._in = bytearray()
            self._bare(hexlify(frame).decode())
        elif len(frame) >= 8 and len(frame) >= frame_length(frame):
            self._in = bytearray()
            self._command(frame)
        return len(chunk)

    def _bare(self, frame):
        self.raw.append(frame)
        if frame == NACK:
            self._say(self._last)

    def _command(self, frame):
        kind, body = self.lines.pop(0)
        begin = 9 if frame[3:5] == b"\xff\xff" else 6
        got = frame[begin:-2]
        assert kind == ">" and got == body, hexlify(got)
        self._say(unhexlify(ACK))
        while self.lines and self.lines[0][0] == "<":
            self._last = chip_frame(self.lines.pop(0)[1])
            self._say(self._last)

    def _say(self, frame):
        self.told += 1
        self._out += self.spoil.get(self.told, lambda whole: whole)(frame)


def frame_length(frame):
    """Of a host's frame, by its header."""
    if frame[3:5] == b"\xff\xff":
        return (frame[5] << 8 | frame[6]) + 10
    return frame[3] + 7


def chip_frame(body):
    """What a chip sends; an empty body is the error frame."""
    body = b"\xd5" + body if body else b"\x7f"
    count = len(body)
    if count > 255:
        head = bytes([0, 0, 0xFF, 0xFF, 0xFF, count >> 8, count & 0xFF])
        head += bytes([-((count >> 8) + count) & 0xFF])
    else:
        head = bytes([0, 0, 0xFF, count, -count & 0xFF])
    return head + body + bytes([-sum(body) & 0xFF, 0])


class Play:
    """A driver on a script; the script must have been used up in the end."""

    def __init__(self, *script):
        self.clock = Clock()
        self.uart = ScriptedUart(*script)
        self.pn532 = Pn532(Hsu(self.uart, self.clock), self.clock)

    def run(self, story):
        result = asyncio.run(story)
        assert not self.uart.lines, self.uart.lines
        assert self.pn532.quiet
        return result


async def ends_in(kind, story):
    """The error that `story` raises, which is of class `kind`."""
    try:
        await story
    except kind as error:
        return error
    raise AssertionError("no error")


def text(octets):
    return hexlify(octets).decode()


def test_setting_up_writes_everything_that_it_relies_on():
    play = Play(*SETUP)
    play.run(play.pn532.setup())
    assert text(play.pn532.firmware_version) == "32010607"
    assert play.uart.raw == [ACK, ACK]


def test_another_chip_is_refused():
    play = Play(*(SETUP[:3] + ("< 0333010607",)))
    play.run(ends_in(Fault, play.pn532.setup()))


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
        assert error.status == 1 and "time-out" in error.reason
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
    play = Play("> 4001aa", "> 4001aa", "< 41009000")
    play.uart.spoil[1] = lambda frame: b""
    assert play.run(play.pn532.exchange(b"\xaa")) == b"\x90\x00"
    assert 15 <= play.clock.now_ms < 40


def test_older_frames_are_passed_over():
    play = Play("> 4001aa", "< 8d08e080", "< 41009000")
    assert play.run(play.pn532.exchange(b"\xaa")) == b"\x90\x00"


def test_no_response_ends_in_an_abort():
    play = Play("> 4001aa")
    play.run(ends_in(Timeout, play.pn532.exchange(b"\xaa", 1, 3000)))
    assert play.uart.raw == [ACK, ACK]
    assert 3000 <= play.clock.now_ms < 3060


def test_a_cancelled_listen_is_aborted_and_the_chip_woken_before_the_next_command():
    play = Play(*(LISTEN[:3] + ("> 02", "< 0332010607")))

    async def story():
        task = asyncio.create_task(play.pn532.listen())
        while len(play.uart.lines) > 2:
            await play.clock.sleep_ms(1)
        for _ in range(20):
            await play.clock.sleep_ms(1)
        assert not play.pn532.quiet
        assert play.uart.woken == 1
        task.cancel()
        await ends_in(asyncio.CancelledError, task)
        assert play.uart.raw == [ACK, ACK]
        assert play.uart.woken == 3
        await play.pn532.link.command(b"\x02")
        assert play.uart.woken == 4

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


def test_a_higher_speed_is_confirmed_by_the_host():
    play = Play("> 1006", "< 11", "> 02", "< 0332010607")
    play.run(play.pn532.set_baudrate(460800))
    assert play.uart.baudrate == 460800
    assert play.uart.raw == [ACK]
