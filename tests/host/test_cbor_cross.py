# SPDX-License-Identifier: Apache-2.0
"""Our CBOR against cbor2: the same bytes, the same values, and nothing else is read."""

from __future__ import annotations

from typing import Any

import cbor2
from duotap import cbor
from duotap.errors import Malformed
from host.drawn import VALUES
from hypothesis import example, given
from hypothesis import strategies as st

PLAIN = (int, bytes, str, bool, type(None))


def ordered(value: Any) -> Any:
    """The same value with its maps in the order of RFC 8949 §4.2.1; cbor2's own canonical form
    has that of RFC 7049 (shorter keys first)."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value, key=cbor2.dumps)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def is_ours(value: Any, depth: int = 0) -> bool:
    """Whether a value that cbor2 read is one that we can read as well."""
    if depth > cbor.DEPTH_MAX:
        return False
    if isinstance(value, list):
        return all(is_ours(item, depth + 1) for item in value)
    if isinstance(value, dict):
        keys = all(type(key) in (int, bytes, str) for key in value)
        return keys and all(is_ours(item, depth + 1) for item in [*value, *value.values()])
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 63
    return type(value) in PLAIN


def read_by_cbor2(raw: bytes) -> Any:
    """Its value if `raw` is the deterministic encoding of one of our values, else Ellipsis."""
    try:
        value = cbor2.loads(raw)
        canonical = is_ours(value) and cbor2.dumps(ordered(value)) == raw
    except Exception:  # whatever another library makes of arbitrary bytes
        return ...
    return value if canonical else ...


def read_by_us(raw: bytes) -> Any:
    try:
        return cbor.decode(raw)
    except Malformed:
        return ...


def same(one: Any, other: Any) -> bool:
    """Equal, True not taken for 1."""
    return repr(ordered(one)) == repr(ordered(other))


@given(VALUES)
def test_same_bytes_and_back(value: Any) -> None:
    raw = cbor.encode(value)
    assert raw == cbor2.dumps(ordered(value))
    assert same(cbor.decode(raw), value)
    assert same(cbor2.loads(raw), value)


@given(st.binary(max_size=40))
@example(bytes.fromhex("c249010000000000000000"))
@example(bytes.fromhex("a200000000"))
@example(bytes.fromhex("f7"))
def test_any_bytes_are_read_alike(raw: bytes) -> None:
    assert same(read_by_us(raw), read_by_cbor2(raw))


@given(VALUES, st.data())
def test_a_changed_encoding_is_read_alike(value: Any, data: st.DataObject) -> None:
    raw = bytearray(cbor.encode(value))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    assert same(read_by_us(bytes(raw)), read_by_cbor2(bytes(raw)))


def test_all_short_encodings_are_read_alike() -> None:
    """Every item of one and two bytes."""
    for first in range(256):
        assert same(read_by_us(bytes((first,))), read_by_cbor2(bytes((first,)))), first
        for second in range(256):
            raw = bytes((first, second))
            assert same(read_by_us(raw), read_by_cbor2(raw)), raw.hex()
