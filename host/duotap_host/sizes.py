# SPDX-License-Identifier: Apache-2.0
"""How large messages, certificates and journal records can become (PROTOCOL.md §10).

`python -m duotap_host.sizes` prints the table; with the path of PROTOCOL.md it writes it there.
Every number is the length of an encoding made by the code that ships, with all fields at their
largest; it knows no encoding itself.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from duotap import apdu, certificate, cose, fields, messages, record, records
from duotap.base import PART_MAX
from duotap.certificate import KEYS_MAX, Certificate, KeyCert
from duotap.guard import TICKS_BYTES

BEGIN = "<!-- sizes: python -m duotap_host.sizes firmware/PROTOCOL.md -->\n"
END = "<!-- end of sizes -->\n"
DELTA_BYTES = 1024  # of a deny list: what a tap carries after the receipt
KID = bytes(cose.KEY_ID_BYTES)
PUBLIC = certificate.UNCOMPRESSED + bytes(2 * certificate.COORDINATE_BYTES)
SCOPES = tuple(range(fields.SCOPE_MAX + 1 - fields.SCOPES_MAX, fields.SCOPE_MAX + 1))
# Records whose body is a statement, by what they are called in the table.
STATEMENTS = (
    messages.Policy,
    messages.Membership,
    messages.DenyList,
    messages.Time,
    messages.Epoch,
    messages.KeyStatement,
    messages.Reset,
)


class Size(NamedTuple):
    """One line of a table."""

    name: str
    length: int


def name_of(kind: Any) -> str:
    """The words of a record's name; `DenyList` is a delta here."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
    return f"{words}, delta" if kind is messages.DenyList else words


def sign(digest: bytes) -> bytes:
    """Every signature is 64 bytes; nothing here is verified."""
    return bytes(cose.SIGNATURE_BYTES)


def largest(kind: str) -> Any:
    """A value of this kind whose encoding is as long as any."""
    if kind in fields.RANGES:
        return fields.RANGES[kind][1]
    if kind in fields.SIZES:
        return PUBLIC if kind == "public" else bytes(fields.SIZES[kind])
    if kind in fields.TEXTS:
        return "a" * fields.TEXTS[kind]
    if kind in fields.ROWS:
        values = tuple(largest(item) for item in fields.ROWS[kind])
        return fields.RECORDS[kind](*values) if kind in fields.RECORDS else values
    if kind in fields.MAPS:
        # Amounts share their largest sum, and a share still takes five bytes.
        share = fields.SCOPES_MAX if kind == "amounts" else 1
        return tuple((scope, largest(fields.MAPS[kind][0]) // share) for scope in SCOPES)
    return {"scopes": SCOPES, "bool": True, "bytes": b""}[kind]


def values(row: str) -> list[Any]:
    """The largest value of each field of a row (duotap.fields)."""
    return [largest(part.split(" ")[1]) for part in row.split(", ")]


def largest_certificate() -> bytes:
    """A stand of class count: it has names, scopes and ticks."""
    bound = Certificate(bytes(8), PUBLIC, *values(certificate.CERTIFICATE_ROW))
    counting = bound._replace(rollback_class=certificate.CLASS_COUNT)
    return certificate.encode_certificate(counting, KID, sign)


def largest_keycert() -> bytes:
    """A factory key's: it has a constraint."""
    factory = KeyCert(bytes(8), PUBLIC, *values(certificate.KEYCERT_ROW))._replace(
        usage=certificate.USAGE_FACTORY
    )
    return certificate.encode_keycert(factory, KID, sign)


def largest_message(kind: Any) -> bytes:
    """The longest message of a record of duotap.messages; a list is a delta here."""
    row = next(row for _, its_kind, row in messages.TABLE if its_kind is kind)
    message = values(row)
    if kind is messages.DenyList:
        message[3] = bytes(DELTA_BYTES)
    if kind is messages.KeyStatement:
        message[1] = largest_keycert()
    if kind is messages.Epoch:
        near = messages.Epoch(message[0], None)
        message[1] = messages.encode(near, KID, sign)
    return messages.encode(kind(*message), KID, sign)


def list_content_max() -> int:
    """Bytes of content of the longest deny list that one chained command carries."""
    with_delta = len(largest_message(messages.DenyList))
    return DELTA_BYTES + apdu.COMMAND_MAX - with_delta


def longest_list() -> bytes:
    """A deny list that fills a chained command."""
    epoch = fields.EPOCH_MAX
    full = messages.DenyList(epoch, 0, epoch, bytes(list_content_max()))
    return messages.encode(full, KID, sign)


def message_sizes() -> list[Size]:
    """Each message, keycert and certificate."""
    found = [Size(name_of(kind), len(largest_message(kind))) for _, kind, _ in messages.TABLE]
    found.append(Size("deny list that fills a command", len(longest_list())))
    found.append(Size("certificate", len(largest_certificate())))
    found.append(Size("keycert", len(largest_keycert())))
    return found


def bodies() -> list[tuple[str, bytes]]:
    """The longest body of each record, by name."""
    made = {kind: largest_message(kind) for _, kind, _ in messages.TABLE}
    payment, receipt = made[messages.Payment], made[messages.Receipt]
    full_list = longest_list()
    keycerts = [largest_keycert()] * KEYS_MAX
    received = (payment, receipt, certificate.CLASS_BOUND)
    unpaid = (fields.COUNTER_MAX, bytes(32))
    base_part = (fields.COUNTER_MAX, 255, 255, bytes(PART_MAX))
    pack = records.pack
    return [
        ("identity", pack(records.IDENTITY, largest_certificate(), [PUBLIC] * 2, keycerts)),
        *((f"statement: {name_of(kind)}", made[kind]) for kind in STATEMENTS),
        ("statement: deny list that fills a command", full_list),
        ("load", made[messages.Load]),
        ("cancel", made[messages.Cancel]),
        ("base part", pack(records.BASE_PART, *base_part)),
        ("checkpoint", made[messages.Checkpoint]),
        ("offer", made[messages.Offer]),
        ("payment", pack(records.PAYMENT, payment, made[messages.Offer], True)),
        ("closing", receipt),
        ("credit", pack(records.CREDIT, *received)),
        ("account", pack(records.ACCOUNT, *received)),
        ("unpaid", pack(records.UNPAID, *unpaid)),
        ("late void", pack(records.LATE_VOID, payment, made[messages.Void])),
        ("conflict", payment),
        ("refund given", made[messages.Refund]),
        ("refund taken", made[messages.Refund]),
        ("unload", made[messages.Unload]),
        ("carried", pack(records.CARRIED, records.STATEMENT, full_list)),
        ("ticks", pack(records.TICKS, bytes(TICKS_BYTES))),
        ("reserved", pack(records.RESERVED, fields.COUNTER_MAX, fields.COUNTER_MAX)),
    ]


def record_sizes() -> list[Size]:
    """The longest body of each record."""
    return [Size(name, len(body)) for name, body in bodies()]


def table() -> str:
    """Both tables in Markdown."""
    lines = ["| message | bytes |", "|---|---:|"]
    lines += [f"| {size.name} | {size.length} |" for size in message_sizes()]
    lines += ["", "| body of a record | bytes | pages |", "|---|---:|---:|"]
    for name, length in record_sizes():
        lines.append(f"| {name} | {length} | {record.pages_for(length)} |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """The text of PROTOCOL.md with the table between its two markers."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError("no place for the table: its two markers are missing")
    return before + BEGIN + table() + END + after


def main() -> None:
    """Print the table, or write it into the file that is named."""
    if len(sys.argv) == 1:
        print(table(), end="")
        return
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
