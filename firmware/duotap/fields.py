# SPDX-License-Identifier: Apache-2.0
"""The kinds of value that stand in messages and certificates: ranges, sizes, order (PROTOCOL.md
§1, §2, §3), and the reading and writing of a map by a row of text such as "4 counter, ?21 bytes".

A row names key and kind of each field in the order of the record's fields; "?" marks a key that
may be missing. It knows no message.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import cbor, status
from duotap.errors import Broken, Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any

VERSION = 1  # of the protocol
CURRENCY_CNY = 156  # ISO 4217

AMOUNT_MAX = 1_000_000_000
COUNTER_MAX = (1 << 30) - 1
EPOCH_MAX = COUNTER_MAX
SCOPE_MAX = 65535
SCOPES_MAX = 8
SECONDS_MAX = (1 << 40) - 1

ROLE_PERSON = 1
ROLE_STAND = 2
CREDITED = 1
TAKEN = 2

# Minor units, or numbers of payments; PROTOCOL.md §3.
Limits = namedtuple("Limits", "balance payment count total received received_total")
NoButton = namedtuple("NoButton", "payment total count")

RANGES = {
    "amount": (1, AMOUNT_MAX),
    "limit": (0, AMOUNT_MAX),
    "counter": (1, COUNTER_MAX),
    "epoch": (0, EPOCH_MAX),
    "scope": (0, SCOPE_MAX),
    "currency": (0, 999),
    "flag": (0, 1),
    "verdict": (CREDITED, TAKEN),
    "role": (ROLE_PERSON, ROLE_STAND),
    "class": (0, 2),
    "usage": (1, 7),
    "percent": (0, 100),
    "seconds": (0, SECONDS_MAX),
}
SIZES = {"id": 16, "hash": 32, "nonce": 16, "public": 65, "serial": 8}
TEXTS = {"name_zh": 48, "name_en": 32}
# kind -> kinds of its items
ROWS = {
    "ceiling": ("limit",) * 2,
    "limits": ("limit",) * 6,
    "nobutton": ("limit",) * 3,
    "numbers": ("counter",) * 5,
    "constraint": ("counter", "role", "class", "limit", "epoch"),
}
RECORDS = {"limits": Limits, "nobutton": NoButton}
# kind -> kind of the values of a map by scope, fewest entries
MAPS = {"amounts": ("amount", 1), "balances": ("amount", 0), "expiries": ("epoch", 1)}


def from_wire(kind: str, value: Any) -> Any:
    """A decoded CBOR value as a field: maps become pairs ascending by scope, arrays tuples."""
    if kind in RANGES:
        lowest, highest = RANGES[kind]
        if type(value) is int and lowest <= value <= highest:
            return value
    elif kind in SIZES:
        if type(value) is bytes and len(value) == SIZES[kind]:
            return value
    elif kind in ROWS:
        if type(value) is list and len(value) == len(ROWS[kind]):
            items = [from_wire(each, value[i]) for i, each in enumerate(ROWS[kind])]
            return RECORDS[kind](*items) if kind in RECORDS else tuple(items)
    elif kind in MAPS:
        if type(value) is dict and MAPS[kind][1] <= len(value) <= SCOPES_MAX:
            pairs = _pairs(MAPS[kind][0], value)
            if kind != "amounts" or total(pairs) <= AMOUNT_MAX:
                return pairs
    elif _is_plain(kind, value):
        return tuple(value) if kind == "scopes" else value
    raise Malformed("field is not of its kind: " + kind)


def _pairs(kind: str, value: dict[Any, Any]) -> tuple[Any, ...]:
    """Pairs by ascending scope; MicroPython keeps no order in a dict."""
    scopes = sorted([from_wire("scope", scope) for scope in value])
    return tuple([(scope, from_wire(kind, value[scope])) for scope in scopes])


def total(amounts: tuple[tuple[int, int], ...]) -> int:
    """Sum over all scopes, in minor units."""
    return sum([amount for _, amount in amounts])


def _is_plain(kind: str, value: Any) -> bool:
    if kind == "bytes":
        return type(value) is bytes
    if kind == "bool":
        return type(value) is bool
    if kind in TEXTS:
        return type(value) is str and 1 <= len(value.encode()) <= TEXTS[kind]
    return kind == "scopes" and type(value) is list and _is_ascending(value)


def _is_ascending(scopes: list[Any]) -> bool:
    previous = -1
    for scope in scopes:
        if from_wire("scope", scope) <= previous:
            return False
        previous = scope
    return len(scopes) <= SCOPES_MAX


def to_wire(kind: str, value: Any) -> Any:
    """The inverse of `from_wire`; Broken for a value that would not come back as it is."""
    wire = value
    if isinstance(value, tuple):
        wire = dict(value) if kind in MAPS else list(value)
    try:
        if from_wire(kind, wire) == value:
            return wire
    except Malformed:
        pass
    raise Broken("field has a value that may not be signed: " + kind)


def _row(text: str) -> list[tuple[int, str, bool]]:
    """Key, kind, may it be missing: of each field in a row."""
    fields = []
    for part in text.split(", "):
        key, kind = part.split(" ")
        fields.append((int(key.replace("?", "")), kind, key[0] == "?"))
    return fields


def _absent(kind: str) -> Any:
    """What a missing key reads as: an empty tuple where the field is a set, None elsewhere."""
    return () if kind in MAPS or kind == "scopes" else None


def opening(number: int, currency: int) -> dict[Any, Any]:
    """The first three keys of every payload: type, version, currency."""
    return {0: number, 1: VERSION, 2: to_wire("currency", currency)}


def take_opening(found: dict[Any, Any], currency: int) -> int:
    """Take those keys out of a payload; its type number. Malformed, or Refusal 9A0C."""
    number, version, its_currency = [from_wire("epoch", found.pop(key, None)) for key in (0, 1, 2)]
    if version != VERSION or its_currency != currency:
        raise Refusal(status.CURRENCY_OR_VERSION, "another protocol version or currency")
    return number  # type: ignore[no-any-return] # an epoch is an int


def pack(row: str, values: Any, found: dict[Any, Any]) -> dict[Any, Any]:
    """`found` with the values added under the keys of their row, as CBOR values."""
    for i, (key, kind, optional) in enumerate(_row(row)):
        if not (optional and values[i] == _absent(kind)):
            found[key] = to_wire(kind, values[i])
    return found


def unpack(row: str, found: dict[Any, Any]) -> list[Any]:
    """The values of a row. Malformed for a missing key and for one that is not in the row."""
    values = []
    taken = 0
    for key, kind, optional in _row(row):
        if key in found:
            value = from_wire(kind, found[key])
            if optional and value == _absent(kind):
                raise Malformed("a key stands for nothing")
            values.append(value)
            taken += 1
        elif optional:
            values.append(_absent(kind))
        else:
            raise Malformed("a key is missing")
    if taken != len(found):
        raise Malformed("a key is not known")
    return values


def byte_strings(raw: bytes, count: int) -> list[bytes]:
    """The items of a CBOR array of so many byte strings. Malformed for anything else."""
    found = cbor.decode(raw)
    if type(found) is not list or len(found) != count:
        raise Malformed("not an array of this length")
    return [from_wire("bytes", item) for item in found]
