# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for what the codecs carry: CBOR values, and records by their rows."""

from __future__ import annotations

from typing import Any

from duotap import certificate, fields, messages
from hypothesis import strategies as st

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-300, 300)
KEYS = INTEGERS | st.binary(max_size=30) | st.text(max_size=10)
SIMPLE = INTEGERS | st.binary(max_size=300) | st.text(max_size=40) | st.sampled_from([True, False])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SIMPLE | st.none(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)
SCOPES = st.sets(st.integers(0, fields.SCOPE_MAX), max_size=fields.SCOPES_MAX).map(sorted)


def of_kind(kind: str) -> st.SearchStrategy[Any]:
    """Values of a kind of duotap.fields, as the field of a record holds them."""
    if kind in fields.RANGES:
        return st.integers(*fields.RANGES[kind])
    if kind in fields.SIZES:
        size = fields.SIZES[kind]
        return st.binary(min_size=size, max_size=size)
    if kind in fields.TEXTS:
        texts = st.text(min_size=1, max_size=fields.TEXTS[kind])
        return texts.filter(lambda text: len(text.encode()) <= fields.TEXTS[kind])
    if kind in fields.ROWS:
        values = st.tuples(*(of_kind(item) for item in fields.ROWS[kind]))
        return values.map(lambda made: fields.RECORDS.get(kind, lambda *all: all)(*made))
    if kind in fields.MAPS:
        return _map_of(kind)
    return {"scopes": SCOPES.map(tuple), "bool": st.booleans(), "bytes": st.binary(max_size=900)}[
        kind
    ]


def _map_of(kind: str) -> st.SearchStrategy[Any]:
    value, fewest = fields.MAPS[kind]
    pairs = st.dictionaries(
        st.integers(0, fields.SCOPE_MAX), of_kind(value), min_size=fewest, max_size=8
    )
    if kind == "amounts":
        pairs = pairs.filter(lambda made: sum(made.values()) <= fields.AMOUNT_MAX)
    return pairs.map(lambda made: tuple(sorted(made.items())))


def of_row(record: Any, row: str) -> st.SearchStrategy[Any]:
    """Records whose fields are a row's."""
    kinds = []
    for part in row.split(", "):
        key, kind = part.split(" ")
        absent = () if kind in fields.MAPS or kind == "scopes" else None
        kinds.append(st.just(absent) | of_kind(kind) if key[0] == "?" else of_kind(kind))
    return st.tuples(*kinds).map(lambda values: record(*values))


MESSAGES = st.one_of(*(of_row(record, row) for _, record, row in messages.TABLE))
PUBLICS = st.binary(min_size=64, max_size=64).map(lambda xy: b"\x04" + xy)
SERIALS = of_kind("serial")


def _person_or_stand(made: Any) -> Any:
    """The same certificate with the fields that its role and class may have."""
    ticks = (made.ticks or 1) if made.rollback_class == certificate.CLASS_COUNT else None
    if made.role == fields.ROLE_STAND:
        return made._replace(ticks=ticks, name_en=made.name_en or "Stand")
    return made._replace(ticks=ticks, name_zh=None, name_en=None, scopes=())


def _only_factory_is_constrained(made: Any) -> Any:
    if made.usage != certificate.USAGE_FACTORY:
        return made._replace(constraint=None)
    return made._replace(
        constraint=made.constraint or (1, fields.ROLE_PERSON, certificate.CLASS_NONE, 0, 0)
    )


CERTIFICATES = st.builds(
    lambda serial, public, values: _person_or_stand(
        certificate.Certificate(serial, public, *values)
    ),
    SERIALS,
    PUBLICS,
    of_row(lambda *values: values, certificate.CERTIFICATE_ROW),
)
KEYCERTS = st.builds(
    lambda serial, public, values: _only_factory_is_constrained(
        certificate.KeyCert(serial, public, *values)
    ),
    SERIALS,
    PUBLICS,
    of_row(lambda *values: values, certificate.KEYCERT_ROW),
)
