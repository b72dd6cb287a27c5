# SPDX-License-Identifier: Apache-2.0
"""Making a ledger, and opening one that is there: schema, owner, standing accounts.

A ledger belongs to the issuer whose root key opened it; other keys are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import ArgumentError

from duotap_host.issuer import Issuer
from duotap_host.ledger import accounts, database
from duotap_host.ledger.interface import LedgerError, NotFound, Refused, WrongIssuer
from duotap_host.ledger.local import Clock, LocalLedger, now_us

OWNER = "SELECT root, currency FROM book"
PUT_OWNER = "INSERT INTO book (root, currency, opened_us) VALUES (:root, :currency, :now)"


def create_ledger(url: str, issuer: Issuer, clock: Clock = now_us) -> LocalLedger:
    """A new ledger of this issuer. Refused if there is one."""
    path = _sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = database.open_engine(url)
    database.migrate(engine)

    def work(connection: Connection) -> None:
        if connection.execute(text(OWNER)).first() is not None:
            raise Refused("there is a ledger already; it stays as it is")
        row = {"root": issuer.root_id, "currency": issuer.currency, "now": clock()}
        connection.execute(text(PUT_OWNER), row)
        accounts.open_standing(connection, issuer.currency, clock())

    _or_close(engine, lambda: database.transact(engine, work))
    return LocalLedger(engine, issuer, clock)


def open_ledger(url: str, issuer: Issuer, clock: Clock = now_us) -> LocalLedger:
    """The ledger that is there. NotFound, WrongIssuer."""
    path = _sqlite_path(url)
    if path is not None and not path.is_file():
        raise NotFound(f"there is no ledger at {path}")
    engine = database.open_engine(url)
    _or_close(engine, lambda: _check_owner(engine, issuer))
    return LocalLedger(engine, issuer, clock)


def is_taken(url: str) -> bool:
    """Somebody's ledger is there. LedgerError if the place cannot be reached."""
    path = _sqlite_path(url)
    if path is not None and not path.exists():
        return False
    engine = database.open_engine(url)
    try:
        return not database.is_empty(engine)
    finally:
        engine.dispose()


def _check_owner(engine: Engine, issuer: Issuer) -> None:
    where = engine.url.render_as_string(hide_password=True)
    if database.is_empty(engine):
        raise NotFound(f"there is no ledger at {where}")
    database.migrate(engine)
    row = database.read(engine, lambda connection: connection.execute(text(OWNER)).first())
    if row is None:
        raise NotFound(f"there is no ledger at {where}")
    if bytes(row[0]) != issuer.root_id:
        raise WrongIssuer(
            f"the ledger at {where} is of the issuer {bytes(row[0]).hex()},"
            f" these keys are of {issuer.root_id.hex()}"
        )


def _or_close(engine: Engine, work: Callable[[], None]) -> None:
    try:
        work()
    except LedgerError:
        engine.dispose()
        raise


def _sqlite_path(url: str) -> Path | None:
    """The file of a SQLite ledger; None for another database, or one in memory."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError("the ledger's URL is not of a kind that is known here") from None
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))
