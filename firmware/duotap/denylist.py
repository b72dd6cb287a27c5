# SPDX-License-Identifier: Apache-2.0
"""The deny list as a device asks it: one full list and the deltas since (PROTOCOL.md §13).

A full list names ids one by one, or it is a *set*: two systems of bits that answer for every
certificate issued before it, without a false answer, and are read a few bytes at a time. It
verifies nothing and builds nothing; `notices` takes lists, the issuer makes them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from duotap import messages, records
from duotap.errors import Malformed

if TYPE_CHECKING:
    from typing import Any, Callable

    from duotap.certificate import Certificate
    from duotap.device import Device

    Read = Callable[[int, int], bytes]  # offset and number of bytes of a set

ID_BYTES = 16
PLAIN, SET = 0, 1  # first byte of a full list's content
# A set in a list: its hash and its length in bytes.
HASH_BYTES, LENGTH_BYTES = 32, 4
SET_MAX = 1 << 18  # bytes: a quarter of the file system of the smallest board
PREFIX_MIN = 4  # bytes of an id in a delta
# A set: format, columns of the first system, salt, slots of the first and of the second system.
SET_FORMAT, COLUMNS_MAX = 1, 8
SALT_BYTES = 4
SET_HEAD = 2 + SALT_BYTES + 4 + 4
WINDOW = 128  # slots that may count for one id, one after the other
EPOCH_BYTES = 4  # of a certificate's serial: the epoch in which it was issued


def is_listed(device: Device, who: bytes, issued: int) -> bool:
    """What the newest list says of a device id, certified in epoch `issued`."""
    state = device.purse.state
    known = state.list_epochs()
    for epoch in reversed(known[1:]):
        listed = said(content(device.purse, state.deltas[epoch][0]), who)
        if listed is not None:
            return listed
    if not known[0]:
        return False
    full = content(device.purse, state.full_list[0])
    if full[0] == PLAIN:
        return any(full[at : at + ID_BYTES] == who for at in range(1, len(full), ID_BYTES))
    sets = has_set(device, full)
    if sets is None or issued >= known[0]:
        return False  # the set was lost, or is older than the certificate
    with sets.open(full[1 : 1 + HASH_BYTES]) as found:
        return is_in(found.read_at, who)


def has_set(device: Device, full: bytes) -> Any:
    """What keeps the set that a full list names; None when it is not there."""
    sets = device.sets() if device.sets is not None else None
    return sets if sets is not None and sets.has(full[1 : 1 + HASH_BYTES]) else None


def content(purse: Any, sequence: int) -> bytes:
    """Of the list that a record holds."""
    return bytes(messages.decode(statement(purse, sequence), messages.DenyList).message.content)


def statement(purse: Any, sequence: int) -> bytes:
    """The message that a record of type statement holds, or a carried copy of one."""
    kind, body = purse.journal.read(sequence)
    return bytes(records.unpack(kind, body)[-1])


def issued_in(peer: Certificate) -> int:
    """The epoch in which a certificate was issued."""
    return int.from_bytes(peer.serial[:EPOCH_BYTES], "big")


def check(message: Any) -> None:
    """Malformed unless the content of a list is of its form."""
    found = message.content
    if message.delta:
        size = found[0] if found else 0
        rest = len(found) - 3
        good = PREFIX_MIN <= size <= ID_BYTES and rest >= 0 and rest % size == 0
        good = good and int.from_bytes(found[1:3], "big") <= rest // size
    elif found[:1] == bytes([SET]):
        good = len(found) == 1 + HASH_BYTES + LENGTH_BYTES and set_length(found) <= SET_MAX
    else:
        good = found[:1] == bytes([PLAIN]) and len(found) % ID_BYTES == 1
    if not good:
        raise Malformed("content of a list")


def set_length(full: bytes) -> int:
    """Of the set that a full list names."""
    return int.from_bytes(full[1 + HASH_BYTES :], "big")


def said(delta: bytes, who: bytes) -> bool | None:
    """Whether a delta lists an id or takes it from the list; None if it says nothing of it."""
    size = delta[0]
    added = int.from_bytes(delta[1:3], "big")
    count = (len(delta) - 3) // size
    if _has(delta, who[:size], 0, added):
        return True
    return False if _has(delta, who[:size], added, count) else None


def _has(delta: bytes, prefix: bytes, low: int, high: int) -> bool:
    """Search among the ascending prefixes from `low` to before `high`."""
    size = len(prefix)
    end = high
    while low < high:
        middle = (low + high) // 2
        if delta[3 + middle * size : 3 + (middle + 1) * size] < prefix:
            low = middle + 1
        else:
            high = middle
    return low < end and delta[3 + low * size : 3 + (low + 1) * size] == prefix


def is_in(read: Read, who: bytes) -> bool:
    """Whether a set has an id, for each id that it was built from. Raises Malformed."""
    head = read(0, SET_HEAD)
    if len(head) != SET_HEAD or head[0] != SET_FORMAT or not head[1] <= COLUMNS_MAX:
        raise Malformed("not a set")
    columns, salt = head[1], head[2 : 2 + SALT_BYTES]
    first = int.from_bytes(head[6:10], "big")
    second = int.from_bytes(head[10:14], "big")
    if not first:
        return False
    start, mask, value = place(salt, 0, who, first)
    at = SET_HEAD
    for column in range(columns):
        if dot(read, at, start, mask) != value >> column & 1:
            return False
        at += (first + 7) // 8
    start, mask, _ = place(salt, 1, who, second)
    return dot(read, at, start, mask) == 1


def place(salt: bytes, system: int, who: bytes, slots: int) -> tuple[int, int, int]:
    """First slot, which of the WINDOW slots from it on count, and what they should add up to."""
    digest = hashlib.sha256(salt + bytes([system]) + who).digest()
    start = int.from_bytes(digest[:4], "big") * (slots - WINDOW + 1) >> 32
    return start, int.from_bytes(digest[4:20], "little") | 1, digest[20]


def dot(read: Read, at: int, start: int, mask: int) -> int:
    """The sum modulo 2 of the slots that count, in a column that begins at byte `at`."""
    window = int.from_bytes(read(at + (start >> 3), WINDOW // 8 + 1), "little")
    bits = window >> (start & 7) & mask
    for shift in (64, 32, 16, 8, 4, 2, 1):
        bits ^= bits >> shift
    return bits & 1
