# SPDX-License-Identifier: Apache-2.0
"""From the ids that were issued and those to be listed to the content of lists: full ones, sets
that answer for every issued id without a false answer, deltas (PROTOCOL.md §13).

A set is two systems, as in Clubcard (Schanck, Mozilla 2025): the first has k bits for each listed
id, so that one in 2^k others looks listed too; the second says of each that looks listed whether
it is. Both together are little more than the information that is in the list.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from duotap import denylist
from duotap.denylist import (
    COLUMNS_MAX,
    ID_BYTES,
    LENGTH_BYTES,
    PLAIN,
    PREFIX_MIN,
    SALT_BYTES,
    SET,
    SET_FORMAT,
    SET_MAX,
    WINDOW,
)

from duotap_host.deny import ribbon
from duotap_host.deny.ribbon import Unsolvable

PLAIN_MAX = 64  # ids that are listed one by one: 1 KiB, so a tap carries them
SALTS_MAX = 64  # tries; each fails less often than not
DELTA_MAX = 1_024  # bytes of content, that a tap carries


class TooMany(Exception):
    """The list does not fit; the text says what to do."""


class Full(NamedTuple):
    """Content of a full list, and the set that it names, empty for none."""

    content: bytes
    set: bytes


def full(listed: Collection[bytes], issued: Iterable[bytes]) -> Full:
    """A list of these ids. `issued`: all ids that were issued before the list's epoch, in any
    order; it is gone through once for each salt that is tried."""
    if len(listed) <= PLAIN_MAX:
        return Full(bytes([PLAIN]) + b"".join(sorted(listed)), b"")
    found = build_set(listed, issued)
    if len(found) > SET_MAX:
        raise TooMany(f"a set of {len(found)} bytes; a device takes {SET_MAX}")
    digest = hashlib.sha256(found).digest()
    return Full(bytes([SET]) + digest + len(found).to_bytes(LENGTH_BYTES, "big"), found)


def build_set(listed: Collection[bytes], issued: Iterable[bytes]) -> bytes:
    """The set of `listed` among `issued`, which may leave out listed ones. The same ids make the
    same set."""
    others = issued if isinstance(issued, (Sequence, Collection)) else list(issued)
    columns = columns_for(len(listed), len(others) - len(listed))
    for number in range(SALTS_MAX):
        salt = number.to_bytes(SALT_BYTES, "big")
        try:
            return _build(sorted(listed), others, columns, salt)
        except Unsolvable:
            continue
    raise TooMany("no salt solves the set")


def columns_for(listed: int, others: int) -> int:
    """The k with which both systems together are smallest."""

    def bits(k: int) -> float:
        return listed * k + listed + max(others, 0) * math.ldexp(1.0, -k)

    return min(range(COLUMNS_MAX + 1), key=bits)


def _build(listed: Sequence[bytes], issued: Iterable[bytes], columns: int, salt: bytes) -> bytes:
    first = ribbon.slots_for(len(listed))
    value = (1 << columns) - 1
    equations = []
    for who in listed:
        start, mask, said = denylist.place(salt, 0, who, first)
        equations.append((start, mask, said & value))
    one = ribbon.solve(equations, first, columns)
    known = set(listed)
    looks = [who for who in looking(salt, one, first, issued) if who not in known]
    second = ribbon.slots_for(len(listed) + len(looks))
    equations = []
    for ids, is_listed in ((listed, 1), (sorted(looks), 0)):
        for who in ids:
            start, mask, _ = denylist.place(salt, 1, who, second)
            equations.append((start, mask, is_listed))
    (two,) = ribbon.solve(equations, second, 1)
    head = bytes([SET_FORMAT, columns]) + salt + first.to_bytes(4, "big")
    return b"".join((head, second.to_bytes(4, "big"), *one, two))


def looking(
    salt: bytes, columns: Sequence[bytes], slots: int, ids: Iterable[bytes]
) -> Iterator[bytes]:
    """Of these ids those for which the first system says yes: what `denylist.is_in` asks first,
    made quick for millions of ids."""
    prefix = hashlib.sha256(salt + bytes([0]))
    span = slots - WINDOW + 1
    width = WINDOW // 8 + 1
    read = int.from_bytes
    numbered = list(enumerate(columns))
    for who in ids:
        sha = prefix.copy()
        sha.update(who)
        digest = sha.digest()
        start = read(digest[:4], "big") * span >> 32
        mask = (read(digest[4:20], "little") | 1) << (start & 7)
        at = start >> 3
        said = digest[20]
        for column, bits in numbered:
            if ((read(bits[at : at + width], "little") & mask).bit_count() ^ said >> column) & 1:
                break
        else:
            yield who


def delta(
    added: Collection[bytes], removed: Collection[bytes], issued: Collection[bytes]
) -> bytes:
    """The content of a delta: ids that are listed since, and that no longer are. Prefixes are as
    short as no other issued id shares one. Raises TooMany above DELTA_MAX."""
    changed = set(added) | set(removed)
    for size in range(PREFIX_MIN, ID_BYTES + 1):
        prefixes = {who[:size] for who in changed}
        if len(prefixes) < len(changed):
            continue
        if not any(who[:size] in prefixes and who not in changed for who in issued):
            break
    parts = [who[:size] for who in (*sorted(added), *sorted(removed))]
    found = bytes([size]) + len(added).to_bytes(2, "big") + b"".join(parts)
    if len(found) > DELTA_MAX:
        raise TooMany(f"{len(changed)} changes make {len(found)} bytes; a tap takes {DELTA_MAX}")
    return found
