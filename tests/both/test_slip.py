# SPDX-License-Identifier: Apache-2.0
"""Frames on a serial line, noise around them, and requests that come twice (PROTOCOL.md §4)."""

from binascii import crc32

from duotap import apdu, slip
from duotap.slip import Decoder, LinkServer

HELLO = bytes.fromhex("8030000000")
READ = bytes.fromhex("803400000400000001")


class Counting:
    """A device that answers with how many requests it has executed."""

    def __init__(self):
        self.executed = 0
        self.sessions = 0
        self.link = LinkServer(self.serve, self.begin)

    def serve(self, request):
        self.executed += 1
        return bytes((self.executed,)) + b"\x90\x00"

    def begin(self):
        self.sessions += 1

    def ask(self, sequence, request):
        """The answer as the host reads it: sequence and APDU, or None."""
        frames = Decoder().feed(self.link.answer(sequence, request))
        return frames[0] if frames else None


def crc(raw):
    return (crc32(raw) & 0xFFFFFFFF).to_bytes(4, "little")


def test_crc():
    # The check value of CRC-32/ISO-HDLC.
    assert crc32(b"123456789") & 0xFFFFFFFF == 0xCBF43926


def test_bytes_of_a_frame():
    assert slip.encode(5, HELLO) == b"\xc0\x05" + HELLO + crc(b"\x05" + HELLO) + b"\xc0"


def test_escapes():
    message = b"\xc0\xdb\xdc\xdd"
    framed = slip.encode(0xC0, message)
    body = framed[1:-1]
    assert framed[:1] == framed[-1:] == b"\xc0"
    assert body[:8] == b"\xdb\xdc" + b"\xdb\xdc" + b"\xdb\xdd" + b"\xdc\xdd"
    assert b"\xc0" not in body
    assert Decoder().feed(framed) == [(0xC0, message)]


def test_every_byte_and_sequence():
    decoder = Decoder()
    for number in range(256):
        message = bytes((number, 255 - number, number))
        assert decoder.feed(slip.encode(number, message)) == [(number, message)]


def test_pieces_of_any_size():
    stream = slip.encode(1, HELLO) + slip.encode(2, b"\xc0\xdb") + slip.encode(3, bytes(261))
    expected = [(1, HELLO), (2, b"\xc0\xdb"), (3, bytes(261))]
    for size in (1, 2, 3, 7, 32, 1000):
        decoder = Decoder()
        found = []
        for at in range(0, len(stream), size):
            found += decoder.feed(stream[at : at + size])
        assert found == expected, size


def test_pieces_are_any_buffer():
    framed = slip.encode(1, HELLO)
    assert Decoder().feed(bytearray(framed)) == [(1, HELLO)]
    assert Decoder().feed(memoryview(framed)) == [(1, HELLO)]


def test_one_end_between_two_frames():
    stream = slip.encode(1, HELLO)[:-1] + slip.encode(2, HELLO)
    assert Decoder().feed(stream) == [(1, HELLO), (2, HELLO)]
    assert Decoder().feed(b"\xc0\xc0" + slip.encode(2, HELLO) + b"\xc0\xc0") == [(2, HELLO)]


def test_noise_is_dropped():
    good = slip.encode(9, HELLO)
    for noise in (
        b"ets Jun  8 2016 00:22:57\r\nrst:0x1 (POWERON_RESET)\r\n",
        b"\xc0",
        b"\xdb",
        b"\xdb\xc0",
        b"\xdb\x00",
        b"\xc0\xdb\xdb",
        bytes(1000),
        good[: len(good) // 2],
        good[len(good) // 2 :],
        b"\xc0short\xc0",
    ):
        decoder = Decoder()
        assert decoder.feed(noise + good) == [(9, HELLO)], noise
        assert decoder.feed(good) == [(9, HELLO)], noise


def test_a_whole_frame_and_more_before_its_end_is_dropped():
    whole = slip.encode(5, HELLO)[:-1]
    longest = slip.encode(5, bytes(261))[:-1]
    for framed in (whole + b"\xdb", whole + b"\xdb\x00", whole + b"\x00", longest + b"\x00"):
        decoder = Decoder()
        assert decoder.feed(framed + b"\xc0") == [], framed
        assert decoder.feed(whole + b"\xc0") == [(5, HELLO)], framed


def test_what_fails_its_crc_is_dropped():
    whole = b"\x05" + HELLO
    whole += crc(whole)
    for place in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            framed = bytes(changed).replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
            assert Decoder().feed(b"\xc0" + framed + b"\xc0") == [], (place, bit)


def test_shortest_and_longest():
    assert Decoder().feed(slip.encode(0, b"\x90\x00")) == [(0, b"\x90\x00")]
    assert Decoder().feed(slip.encode(0, b"\x90")) == []
    assert Decoder().feed(slip.encode(0, b"")) == []
    assert slip.APDU_MAX == 261
    assert Decoder().feed(slip.encode(0, bytes(261))) == [(0, bytes(261))]
    assert Decoder().feed(slip.encode(0, bytes(262))) == []
    assert Decoder(120).feed(slip.encode(0, b"\xc0" * 115)) == [(0, b"\xc0" * 115)]
    decoder = Decoder(120)
    assert decoder.feed(slip.encode(0, bytes(116)) + slip.encode(1, HELLO)) == [(1, HELLO)]


def test_parts_for_small_frames():
    # The worst case of a small console: 240 bytes and two ENDs in a ring of 260.
    for frame_max, command, answer in ((120, 109, 113), (266, 255, 256), (1000, 255, 256)):
        assert slip.command_part(frame_max) == command
        assert slip.answer_part(frame_max) == answer
        raw = list(apdu.segments(0x80, 0x1C, 0, 0, bytes(command)))
        assert len(raw) == 1 and len(raw[0]) + slip.OVERHEAD_BYTES <= frame_max
        reply = apdu.Answers(answer).start(bytes(1000), 256)
        assert len(reply) + slip.OVERHEAD_BYTES <= frame_max
    assert len(slip.encode(0xC0, b"\xc0" * 115)) <= 260


def test_requests_in_order():
    device = Counting()
    assert device.ask(0, HELLO) == (0, b"\x01\x90\x00")
    assert device.ask(1, READ) == (1, b"\x02\x90\x00")
    assert device.ask(2, READ) == (2, b"\x03\x90\x00")
    assert device.sessions == 1


def test_a_repeated_request_is_not_executed():
    device = Counting()
    device.ask(0, HELLO)
    for _ in range(3):
        assert device.ask(1, READ) == (1, b"\x02\x90\x00")
    assert device.executed == 2
    assert device.ask(2, READ) == (2, b"\x03\x90\x00")


def test_sequences_begin_anew_after_255():
    device = Counting()
    device.ask(0, HELLO)
    for number in range(1, 600):
        sequence = number & 0xFF
        assert device.ask(sequence, READ) == (sequence, bytes((number + 1 & 0xFF,)) + b"\x90\x00")
        if device.executed == 255:
            device.executed = -1
    assert device.ask(599 & 0xFF, READ) is not None
    assert device.sessions == 1


def test_hello_begins_a_session():
    device = Counting()
    device.ask(0, HELLO)
    device.ask(1, READ)
    assert device.ask(0, HELLO) == (0, b"\x03\x90\x00")
    assert device.ask(0, HELLO) == (0, b"\x04\x90\x00")
    assert device.sessions == 3
    assert device.ask(1, READ) == (1, b"\x05\x90\x00")


def test_other_sequences_are_dropped():
    device = Counting()
    for sequence, request in ((0, READ), (1, HELLO), (1, READ), (255, READ)):
        assert device.ask(sequence, request) is None, "before the first HELLO"
    device.ask(0, HELLO)
    device.ask(1, READ)
    for sequence in (0, 3, 4, 255):
        assert device.ask(sequence, READ) is None, sequence
    assert device.executed == 2
    assert device.ask(2, READ) == (2, b"\x03\x90\x00")


def test_a_device_that_broke_down_waits_for_hello():
    def broken(request):
        raise ValueError

    device = Counting()
    device.ask(0, HELLO)
    served, device.link._serve = device.link._serve, broken
    try:
        device.ask(1, READ)
    except ValueError:
        pass
    device.link._serve = served
    assert device.ask(0, READ) is None
    assert device.ask(1, READ) is None
    assert device.ask(0, HELLO) == (0, b"\x02\x90\x00")
