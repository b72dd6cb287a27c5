# SPDX-License-Identifier: Apache-2.0
"""APDUs of the four cases, command chaining and GET RESPONSE, both ends against each other."""

from duotap import apdu, status
from duotap.apdu import Answers, Chaining, Command
from duotap.errors import Malformed, Refusal
from raising import raises

# ISO 7816-3 §12.1.3: case, bytes, command.
CASES = (
    ("1", "80300000", Command(0x80, 0x30, 0, 0, b"", None)),
    ("2", "8030000010", Command(0x80, 0x30, 0, 0, b"", 16)),
    ("2, 256", "8030000000", Command(0x80, 0x30, 0, 0, b"", 256)),
    ("3", "801600000201ff", Command(0x80, 0x16, 0, 0, b"\x01\xff", None)),
    ("4", "80160a0b0201ff05", Command(0x80, 0x16, 10, 11, b"\x01\xff", 5)),
    ("4, 256", "00a4040007f044554f54415000", Command(0, 0xA4, 4, 0, b"\xf0DUOTAP", 256)),
)
WRONG_LENGTH = (
    ("", "nothing"),
    ("803000", "no P2"),
    ("8016000000ff", "Lc of 0 with a byte after"),
    ("8016000002aa", "a byte too few"),
    ("8016000002aabb0000", "a byte after Le"),
    ("80160000000002aabb", "extended Lc"),
    ("80160000000000", "extended Le"),
)


def sw_of(action, *arguments):
    try:
        action(*arguments)
    except Refusal as refusal:
        return refusal.sw
    return status.OK


def drive(exchange, answer):
    """Run the poller's generator against `answer(command)`; what went over, and the result."""
    sent = []
    try:
        raw = next(exchange)
        while True:
            sent.append(raw)
            raw = exchange.send(answer(raw))
    except StopIteration as end:
        return sent, end.value


class Listener:
    """The other end: chaining, then an echo of data repeated, then GET RESPONSE."""

    def __init__(self, times, part=256):
        self.chaining = Chaining()
        self.answers = Answers(part)
        self.times = times
        self.longest = 0

    def answer(self, raw):
        command = apdu.parse(raw)
        if command.ins == 0xC0:
            reply = self.answers.next(command.le)
        else:
            whole = self.chaining.add(command)
            if whole is None:
                return apdu.response(b"", status.OK)
            reply = self.answers.start(whole.data * self.times, whole.le)
        self.longest = max(self.longest, len(reply) - 2)
        return reply


def test_cases():
    for case, raw, command in CASES:
        assert apdu.parse(bytes.fromhex(raw)) == command, case
        assert apdu.build(command) == bytes.fromhex(raw), case


def test_longest_command():
    command = Command(0x90, 0x1C, 0, 0, bytes(255), 256)
    assert len(apdu.build(command)) == 261
    assert apdu.parse(apdu.build(command)) == command


def test_wrong_lengths():
    for raw, why in WRONG_LENGTH:
        assert sw_of(apdu.parse, bytes.fromhex(raw)) == status.WRONG_LENGTH, why


def test_responses():
    assert apdu.response(b"ab", status.OK) == b"ab\x90\x00"
    assert apdu.split(b"ab\x9a\x05") == (b"ab", 0x9A05)
    assert apdu.split(b"\x6d\x00") == (b"", status.UNKNOWN_INS)
    for raw in (b"", b"\x90"):
        assert raises(Malformed, apdu.split, raw)


def test_a_chain_is_put_together():
    chaining = Chaining()
    first = Command(0x90, 0x1C, 1, 2, b"ab", None)
    assert chaining.add(first) is None
    assert chaining.add(first) is None
    last = Command(0x80, 0x1C, 1, 2, b"c", 256)
    assert chaining.add(last) == Command(0x80, 0x1C, 1, 2, b"ababc", 256)
    assert chaining.add(last) == last


def test_any_other_command_ends_a_chain():
    first = Command(0x90, 0x1C, 1, 2, b"ab", None)
    for other in (
        Command(0x80, 0x1A, 1, 2, b"c", None),
        Command(0x80, 0x1C, 0, 2, b"c", None),
        Command(0x80, 0x1C, 1, 0, b"c", None),
        Command(0x00, 0x1C, 1, 2, b"c", None),
    ):
        chaining = Chaining()
        assert chaining.add(first) is None
        assert chaining.add(other) == other
        last = Command(0x80, 0x1C, 1, 2, b"c", None)
        assert chaining.add(last) == last, "the chain is forgotten"


def test_reset_forgets_a_chain():
    chaining = Chaining()
    chaining.add(Command(0x90, 0x1C, 0, 0, b"ab", None))
    chaining.reset()
    last = Command(0x80, 0x1C, 0, 0, b"c", None)
    assert chaining.add(last) == last


def test_longest_chain():
    chaining = Chaining()
    part = Command(0x90, 0x1C, 0, 0, bytes(128), None)
    for _ in range(30):
        assert chaining.add(part) is None
    assert chaining.add(Command(0x80, 0x1C, 0, 0, bytes(60), None)).data == bytes(3900)
    for _ in range(30):
        assert chaining.add(part) is None
    last = Command(0x80, 0x1C, 0, 0, bytes(61), None)
    assert sw_of(chaining.add, last) == status.WRONG_LENGTH
    assert chaining.add(last) == last, "nothing is kept of what was too long"


def test_short_answers():
    answers = Answers()
    assert answers.start(b"", None) == b"\x90\x00"
    assert answers.start(b"", 256) == b"\x90\x00"
    assert answers.start(b"ab", 256) == b"ab\x90\x00"
    assert answers.start(b"ab", 2) == b"ab\x90\x00"
    assert sw_of(answers.next, 256) == status.WRONG_STATE


def test_long_answers():
    answers = Answers()
    whole = bytes([number & 0xFF for number in range(600)])
    assert answers.start(whole, 256) == whole[:256] + b"\x61\x00"
    assert answers.next(256) == whole[256:512] + b"\x61\x58"
    assert answers.next(80) == whole[512:592] + b"\x61\x08"
    assert answers.next(None) == whole[592:] + b"\x90\x00"
    assert sw_of(answers.next, 256) == status.WRONG_STATE


def test_answer_in_parts_of_a_size():
    answers = Answers(100)
    whole = bytes(range(201))
    assert answers.start(whole, 256) == whole[:100] + b"\x61\x65"
    assert answers.next(0x65) == whole[100:200] + b"\x61\x01"
    assert answers.next(1) == whole[200:] + b"\x90\x00"


def test_without_le_an_answer_waits():
    answers = Answers()
    assert answers.start(b"abc", None) == b"\x61\x03"
    assert answers.next(3) == b"abc\x90\x00"


def test_a_new_answer_and_a_reset_drop_what_waits():
    answers = Answers()
    answers.start(bytes(300), 256)
    assert answers.start(b"ab", 256) == b"ab\x90\x00"
    assert sw_of(answers.next, 256) == status.WRONG_STATE
    answers.start(bytes(300), 256)
    answers.reset()
    assert sw_of(answers.next, 256) == status.WRONG_STATE


def test_segments():
    assert list(apdu.segments(0x80, 0x30, 0, 0, b"")) == [bytes.fromhex("8030000000")]
    short = list(apdu.segments(0x80, 0x14, 0, 0, bytes(255)))
    assert [raw[:5] + raw[-1:] for raw in short] == [bytes.fromhex("80140000ff00")]
    parts = [apdu.parse(raw) for raw in apdu.segments(0x80, 0x14, 0, 0, bytes(120), 52)]
    assert [(c.cla, len(c.data), c.le) for c in parts] == [
        (0x90, 52, None),
        (0x90, 52, None),
        (0x80, 16, 256),
    ]


def test_both_ends():
    for length, times, part in (
        (0, 1, 255),
        (1, 1, 255),
        (255, 1, 255),
        (256, 1, 255),
        (257, 1, 52),
        (512, 3, 255),
        (700, 5, 109),
        (3900, 1, 255),
    ):
        data = bytes([number * 7 & 0xFF for number in range(length)])
        listener = Listener(times, part)
        exchange = apdu.exchange(0x80, 0x1C, 0, 0, data, part)
        sent, answer = drive(exchange, listener.answer)
        assert answer == data * times, (length, times, part)
        assert max([len(raw) for raw in sent]) <= part + 6
        assert listener.longest <= part


def test_transcript():
    listener = Listener(1, 4)
    sent, answer = drive(apdu.exchange(0x80, 0x16, 0, 0, b"abcdefg", 3), listener.answer)
    assert [raw.hex() for raw in sent] == [
        "9016000003616263",
        "9016000003646566",
        "80160000016700",
        "00c0000003",
    ]
    assert answer == b"abcdefg"


def test_refusals_reach_the_poller():
    def refuse(raw):
        return b"\x9a\x05"

    assert sw_of(drive, apdu.exchange(0x80, 0x14, 0, 0, b"a"), refuse) == status.CONFIRM
    assert sw_of(drive, apdu.exchange(0x80, 0x14, 0, 0, bytes(300)), refuse) == status.CONFIRM
    answers = [b"a\x90\x00", b"\x90\x00"]
    exchange = apdu.exchange(0x80, 0x14, 0, 0, bytes(300))
    assert raises(Malformed, drive, exchange, lambda raw: answers.pop(0)), "data to a part"
    answers = [b"a\x61\x02", b"\x69\x85"]
    exchange = apdu.exchange(0x80, 0x14, 0, 0, b"a")
    assert sw_of(drive, exchange, lambda raw: answers.pop(0)) == status.WRONG_STATE
    exchange = apdu.exchange(0x80, 0x14, 0, 0, b"a")
    assert raises(Malformed, drive, exchange, lambda raw: b"\x90")


def test_an_answer_without_end():
    for reply in (b"\x61\x00", b"a\x61\x01", bytes(256) + b"\x61\x00"):
        exchange = apdu.exchange(0x80, 0x14, 0, 0, b"a")
        assert raises(Malformed, drive, exchange, lambda raw, reply=reply: reply)


def test_a_chain_of_small_parts_ends():
    for part in (b"", b"\x01"):
        chaining = Chaining()
        piece = Command(0x90, 0x16, 0, 0, part, None)
        for _ in range(apdu.PARTS_MAX):
            assert chaining.add(piece) is None
        assert sw_of(chaining.add, piece) == status.WRONG_LENGTH
        assert chaining.add(Command(0x80, 0x16, 0, 0, b"\x02", None)).data == b"\x02"
