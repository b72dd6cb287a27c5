# SPDX-License-Identifier: Apache-2.0
"""The ESP32's partition table: from a board's CSV to the sector at 0x8000, and back.

Rows of 32 bytes: magic AA50, type, subtype, offset, size, label of 16 bytes, flags; then a row
with the MD5 of those before it (ESP-IDF Programming Guide, "Partition Tables"). Knows no content.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import NamedTuple

from duotap_host.flash.failures import NotUsable

TABLE_AT = 0x8000
TABLE_BYTES = 0x1000
ROWS_BYTES = 0xC00
ROW = struct.Struct("<HBBII16sI")
MAGIC = 0x50AA
MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
FLAG_ENCRYPTED = 1
FLAGS = {"encrypted": FLAG_ENCRYPTED}
TYPES = {"app": 0, "data": 1}
SUBTYPES = {
    ("app", "factory"): 0,
    ("data", "phy"): 1,
    ("data", "nvs"): 2,
    ("data", "undefined"): 6,
    ("data", "fat"): 0x81,
}


class PartitionError(NotUsable):
    """No partition table, or one that cannot be used."""


class Partition(NamedTuple):
    """One row, with numbers for type and subtype."""

    label: str
    kind: int
    subtype: int
    offset: int
    size: int
    flags: int = 0


def read_csv(path: Path) -> list[Partition]:
    """The rows of a board's partitions.csv. Raises PartitionError."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if line.startswith("#"):
            continue
        try:
            label, kind, subtype, offset, size, *flags = cells
            number, place = SUBTYPES[kind, subtype], (int(offset, 16), int(size, 16))
            marks = sum(FLAGS[name] for name in flags)
            found.append(Partition(label, TYPES[kind], number, *place, marks))
        except (ValueError, KeyError):
            raise PartitionError(f"not a row of a partition table: {line}") from None
    return found


def encode(rows: list[Partition]) -> bytes:
    """The sector that the boot loader reads."""
    table = b"".join(
        ROW.pack(MAGIC, row.kind, row.subtype, row.offset, row.size, row.label.encode(), row.flags)
        for row in rows
    )
    whole = table + MD5_MAGIC + hashlib.md5(table, usedforsecurity=False).digest()
    if len(whole) > ROWS_BYTES:
        raise PartitionError("too many partitions")
    return whole.ljust(TABLE_BYTES, b"\xff")


def decode(sector: bytes) -> list[Partition]:
    """The rows of a sector. Raises PartitionError."""
    found: list[Partition] = []
    for at in range(0, ROWS_BYTES, ROW.size):
        row = sector[at : at + ROW.size]
        if row[: len(MD5_MAGIC)] == MD5_MAGIC:
            if hashlib.md5(sector[:at], usedforsecurity=False).digest() != row[16:]:
                raise PartitionError("the partition table has a wrong MD5")
            return found
        magic, kind, subtype, offset, size, label, flags = ROW.unpack(row.ljust(ROW.size, b"\0"))
        if row == b"\xff" * ROW.size:
            break  # a table without MD5, as older tools write it
        if magic != MAGIC:
            raise PartitionError("the partition table is damaged")
        name = label.rstrip(b"\0").decode("ascii", "replace")
        found.append(Partition(name, kind, subtype, offset, size, flags))
    if not found:
        raise PartitionError("there is no partition table")
    return found
