# SPDX-License-Identifier: Apache-2.0
"""Opening a database, bringing its schema up to date, and transactions that are tried again.

It knows no account. The rules of the book hold at READ COMMITTED: each is a guarded update or a
unique key; whoever wants SERIALIZABLE as a second belt may ask for it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from duotap_host.ledger.interface import LedgerError

if TYPE_CHECKING:
    from typing import Any

T = TypeVar("T")

ATTEMPTS_MAX = 12  # with the pauses below about 10 s, longer than any transaction here
PAUSE_S = 0.005
PAUSE_MAX_S = 2.0
SQLITE_WAIT_MS = 10_000
SQLITE_BUSY, SQLITE_LOCKED = 5, 6
# serialization_failure, deadlock_detected, unique_violation: another one came first; a second
# try sees what it wrote.
SQLSTATES = ("40001", "40P01", "23505")
VERSION_TABLE = "alembic_version"


class Again(Exception):
    """A guarded update met a row that had changed: the transaction is taken back and repeated."""


def open_engine(url: str, isolation: str | None = None) -> Engine:
    """An engine for sqlite:/// or postgresql://. LedgerError if the URL is of no known kind."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    options: dict[str, Any] = {"isolation_level": isolation} if isolation else {}
    if url in ("sqlite://", "sqlite:///:memory:"):
        options.update(poolclass=StaticPool, connect_args={"check_same_thread": False})
    try:
        engine = create_engine(url, **options)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        raise LedgerError("the ledger's URL is not of a kind that is known here") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begun)
    return engine


def _sqlite_connected(connection: Any, _: object) -> None:
    """Transactions begin where we say; a commit is on the disk before it returns."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_WAIT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _sqlite_begun(connection: Connection) -> None:
    """A writer takes the lock at once, or two readers that both want to write block each other."""
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def transact(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction, again from the start when another one came first.

    `work` must do nothing that a second run would do twice, but through its connection.
    """
    return _attempt(engine, work, reading=False)


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run `work` on one snapshot where the database gives one; it only reads."""
    return _attempt(engine, work, reading=True)


def _attempt(engine: Engine, work: Callable[[Connection], T], reading: bool) -> T:
    bound = engine.execution_options(reading=True) if reading else engine
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with bound.begin() as connection:
                return work(connection)
        except Again:
            if attempt == ATTEMPTS_MAX:
                raise LedgerError("the ledger is too busy; nothing was changed") from None
        except DBAPIError as error:
            if attempt == ATTEMPTS_MAX or not _may_retry(error):
                raise LedgerError(_reason(error)) from error
        time.sleep(random.uniform(0, min(PAUSE_MAX_S, PAUSE_S * 2**attempt)))
    raise AssertionError


def _may_retry(error: DBAPIError) -> bool:
    original = error.orig
    if getattr(original, "sqlstate", None) in SQLSTATES:
        return True
    # Extended codes keep the plain one in the low byte. A unique key is no race on SQLite, whose
    # writers do not overlap.
    code = getattr(original, "sqlite_errorcode", 0)
    return code & 0xFF in (SQLITE_BUSY, SQLITE_LOCKED)


def _reason(error: DBAPIError) -> str:
    """The driver's own first line, without the statement and its values."""
    lines = str(error.orig).strip().splitlines()
    return f"the ledger's database refuses: {lines[0] if lines else 'unknown reason'}"


def migrate(engine: Engine) -> None:
    """Bring the schema to this program's version; nothing happens when it is."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(files("duotap_host.ledger") / "migrations"))

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        transact(engine, upgrade)
    except CommandError:
        raise LedgerError("the ledger was written by a newer version of this program") from None


def is_empty(engine: Engine) -> bool:
    """No ledger was ever opened here. LedgerError if the database cannot be reached."""
    return read(engine, lambda connection: not inspect(connection).has_table(VERSION_TABLE))
