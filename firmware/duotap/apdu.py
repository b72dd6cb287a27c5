# SPDX-License-Identifier: Apache-2.0
"""APDUs with short length fields (ISO 7816-3 §12.1), command chaining (ISO 7816-4 §5.3.3) and
GET RESPONSE (ISO 7816-4 §5.3.4), for both sides (PROTOCOL.md §4).

It knows no command but GET RESPONSE and moves no bytes: `exchange` is a generator that yields
C-APDUs and is sent R-APDUs.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import commands, status
from duotap.errors import Malformed, Refusal

if TYPE_CHECKING:
    from typing import Generator, Iterator, NamedTuple

    class Command(NamedTuple):
        """A C-APDU. `le`: how many bytes may come back, None if the field is missing."""

        cla: int
        ins: int
        p1: int
        p2: int
        data: bytes
        le: int | None

    class Response(NamedTuple):
        """An R-APDU: its data field and status word."""

        data: bytes
        sw: int
else:
    Command = namedtuple("Command", "cla ins p1 p2 data le")
    Response = namedtuple("Response", "data sw")

HEADER_BYTES = 4
COMMAND_PART_MAX = 255  # Lc is one byte
ANSWER_PART_MAX = 256  # Le is one byte, 00 stands for 256
# Of a chained command: what it brings, and a carried copy of it, fits the record of one sector.
COMMAND_MAX = 3900
ANSWER_MAX = 4096  # a sealed chunk that holds the longest record
# Of a command or an answer, in parts of 32 bytes; ends who never comes to an end, or who fills the
# heap with parts of one byte.
PARTS_MAX = 128


def parse(raw: bytes) -> Command:
    """A C-APDU of case 1, 2, 3 or 4. Refusal 6700 for any other length, extended ones included."""
    if len(raw) < HEADER_BYTES:
        raise Refusal(status.WRONG_LENGTH, "command without a header")
    data = b""
    le = None
    body = raw[HEADER_BYTES:]
    if len(body) == 1:
        le = body[0] or ANSWER_PART_MAX
    elif body:
        end = 1 + body[0]
        if body[0] == 0 or not end <= len(body) <= end + 1:
            raise Refusal(status.WRONG_LENGTH, "Lc and length of the command differ")
        data = body[1:end]
        if len(body) > end:
            le = body[end] or ANSWER_PART_MAX
    return Command(raw[0], raw[1], raw[2], raw[3], data, le)


def build(command: Command) -> bytes:
    """The bytes of a C-APDU; `data` is at most 255 bytes, `le` None or 1 … 256."""
    raw = bytes((command.cla, command.ins, command.p1, command.p2))
    if command.data:
        raw += bytes((len(command.data),)) + command.data
    if command.le is not None:
        raw += bytes((command.le & 0xFF,))
    return raw


def response(data: bytes, sw: int) -> bytes:
    """The bytes of an R-APDU."""
    return data + bytes((sw >> 8, sw & 0xFF))


def split(raw: bytes) -> Response:
    """The parts of an R-APDU. Malformed without a status word."""
    if len(raw) < 2:
        raise Malformed("answer without a status word")
    return Response(raw[:-2], raw[-2] << 8 | raw[-1])


class Chaining:
    """Puts the parts of a chained command together. Any other command ends an unfinished chain."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget an unfinished chain."""
        self._header: tuple[int, int, int, int] | None = None
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, command: Command) -> Command | None:
        """The whole command, or None while parts are missing. Refusal 6700 above COMMAND_MAX."""
        header = (command.cla & ~commands.CLA_CHAINED, command.ins, command.p1, command.p2)
        if header != self._header:
            self.reset()
        if self._length + len(command.data) > COMMAND_MAX or len(self._parts) >= PARTS_MAX:
            self.reset()
            raise Refusal(status.WRONG_LENGTH, "chained command is too long")
        self._header = header
        self._parts.append(command.data)
        self._length += len(command.data)
        if command.cla & commands.CLA_CHAINED:
            return None
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self.reset()
        return Command(header[0], command.ins, command.p1, command.p2, data, command.le)


class Answers:
    """Gives an answer out in parts of at most `part` bytes; what waits is told by 61xx."""

    def __init__(self, part: int = ANSWER_PART_MAX) -> None:
        self.part = part
        self.reset()

    def reset(self) -> None:
        """Forget what waits."""
        self._answer: bytes | bytearray = b""
        self._at = 0

    def start(self, answer: bytes | bytearray, le: int | None) -> bytes:
        """The first R-APDU of a new answer; without Le it bears no data."""
        self._answer = answer
        self._at = 0
        return self._next(0 if le is None else le)

    def next(self, le: int | None) -> bytes:
        """The R-APDU to GET RESPONSE. Refusal 6985 if nothing waits."""
        if not self._answer:
            raise Refusal(status.WRONG_STATE, "nothing waits")
        return self._next(ANSWER_PART_MAX if le is None else le)

    def _next(self, le: int) -> bytes:
        end = min(len(self._answer), self._at + min(le, self.part))
        data = bytes(self._answer[self._at : end])
        self._at = end
        waiting = len(self._answer) - end
        if not waiting:
            self.reset()
            return response(data, status.OK)
        return response(data, status.MORE | (waiting if waiting < 256 else 0))


def segments(
    cla: int, ins: int, p1: int, p2: int, data: bytes, part: int = COMMAND_PART_MAX
) -> Iterator[bytes]:
    """The C-APDUs of one command, chained if its data field is longer than `part`."""
    at = 0
    while len(data) - at > part:
        chained = Command(cla | commands.CLA_CHAINED, ins, p1, p2, data[at : at + part], None)
        yield build(chained)
        at += part
    yield build(Command(cla, ins, p1, p2, data[at:], ANSWER_PART_MAX))


def exchange(
    cla: int, ins: int, p1: int, p2: int, data: bytes, part: int = COMMAND_PART_MAX
) -> Generator[bytes, bytes, bytes]:
    """One command as the poller leads it: yields C-APDUs, is sent R-APDUs, returns the answer.

    Refusal with the other side's status word, Malformed for an answer without end.
    """
    reply = Response(b"", status.OK)
    for segment in segments(cla, ins, p1, p2, data, part):
        if reply.sw != status.OK:
            raise Refusal(reply.sw, "a part of the command was refused")
        if reply.data:
            raise Malformed("a part of the command was answered")
        reply = split((yield segment))
    answer = bytearray(reply.data)
    fetched = 0
    while reply.sw & 0xFF00 == status.MORE:
        more = reply.sw & 0xFF or ANSWER_PART_MAX
        get = Command(commands.CLA_ISO, commands.GET_RESPONSE, 0, 0, b"", more)
        reply = split((yield build(get)))
        answer.extend(reply.data)
        fetched += 1
        if fetched > PARTS_MAX or len(answer) > ANSWER_MAX:
            raise Malformed("answer without end")
    if reply.sw != status.OK:
        raise Refusal(reply.sw, "refused by the other side")
    return bytes(answer)
