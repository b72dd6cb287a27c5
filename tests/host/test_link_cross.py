# SPDX-License-Identifier: Apache-2.0
"""APDUs and serial frames over lines that lose, repeat, cut and add bytes."""

from __future__ import annotations

from collections.abc import Generator

from duotap import apdu, slip, status
from duotap.errors import Refusal
from hypothesis import example, given
from hypothesis import strategies as st

HELLO = bytes.fromhex("8030000000")
APDUS = st.binary(min_size=2, max_size=slip.APDU_MAX)
SEQUENCES = st.integers(0, 255)
# What a line does to one frame; noise without END cannot end a frame early.
OK, LOST, TWICE, CUT, CHANGED, NOISE = range(6)
MISHAPS = st.lists(st.sampled_from((OK, LOST, TWICE, CUT, CHANGED, NOISE)), max_size=60)


@given(st.lists(st.tuples(SEQUENCES, APDUS), max_size=5), st.integers(1, 300))
def test_frames_in_any_pieces(frames: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(slip.encode(*frame) for frame in frames)
    decoder = slip.Decoder()
    found = []
    for at in range(0, len(stream), size):
        found += decoder.feed(stream[at : at + size])
    assert found == frames


@given(st.binary(max_size=600), SEQUENCES, APDUS)
@example(b"\xdb", 0xDB, b"\xdb\xc0")
@example(b"\xc0\xc0\xdb", 0xC0, b"\xc0\xc0")
def test_a_frame_after_any_noise(noise: bytes, sequence: int, message: bytes) -> None:
    decoder = slip.Decoder()
    decoder.feed(noise)
    assert decoder.feed(slip.encode(sequence, message))[-1:] == [(sequence, message)]


@given(APDUS, st.data())
def test_a_changed_frame_is_no_other_frame(message: bytes, data: st.DataObject) -> None:
    framed = bytearray(slip.encode(7, message))
    framed[data.draw(st.integers(0, len(framed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert set(slip.Decoder().feed(framed)) <= {(7, message)}


@given(st.binary(max_size=400))
def test_any_bytes_as_a_command(raw: bytes) -> None:
    try:
        command = apdu.parse(raw)
    except Refusal as refusal:
        sw = refusal.sw
    else:
        sw = status.WRONG_LENGTH
        assert apdu.build(command) == raw
    assert sw == status.WRONG_LENGTH


class Line:
    """One direction of a line; each frame that is sent meets the next mishap."""

    def __init__(self, mishaps: list[int]) -> None:
        self.mishaps = iter(mishaps)
        self.decoder = slip.Decoder()

    def send(self, framed: bytes) -> list[tuple[int, bytes]]:
        """The frames that arrive."""
        middle = len(framed) // 2
        changed = framed[:middle] + bytes((framed[middle] ^ 0x10,)) + framed[middle + 1 :]
        arriving = {
            OK: framed,
            LOST: b"",
            TWICE: framed + framed,
            CUT: framed[:middle],
            CHANGED: changed,
            NOISE: b"boot text\r\n" + framed,
        }[next(self.mishaps, OK)]
        return self.decoder.feed(arriving)


def ask(link: slip.LinkServer, there: Line, back: Line, sequence: int, request: bytes) -> bytes:
    """The host's part: the same frame again until its answer comes."""
    while True:
        for frame in there.send(slip.encode(sequence, request)):
            for its_sequence, answer in back.send(link.answer(*frame) or b"\xc0"):
                if its_sequence == sequence:
                    return answer


@given(MISHAPS, MISHAPS, st.integers(0, 300))
@example([TWICE] * 60, [LOST] * 60, 10)
def test_every_request_is_executed_once(there: list[int], back: list[int], count: int) -> None:
    executed: list[bytes] = []

    def serve(request: bytes) -> bytes:
        if request != HELLO:
            executed.append(request)
        return request + b"\x90\x00"

    link = slip.LinkServer(serve, executed.clear)
    lines = Line(there), Line(back)
    assert ask(link, *lines, 0, HELLO) == HELLO + b"\x90\x00"
    requests = [number.to_bytes(4, "big") for number in range(count)]
    for number, request in enumerate(requests):
        assert ask(link, *lines, (number + 1) % 256, request) == request + b"\x90\x00"
    assert executed == requests


def listener(data: bytes, part: int) -> Generator[bytes, bytes, None]:
    """A card that answers each command with its data twice."""
    chaining, answers = apdu.Chaining(), apdu.Answers(part)
    reply = b""
    while True:
        command = apdu.parse((yield reply))
        if command.ins == 0xC0:
            reply = answers.next(command.le)
            continue
        whole = chaining.add(command)
        if whole is None:
            reply = b"\x90\x00"
        else:
            assert whole.data == data
            reply = answers.start(whole.data * 2, whole.le)


def run(poller: Generator[bytes, bytes, bytes], card: Generator[bytes, bytes, None]) -> bytes:
    """Lead one command to its end."""
    segment = next(poller)
    while True:
        try:
            segment = poller.send(card.send(segment))
        except StopIteration as end:
            return bytes(end.value)


@given(st.binary(max_size=2000), st.integers(1, 255), st.integers(32, 256))
def test_commands_and_answers_of_any_size(data: bytes, part: int, answer_part: int) -> None:
    card = listener(data, answer_part)
    next(card)
    assert run(apdu.exchange(0x80, 0x1C, 0, 0, data, part), card) == data * 2
