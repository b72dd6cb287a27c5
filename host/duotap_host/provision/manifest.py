# SPDX-License-Identifier: Apache-2.0
"""The manifest: every unit of a fleet and how far it is, in one file that a kill cannot hurt.

A unit is a line of somebody's list that becomes a device. It has a number, which is never given
again, and is in one of four states:

    intent        it is to be made; no device was asked anything yet
    unconfirmed   it has a certificate, which a device may or may not hold by now
    confirmed     its device was read back and holds that certificate
    retired       its device is out of use, or never came to be

    intent → unconfirmed → confirmed → retired, and unconfirmed → retired

Each step is one transaction that is on the disk before the next thing is done, and a step from
another state is refused: so no device is certified twice and no number is used twice. It knows no
line, no key and no ledger; `sheet` reads lists, `fleet` makes devices.

    manifest = Manifest(path)      made if it is not there; ManifestError
    manifest.find(device)          the Unit with this device id, None if it is not from here
    manifest.retire(device)        its unit is retired from now on; False if it is not from here
    manifest.units(), .counts()    all units by number; how many are in each state
    manifest.close()
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import IO

from duotap_host.provision.profile import Profile
from duotap_host.provision.sheet import Row, profile_of

UNITS_MAX = 10_000  # of one manifest; its states are kept in memory while a line works
FORMAT = 1  # of the file, in its user_version

SCHEMA = (
    "CREATE TABLE units (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " asked TEXT NOT NULL, state TEXT NOT NULL, device BLOB UNIQUE, certificate BLOB,"
    " changed_s INTEGER NOT NULL)",
    f"PRAGMA user_version = {FORMAT}",
)
COLUMNS = "number, name, asked, state, device, certificate"
ENTER = "INSERT INTO units (name, asked, state, changed_s) VALUES (?, ?, 'intent', ?)"
CHANGE = "UPDATE units SET asked = ?, changed_s = ? WHERE name = ? AND state = 'intent'"
CERTIFY = (
    "UPDATE units SET state = 'unconfirmed', device = ?, certificate = ?, changed_s = ?"
    " WHERE number = ? AND state = 'intent'"
)
CONFIRM = (
    "UPDATE units SET state = 'confirmed', changed_s = ?"
    " WHERE device = ? AND state = 'unconfirmed'"
)
RETIRE = (
    "UPDATE units SET state = 'retired', changed_s = ?"
    " WHERE device = ? AND state IN ('unconfirmed', 'confirmed')"
)


class ManifestError(Exception):
    """The manifest cannot be used as asked; one line that tells a person why."""


class State(StrEnum):
    """How far a unit is."""

    INTENT = "intent"
    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    RETIRED = "retired"


class Unit:
    """One unit; `device` and `certificate` are empty in state intent."""

    def __init__(
        self,
        number: int,
        name: str,
        asked: str,
        state: str,
        device: bytes | None,
        certificate: bytes | None,
    ) -> None:
        self.number = number
        self.name = name
        self.cells: Mapping[str, str] = json.loads(asked)
        self.state = State(state)
        self.device = device or b""
        self.certificate = certificate or b""

    @cached_property
    def profile(self) -> Profile:
        """What it is certified for."""
        return profile_of(self.cells)

    def names(self) -> tuple[str, ...]:
        """What its label calls it, Chinese and English: its names, else whose card it is."""
        given = tuple(self.cells[name] for name in ("name_zh", "name_en") if name in self.cells)
        return given or (f"持有人 {self.profile.holder}", f"Holder {self.profile.holder}")


class Manifest:
    """The file at `path`. ManifestError if it is no manifest, or another process holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA synchronous = EXTRA")  # on the disk when it returns
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            raise ManifestError(f"cannot use {path}: {error}") from None

    def _migrate(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        (found,) = self._database.execute("PRAGMA user_version").fetchone()
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not found and not tables:
            for statement in SCHEMA:
                self._database.execute(statement)
        elif found != FORMAT:
            raise ManifestError(f"{self.path} is no manifest, or of another version")
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
        if self._lock is not None:
            self._lock.close()

    def claim(self) -> None:
        """This process alone makes devices from it, until it ends. ManifestError."""
        path = self.path.with_name(self.path.name + ".lock")
        try:
            self._lock = path.open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ManifestError(f"another line is at work with {self.path}") from None

    # What there is

    def units(self, names: Collection[str] | None = None) -> tuple[Unit, ...]:
        """Those with these names, or all, by number."""
        rows = self._database.execute(f"SELECT {COLUMNS} FROM units ORDER BY number")
        return tuple(Unit(*row) for row in rows if names is None or row[1] in names)

    def find(self, device: bytes) -> Unit | None:
        """By the id of its device."""
        query = f"SELECT {COLUMNS} FROM units WHERE device = ?"
        row = self._database.execute(query, (device,)).fetchone()
        return None if row is None else Unit(*row)

    def counts(self, names: Collection[str] | None = None) -> dict[State, int]:
        """How many units of these names, or of all, are in each state."""
        query = "SELECT name, state FROM units"
        found = Counter(
            state
            for name, state in self._database.execute(query)
            if names is None or name in names
        )
        return {state: found[state.value] for state in State}

    # What is done with it

    def enter(self, rows: Iterable[Row], check: Callable[[Unit], object] = bool) -> None:
        """All rows, or none; those that are there stay, one that is still an intent may change.
        ManifestError, or what `check` raises for an intent among them."""
        rows = tuple(rows)
        asked = {unit.name: unit for unit in self.units()}
        now_s = int(time.time())
        with self._transaction():
            for row in rows:
                cells = json.dumps(dict(row.cells), sort_keys=True, ensure_ascii=False)
                unit = asked.get(row.name)
                if unit is None:
                    self._database.execute(ENTER, (row.name, cells, now_s))
                elif unit.cells != row.cells and not self._does(CHANGE, cells, now_s, row.name):
                    raise ManifestError(
                        f"line {row.line}: unit {row.name} is {unit.state} with other values:"
                        " give what is to be made anew another name"
                    )
            (count,) = self._database.execute("SELECT count(*) FROM units").fetchone()
            if count > UNITS_MAX:
                raise ManifestError(f"a manifest holds at most {UNITS_MAX} units, not {count}")
            for unit in self.units({row.name for row in rows}):
                if unit.state is State.INTENT:
                    check(unit)

    def certify(self, number: int, device: bytes, certificate: bytes) -> None:
        """The unit's certificate, before anybody gets it: unconfirmed from now on."""
        self._must(CERTIFY, device, certificate, int(time.time()), number)

    def confirm(self, device: bytes) -> None:
        """The device was read back; nothing changes when it was before."""
        self._does(CONFIRM, int(time.time()), device)

    def retire(self, device: bytes) -> bool:
        """The unit of this device is out of use from now on; False if it is not from here."""
        self._does(RETIRE, int(time.time()), device)
        return self.find(device) is not None

    def _must(self, statement: str, *values: object) -> None:
        if not self._does(statement, *values):
            raise ManifestError("a unit of the manifest is not in the state for this")

    def _does(self, statement: str, *values: object) -> bool:
        """Whether it changed a unit."""
        try:
            return self._database.execute(statement, values).rowcount == 1
        except sqlite3.Error as error:
            raise ManifestError(f"the manifest {self.path} refuses: {error}") from None

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)


class _Transaction:
    """All of it, or nothing."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")
