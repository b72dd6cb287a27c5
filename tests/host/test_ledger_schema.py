# SPDX-License-Identifier: Apache-2.0
"""The schema that migrations make is the one that the program describes; amounts as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from duotap_host import money
from duotap_host.ledger import database, ids
from duotap_host.ledger.interface import LedgerError, WrongIssuer
from duotap_host.ledger.opening import open_ledger
from duotap_host.ledger.schema import metadata
from host.ledger_bench import Town
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text


def test_migrations_lead_to_the_schema() -> None:
    town = Town()
    with town.ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing() -> None:
    town = Town()
    town.holder(7)
    database.migrate(town.ledger.engine)
    assert town.balance("wallet:7") == 100_000


def test_a_newer_ledger_is_left_alone() -> None:
    town = Town()
    with town.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="newer version"):
        database.migrate(town.ledger.engine)


def test_a_ledger_belongs_to_its_issuer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    town = Town(url)
    open_ledger(url, town.issuer).close()
    with town.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE book SET root = :root"), {"root": bytes(16)})
    with pytest.raises(WrongIssuer, match="is of the issuer 00000"):
        open_ledger(url, town.issuer)


def test_ids_of_different_things_differ() -> None:
    """No concatenation of parts is taken for another one."""
    parts = [("load", b"a", b"bc"), ("load", b"ab", b"c"), ("fund", b"a", b"bc"), ("load", b"abc")]
    assert len({ids.derived(*each) for each in parts}) == len(parts)
    assert ids.derived("load", b"a", 1) == ids.derived("load", b"a", 1)


@given(st.integers(1, 10**10 - 1))
def test_an_amount_is_read_as_it_was_written(amount: int) -> None:
    assert money.parse(money.show(amount)) == amount


@pytest.mark.parametrize(
    ("written", "amount"), [("200", 20_000), ("66.6", 6_660), ("0.01", 1), ("007.5", 750)]
)
def test_amounts_as_people_write_them(written: str, amount: int) -> None:
    assert money.parse(written) == amount


@given(st.text(max_size=12))
def test_anything_else_is_refused_in_words(written: str) -> None:
    try:
        amount = money.parse(written)
    except ValueError as error:
        amount = len(str(error))
    assert amount > 0
