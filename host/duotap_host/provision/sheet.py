# SPDX-License-Identifier: Apache-2.0
"""The list of what is to be made, as people write it: a CSV file with one unit a line (RFC 4180,
UTF-8, with or without a byte order mark).

    column        value
    unit          what the unit is called: 1 to 24 letters, digits, "-", "_", "."; each once
    role          person (a card) or stand
    holder        whose card it is, a number; a card has it and a stand has not
    merchant      whose stand it is, a number; a stand has it and a card has not
    name_en       at most 32 bytes: of a stand, on the payer's screen and on the label; of a card,
                  whose it is, on the label only, and it may be empty
    name_zh       the same in Chinese, at most 48 bytes; may be empty
    balance_max, payment_max, total_max, count_max, received_max, received_total_max, load_cap
                  as the options of `duotap provision` that are called so; empty: the default
    days          life of the certificate; empty: the default

The first line names the columns, in any order; the last two rows of this table may be left out.
It knows no device and writes nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TextIO

from duotap.fields import COUNTER_MAX, TEXTS

from duotap_host import money
from duotap_host.provision.profile import Profile

NAME = re.compile(r"[A-Za-z0-9._-]{1,24}")
DAYS_MAX = 3660
PERSON, STAND = "person", "stand"
NEEDED = ("unit", "role")
OWNERS = {PERSON: "holder", STAND: "merchant"}
NAMES = ("name_en", "name_zh")
# Column: field of Limits.
AMOUNTS = {
    "balance_max": "balance",
    "payment_max": "payment",
    "total_max": "total",
    "received_max": "received",
    "received_total_max": "received_total",
}
COLUMNS = (*NEEDED, *OWNERS.values(), *NAMES, *AMOUNTS, "count_max", "load_cap", "days")


class SheetError(Exception):
    """A list that cannot be made; each of `told` is one line for a person, with its number."""

    def __init__(self, told: Iterable[str]) -> None:
        self.told = tuple(told)
        super().__init__("; ".join(self.told))


class Row(NamedTuple):
    """A unit as it was asked for; `cells` are those that are not empty."""

    line: int
    name: str
    cells: Mapping[str, str]


def read(path: Path) -> tuple[Row, ...]:
    """All rows of the file. SheetError tells of each that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rows(path, file)
    except OSError as error:
        raise SheetError([f"cannot read {path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SheetError([f"{path} is not UTF-8: save it as CSV UTF-8"]) from None


def _rows(path: Path, file: TextIO) -> tuple[Row, ...]:
    wrong: list[str] = []
    found: list[Row] = []
    seen: dict[str, int] = {}
    lines = csv.reader(file, strict=True)
    try:
        columns = [cell.strip().lower() for cell in next(lines, [])]
        _check_columns(path, columns)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                row = _row(columns, cells, lines.line_num)
                if row.name in seen:
                    raise ValueError(f"unit {row.name} is on line {seen[row.name]} already")
                seen[row.name] = lines.line_num
                found.append(row)
            except ValueError as error:
                wrong.append(f"{path} line {lines.line_num}: {error}")
    except csv.Error as error:
        wrong.append(f"{path} line {lines.line_num}: {error}")
    if wrong or not found:
        raise SheetError(wrong or [f"{path} has no unit"])
    return tuple(found)


def _check_columns(path: Path, columns: list[str]) -> None:
    told = [f"there is no column {each}" for each in NEEDED if each not in columns]
    told += [f"a column {each!r} is not known" for each in columns if each not in COLUMNS]
    told += [f"column {each} is there twice" for each in COLUMNS if columns.count(each) > 1]
    if told:
        raise SheetError(f"{path} line 1: {each}" for each in told)


def _row(columns: list[str], cells: list[str], line: int) -> Row:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells in the place of {len(columns)}")
    kept = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    name = kept.pop("unit", "")
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a unit: 1 to 24 letters, digits, '-', '_', '.'")
    profile_of(kept)
    return Row(line, name, kept)


def profile_of(cells: Mapping[str, str]) -> Profile:
    """What the cells ask for. ValueError."""
    role = cells.get("role", "")
    if role not in OWNERS:
        raise ValueError(f"role is person or stand, not {role!r}")
    wanted = OWNERS[role]
    for other in OWNERS.values():
        if other != wanted and other in cells:
            raise ValueError(f"a {role} has a {wanted} and no {other}")
    owner = _number(cells, wanted, COUNTER_MAX)
    names = {name: cells[name] for name in NAMES if name in cells}
    for name, text in names.items():
        if len(text.encode()) > TEXTS[name]:
            raise ValueError(f"{name} is above {TEXTS[name]} bytes")
    if role == PERSON:
        return _limited(Profile.person(owner), cells)
    if "name_en" not in names:
        raise ValueError("a stand needs name_en")
    return _limited(Profile.stand(owner, names["name_en"], names.get("name_zh")), cells)


def _limited(profile: Profile, cells: Mapping[str, str]) -> Profile:
    amounts = {
        field: _told(name, money.parse, cells[name])
        for name, field in AMOUNTS.items()
        if name in cells
    }
    if "count_max" in cells:
        amounts["count"] = _number(cells, "count_max", COUNTER_MAX)
    cap, days = profile.load_cap, profile.epochs
    if "load_cap" in cells:
        cap = _told("load_cap", money.parse, cells["load_cap"])
    if "days" in cells:
        days = _number(cells, "days", DAYS_MAX)
    return replace(profile, limits=profile.limits._replace(**amounts), load_cap=cap, epochs=days)


def _number(cells: Mapping[str, str], name: str, highest: int) -> int:
    text = cells.get(name, "")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= highest):
        raise ValueError(f"{name} is a number from 1 to {highest}, not {text!r}")
    return int(text)


def _told(name: str, parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
