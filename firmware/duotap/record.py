# SPDX-License-Identifier: Apache-2.0
"""One journal record as bytes: in pages of a flash sector, and as the statement that is hashed.

Every page begins with its kind and four bytes for a mark, which only a head ever uses: no body,
torn or chosen by an attacker, can be taken for a committed head. It knows no order of sectors and
no meaning of a body (PROTOCOL.md §9.1, §9.2).
"""

from __future__ import annotations

import hashlib
from binascii import crc32
from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import uint
from duotap.errors import Malformed

if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

    class Record(NamedTuple):
        """What a statement says; `first` is the first record that counted when it was written."""

        type: int
        piece: int
        lap: int
        sequence: int
        first: int
        previous: bytes
        body: bytes
else:
    Record = namedtuple(
        "Record", ("type", "piece", "lap", "sequence", "first", "previous", "body")
    )

PAGE = 256
SECTOR = 4096
SECTOR_PAGES = 16
VERSION = 1

# Programming only clears bits. Each of these kinds has set bits where the other has none, so that
# neither becomes the other half programmed or decayed, nor is it an erased byte.
KIND_HEAD = 0x5A
KIND_BODY = 0xA5

MARK_AT = 1
MARK_SIZE = 4
CRC_AT = 5
STATEMENT_AT = 9  # of a head: from here on come what CRC-32 and SHA-256 are taken over
TYPE_AT = 10
PIECE_AT = 11
LENGTH_AT = 12
LAP_AT = 14
SEQUENCE_AT = 16
FIRST_AT = 20
PREVIOUS_AT = 24
BODY_AT = 56  # of a head
NEXT_AT = 5  # of a continuation

HEAD_SIZE = BODY_AT - STATEMENT_AT
HASH_SIZE = 32
FIRST_BODY = PAGE - BODY_AT
NEXT_BODY = PAGE - NEXT_AT
BODY_MAX = FIRST_BODY + (SECTOR_PAGES - 1) * NEXT_BODY

MORE = 0x80  # in a type: another piece of the same run follows
TYPE_MAX = 126
START = 127  # the journal's own: names the first record that counts, has no body
PIECES_MAX = 255
LAP_MAX = 0xFFFF  # stays there; NOR flash is worn out by then

# A small integer has 31 bits on a board; the two largest stand for "no record" in tables.
SEQUENCE_FIRST = 1
SEQUENCE_MAX = 2**30 - 3

ERASED_PAGE = b"\xff" * PAGE
ERASED_MARK = ERASED_PAGE[:MARK_SIZE]
FULL_MARK = bytes(MARK_SIZE)
NO_HASH = bytes(HASH_SIZE)

# What `look` finds where no whole committed record begins.
BLANK = 0
TORN = -1
BAD = -2


def pages_for(length: int) -> int:
    """Pages that a record with a body of `length` bytes takes."""
    if length <= FIRST_BODY:
        return 1
    return 1 + (length - FIRST_BODY + NEXT_BODY - 1) // NEXT_BODY


def capacity(pages: int) -> int:
    """Longest body, in bytes, of a record of `pages` pages."""
    return FIRST_BODY + (pages - 1) * NEXT_BODY


def encode_head(
    record_type: int,
    piece: int,
    length: int,
    lap: int,
    sequence: int,
    first: int,
    previous: Buffer,
) -> bytes:
    """The part of a statement before the body. Raises Broken for a value out of range."""
    return b"".join(
        (
            uint.encode(VERSION << 4 | pages_for(length) - 1, 1),
            uint.encode(record_type, 1),
            uint.encode(piece, 1),
            uint.encode(length, 2),
            uint.encode(lap, 2),
            uint.encode(sequence, 4),
            uint.encode(first, 4),
            previous,
        )
    )


def encode(record: Record) -> bytes:
    """The statement of a record: what is hashed, deposited and archived."""
    kind, piece, lap, sequence, first, previous, body = record
    return encode_head(kind, piece, len(body), lap, sequence, first, previous) + body


def previous_of(statement: memoryview) -> bytes:
    """The hash of the record before it."""
    return bytes(statement[PREVIOUS_AT - STATEMENT_AT : HEAD_SIZE])


def decode(statement: bytes) -> Record:
    """What a foreign statement says. Raises Malformed unless it is exactly one."""
    if len(statement) < HEAD_SIZE:
        raise Malformed("record: too short")
    record = Record(
        statement[1],
        statement[2],
        uint.decode(statement[5:7]),
        uint.decode(statement[7:11]),
        uint.decode(statement[11:15]),
        statement[15:HEAD_SIZE],
        statement[HEAD_SIZE:],
    )
    if not 0 < record.type & ~MORE <= START or len(record.body) > BODY_MAX:
        raise Malformed("record: type or length")
    if not SEQUENCE_FIRST <= record.first <= record.sequence <= SEQUENCE_MAX:
        raise Malformed("record: sequence")
    if encode(record) != statement:
        raise Malformed("record: version, pages or length")
    return record


def hash_of(statement: Buffer, rest: Buffer = b"") -> bytes:
    """The record's hash, which the next record names as `previous`; `rest` ends the statement."""
    digest = hashlib.sha256(statement)
    digest.update(rest)
    return digest.digest()


def fill(page: bytearray, index: int, head: bytes, body: Buffer, crc: int) -> None:
    """Lay out page `index` of a record in the 256 bytes of `page`, its mark still erased."""
    page[:] = ERASED_PAGE
    if index == 0:
        page[0] = KIND_HEAD
        page[CRC_AT:STATEMENT_AT] = uint.encode(crc, 4)
        page[STATEMENT_AT:BODY_AT] = head
        start, end, at = 0, FIRST_BODY, BODY_AT
    else:
        page[0] = KIND_BODY
        start, end, at = capacity(index), capacity(index + 1), NEXT_AT
    end = min(end, len(body))
    page[at : at + end - start] = body[start:end]


def is_marked(buffer: Buffer, at: int) -> bool:
    """Whether any bit of the mark of the page at `at` is programmed: then it was marked once."""
    at += MARK_AT
    return buffer[at] & buffer[at + 1] & buffer[at + 2] & buffer[at + 3] != 0xFF


def number(buffer: Buffer, at: int) -> int:
    """The four bytes at `at` as an integer, without an object for the slice."""
    return buffer[at] << 24 | buffer[at + 1] << 16 | buffer[at + 2] << 8 | buffer[at + 3]


def pages_of(buffer: Buffer, at: int) -> int:
    """Pages of the record whose head is at `at`, 1 to 16."""
    return (buffer[at + STATEMENT_AT] & 15) + 1


def length_of(buffer: Buffer, at: int) -> int:
    """Length of the body of the record whose head is at `at`."""
    return buffer[at + LENGTH_AT] << 8 | buffer[at + LENGTH_AT + 1]


def look(sector: memoryview, page: int) -> int:
    """Pages of the committed record that begins at `page` of a sector, or BLANK, TORN or BAD.

    TORN is a page that was programmed and never marked; BAD was marked and does not verify.
    """
    at = page * PAGE
    if not is_marked(sector, at):
        return BLANK if sector[at : at + PAGE] == ERASED_PAGE else TORN
    if sector[at] != KIND_HEAD or sector[at + STATEMENT_AT] >> 4 != VERSION:
        return BAD
    pages = pages_of(sector, at)
    if page + pages > SECTOR_PAGES or pages != pages_for(length_of(sector, at)):
        return BAD
    return pages if _verifies(sector, at, pages) else BAD


def _verifies(sector: memoryview, at: int, pages: int) -> bool:
    left = length_of(sector, at)
    size = min(left, FIRST_BODY)
    crc = crc32(sector[at + STATEMENT_AT : at + BODY_AT + size])
    for index in range(1, pages):
        left -= size
        size = min(left, NEXT_BODY)
        start = at + index * PAGE
        if sector[start] != KIND_BODY:
            return False
        crc = crc32(sector[start + NEXT_AT : start + NEXT_AT + size], crc)
    return sector[at + CRC_AT : at + STATEMENT_AT] == uint.encode(crc, 4)


def join(sector: memoryview, page: int) -> memoryview:
    """The statement of the whole record at `page`; moves its body together inside `sector`.

    What `look` would find in the record's pages of this buffer is void from then on.
    """
    at = page * PAGE
    length = length_of(sector, at)
    end = at + PAGE
    for index in range(1, pages_of(sector, at)):
        size = min(length - capacity(index), NEXT_BODY)
        start = at + index * PAGE + NEXT_AT
        sector[end : end + size] = sector[start : start + size]
        end += size
    return sector[at + STATEMENT_AT : at + BODY_AT + length]
