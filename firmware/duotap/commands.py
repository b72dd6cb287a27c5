# SPDX-License-Identifier: Apache-2.0
"""Names and numbers of the commands, and the answer to SELECT (PROTOCOL.md §5)."""

from __future__ import annotations

from collections import namedtuple

from duotap import fields
from duotap.errors import Malformed

AID = b"\xf0DUOTAP"
CLA_ISO = 0x00
CLA = 0x80
CLA_CHAINED = 0x10  # bit 5 of the class byte

SELECT = 0xA4
GET_RESPONSE = 0xC0
GET_CHALLENGE = 0x84
EXTERNAL_AUTHENTICATE = 0x82
VERIFY = 0x20
GET_CERTIFICATE = 0x10
PUT_CERTIFICATE = 0x12
OFFER = 0x14
GET_RESULT = 0x16
GET_OPEN = 0x18
PUT_CLOSING = 0x1A
GET_NEWS = 0x24
PUT_NEWS = 0x26
PUT_REFUND = 0x28
PUT_STATEMENT = 0x1C
PUT_BASE = 0x1E
PUT_LIST = 0x20
FORWARD = 0x22
HELLO = 0x30
OPEN_SYNC = 0x32
READ_JOURNAL = 0x34
GET_HEAD = 0x36
UNLOAD = 0x38
GENERATE_KEY = 0x40
INSTALL = 0x42

REFUND_WAIT = 0  # first byte of the answer to PUT REFUND
REFUND_TAKEN = 1
REFUND_KNOWN = 2

VERSION = 1
ARMED = 1  # flags
DISPLAY = 2

# What a card says of itself; the last three are empty or 0 while it is not armed.
Fci = namedtuple("Fci", "version flags device certificate_hash payment_counter")


def encode_fci(fci: Fci) -> bytes:
    """File control information (ISO 7816-4 §7.4.3): 6F { 84 AID, A5 proprietary }."""
    own = bytes([fci.version, fci.flags])
    if fci.flags & ARMED:
        own += fci.device + fci.certificate_hash + fci.payment_counter.to_bytes(4, "big")
    inner = bytes([0x84, len(AID)]) + AID + bytes([0xA5, len(own)]) + own
    return bytes([0x6F, len(inner)]) + inner


def decode_fci(raw: bytes) -> Fci:
    """The fields of an FCI of exactly this layout. Raises Malformed."""
    head = bytes([0x84, len(AID)]) + AID + b"\xa5"
    own = raw[2 + len(head) + 1 :]
    if len(own) not in (2, 38):
        raise Malformed("FCI")
    if raw[: 2 + len(head) + 1] != bytes([0x6F, len(raw) - 2]) + head + bytes([len(own)]):
        raise Malformed("FCI")
    if (len(own) == 38) != bool(own[1] & ARMED):
        raise Malformed("FCI flags")
    if len(own) == 2:
        return Fci(own[0], own[1], b"", b"", 0)
    counter = fields.from_wire("counter", int.from_bytes(own[34:38], "big"))
    return Fci(own[0], own[1], own[2:18], own[18:34], counter)
