# SPDX-License-Identifier: Apache-2.0
"""An NFC Forum Type 4 Tag that shows one link to phones and cannot be written.

Type 4 Tag Operation 2.0 (NDEF application, CC file E103, NDEF file E104) and URI Record Type
Definition 1.0. What is not known here is answered 6A82, 6D00 or 6E00, since phones probe for other
cards first. A board imports it late (port.late), when a phone selects the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import apdu, commands, status
from duotap.errors import Refusal

if TYPE_CHECKING:
    from duotap.apdu import Command

APPLICATION = b"\xd2\x76\x00\x00\x85\x01\x01"
CC_FILE, NDEF_FILE = b"\xe1\x03", b"\xe1\x04"
READ_BINARY, UPDATE_BINARY = 0xB0, 0xD6
BY_NAME, FIRST_OR_ONLY = 0x04, 0x00
BY_ID, NO_FCI = 0x00, 0x0C
# CCLEN 15, mapping 2.0, MLe 59 and MLc 52: an answer is one block of 64 bytes. TLV 04: E104, at
# most 7FFF bytes (Android accepts no more), anybody may read, nobody may write.
CC = b"\x00\x0f\x20\x00\x3b\x00\x34" + b"\x04\x06\xe1\x04\x7f\xff\x00\xff"
SHORT_RECORD_MAX = 255

# TNF 1 (well known), first and last record; type "U"
URI_RECORD, URI_RECORD_LONG = 0xD1, 0xC1
PREFIXES = (
    (0x02, b"https://www."),
    (0x01, b"http://www."),
    (0x04, b"https://"),
    (0x03, b"http://"),
)


def uri_record(uri: bytes) -> bytes:
    """The NDEF message of one URI record; the usual beginnings are one byte."""
    payload = b"\x00" + uri
    for code, prefix in PREFIXES:
        if uri.startswith(prefix):
            payload = bytes((code,)) + uri[len(prefix) :]
            break
    count = len(payload)
    if count > SHORT_RECORD_MAX:
        return bytes((URI_RECORD_LONG, 1)) + count.to_bytes(4, "big") + b"U" + payload
    return bytes((URI_RECORD, 1, count)) + b"U" + payload


class Tag:
    """One activation after another; `uri` is what a phone opens, empty for a tag with nothing."""

    def __init__(self, uri: bytes) -> None:
        self._uri = uri
        self.begin()

    def begin(self) -> None:
        """A new activation: nothing is selected."""
        self._ndef = b""  # the NDEF file as it was when the application was selected
        self._file = b""

    def answer(self, raw: bytes) -> bytes:
        """The R-APDU to a C-APDU. Never raises for what comes from outside."""
        try:
            return apdu.response(self._serve(apdu.parse(raw)), status.OK)
        except Refusal as refusal:
            return apdu.response(b"", refusal.sw)

    def work(self) -> None:
        """Nothing was promised."""

    def leave(self) -> None:
        """The phone has gone."""

    def _serve(self, command: Command) -> bytes:
        if command.cla != commands.CLA_ISO:
            raise Refusal(status.UNKNOWN_CLA, "unknown class")
        if command.ins == commands.SELECT:
            return self._select(command)
        if command.ins == READ_BINARY:
            return self._read(command)
        if command.ins == UPDATE_BINARY:
            raise Refusal(status.NOT_PERMITTED, "the tag cannot be written")
        raise Refusal(status.UNKNOWN_INS, "unknown instruction")

    def _select(self, command: Command) -> bytes:
        """The application by its name, then a file by its id; a snapshot serves until the end."""
        wanted = command.data
        self._file = b""
        if command.p1 == BY_NAME:
            self._ndef = b""
            if wanted == APPLICATION:
                message = uri_record(self._uri) if self._uri else b""
                self._ndef = len(message).to_bytes(2, "big") + message
                return b""
        elif command.p1 == BY_ID and command.p2 in (NO_FCI, FIRST_OR_ONLY) and self._ndef:
            self._file = {CC_FILE: CC, NDEF_FILE: self._ndef}.get(wanted, b"")
            if self._file:
                return b""
        raise Refusal(status.NOT_FOUND, "no such application or file")

    def _read(self, command: Command) -> bytes:
        """As much as there is: nothing lies behind NLEN and its message."""
        if not self._file:
            raise Refusal(status.WRONG_STATE, "no file is selected")
        offset = command.p1 << 8 | command.p2
        if offset > len(self._file):
            raise Refusal(status.WRONG_OFFSET, "beyond the end of the file")
        return self._file[offset : offset + (command.le or 0)]
