# SPDX-License-Identifier: Apache-2.0
"""Deterministic CBOR (RFC 8949 §4.2.1): one encoding per value, and no other is read.

Values: int in [-2**63, 2**63), bytes, str, list or tuple, dict, True, False, None. Arrays decode
to lists, maps to dicts whose keys are int, bytes or str. It knows no message and no tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken, Malformed

if TYPE_CHECKING:
    from typing import Any

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)
SIMPLE = 7
FALSE, TRUE, NULL = 0xF4, 0xF5, 0xF6

BYTES_MAX = 4096  # one record of a whole sector; no longer CBOR is in a device (PROTOCOL.md §4)
ITEMS_MAX = 512  # a base part has about 200; bounds the heap that 4 KiB of empty arrays would take
DEPTH_MAX = 8  # a certificate has 3; bounds the recursion on a device's stack
INT_LIMIT = 1 << 63


def encode(value: Any) -> bytes:
    """The one encoding of a value; Broken when the value has none."""
    parts: list[bytes] = []
    _append(parts, value, 0)
    return b"".join(parts)


def head(major: int, argument: int) -> bytes:
    """Initial byte and argument in the shortest form (RFC 8949 §3)."""
    major <<= 5
    if argument < 24:
        return bytes((major | argument,))
    if argument < 0x100:
        return bytes((major | 24, argument))
    if argument < 0x10000:
        return bytes((major | 25,)) + argument.to_bytes(2, "big")
    if argument < 0x100000000:
        return bytes((major | 26,)) + argument.to_bytes(4, "big")
    return bytes((major | 27,)) + argument.to_bytes(8, "big")


def _append(parts: list[bytes], value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Broken("CBOR value is nested too deep")
    # bool stands before int: on CPython True is an int.
    if value is True:
        parts.append(b"\xf5")
    elif value is False:
        parts.append(b"\xf4")
    elif value is None:
        parts.append(b"\xf6")
    elif isinstance(value, int):
        parts.append(_encode_int(value))
    elif isinstance(value, (bytes, bytearray)):
        parts.append(head(BYTES, len(value)))
        parts.append(bytes(value))
    elif isinstance(value, str):
        raw = value.encode()
        parts.append(head(TEXT, len(raw)))
        parts.append(raw)
    elif isinstance(value, (list, tuple)):
        parts.append(head(ARRAY, len(value)))
        for item in value:
            _append(parts, item, depth + 1)
    elif isinstance(value, dict):
        _append_map(parts, value, depth + 1)
    else:
        raise Broken("CBOR has no encoding for this type")


def _encode_int(value: int) -> bytes:
    if not -INT_LIMIT <= value < INT_LIMIT:
        raise Broken("CBOR integer is out of range")
    return head(UINT, value) if value >= 0 else head(NEGATIVE, -1 - value)


def _append_map(parts: list[bytes], value: dict[Any, Any], depth: int) -> None:
    parts.append(head(MAP, len(value)))
    pairs = []
    for key in value:
        if type(key) not in (int, bytes, str):
            raise Broken("CBOR map key is not an int, bytes or str")
        pairs.append((encode(key), key))
    # The encodings differ, so the keys themselves are never compared.
    pairs.sort()
    for encoded, key in pairs:
        parts.append(encoded)
        _append(parts, value[key], depth)


def decode(raw: bytes, limit: int = BYTES_MAX, items: int = ITEMS_MAX) -> Any:
    """The value of `raw`; Malformed unless `encode` of that value gives back these very bytes."""
    if len(raw) > limit:
        raise Malformed("CBOR is too long")
    reader = _Reader(raw, items)
    value = reader.item(0)
    if reader.at != len(raw):
        raise Malformed("bytes after the CBOR item")
    return value


class _Reader:
    """A place in the bytes and the number of items that may still come."""

    def __init__(self, raw: bytes, items: int) -> None:
        self.raw = raw
        self.at = 0
        self.items = items

    def take(self, length: int) -> bytes:
        start = self.at
        if length > len(self.raw) - start:
            raise Malformed("CBOR is cut short")
        self.at = start + length
        return self.raw[start : self.at]

    def argument(self, low: int) -> int:
        """The argument that the low five bits announce; Malformed if a shorter head had done."""
        if low < 24:
            return low
        if low > 27:
            raise Malformed("CBOR head is indefinite or reserved")
        length = 1 << (low - 24)
        value = int.from_bytes(self.take(length), "big")
        if value < (24 if length == 1 else 1 << (4 * length)):
            raise Malformed("CBOR head is not the shortest")
        return value

    def item(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise Malformed("CBOR is nested too deep")
        self.items -= 1
        if self.items < 0:
            raise Malformed("CBOR has too many items")
        first = self.take(1)[0]
        major = first >> 5
        if major == SIMPLE:
            return _simple(first)
        argument = self.argument(first & 0x1F)
        if major <= NEGATIVE:
            if argument >= INT_LIMIT:
                raise Malformed("CBOR integer is out of range")
            return argument if major == UINT else -1 - argument
        if major == BYTES:
            return self.take(argument)
        if major == TEXT:
            return _text(self.take(argument))
        # Before any loop: a count beyond a machine word is none that range() takes on a board.
        if argument > self.items:
            raise Malformed("CBOR has too many items")
        if major == ARRAY:
            return self.array(argument, depth + 1)
        if major == MAP:
            return self.map(argument, depth + 1)
        raise Malformed("CBOR tag")

    def array(self, count: int, depth: int) -> list[Any]:
        return [self.item(depth) for _ in range(count)]

    def map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        previous = b""
        for _ in range(count):
            start = self.at
            key = self.item(depth)
            if type(key) not in (int, bytes, str):
                raise Malformed("CBOR map key is not an int, bytes or str")
            encoded = self.raw[start : self.at]
            if encoded <= previous:
                raise Malformed("CBOR map keys are not in order")
            previous = encoded
            found[key] = self.item(depth)
        return found


def _simple(first: int) -> bool | None:
    if first == NULL:
        return None
    if first in (FALSE, TRUE):
        return first == TRUE
    raise Malformed("CBOR float or simple value")


def _text(raw: bytes) -> str:
    """UTF-8 by RFC 3629. MicroPython's own check lets overlong forms and surrogates pass."""
    try:
        text = raw.decode()
    except UnicodeError:
        raise Malformed("text is not UTF-8") from None
    again = []
    for character in text:
        code = ord(character)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise Malformed("text is not UTF-8")
        again.append(chr(code))
    if "".join(again).encode() != raw:
        raise Malformed("text is not UTF-8")
    return text
