# SPDX-License-Identifier: Apache-2.0
"""What was worked out from the archive is kept, so that a run looks at what is new only. The next
run works it all out once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NOTHING_YET = (
    "INSERT INTO journals (device, changes, digested, seen) SELECT id, 0, -1, :empty FROM devices"
)
AS_BOOKED = (
    "INSERT INTO positions"
    " (subject, kind, state, lines, amount, debtor, creditor, ahead, booked)"
    " SELECT subject, kind, 'withdrawn', :none, amount, debtor, creditor, FALSE, FALSE"
    " FROM settlements"
)
NO_LINES = b"\x80"  # CBOR: an empty array


def upgrade() -> None:
    _records()
    _journals()
    _mentions()
    _positions()
    _shadows()
    _awaited()
    _grounds()
    connection = op.get_bind()
    connection.execute(sa.text(NOTHING_YET), {"empty": b""})
    connection.execute(sa.text(AS_BOOKED), {"none": NO_LINES})
    connection.execute(sa.text("UPDATE findings SET state = 'gone' WHERE state = 'open'"))


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _records() -> None:
    op.add_column("book", sa.Column("runs", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_awards_about"), "awards", ["about"], unique=False)
    op.add_column(
        "records", sa.Column("stage", sa.SmallInteger(), nullable=False, server_default="0")
    )
    op.create_index("ix_records_new", "records", ["device"], unique=False, **_where("stage = 0"))
    op.add_column(
        "heads", sa.Column("reached", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def _journals() -> None:
    op.create_table(
        "journals",
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("digested", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_journals")),
    )
    where = _where("digested <> changes")
    op.create_index("ix_journals_changed", "journals", ["device"], unique=False, **where)


def _mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", "device", "sequence", "hash", name=op.f("pk_mentions")),
    )


def _positions() -> None:
    op.create_table(
        "positions",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("debtor", sa.LargeBinary(length=16), nullable=False),
        sa.Column("creditor", sa.LargeBinary(length=16), nullable=False),
        sa.Column("ahead", sa.Boolean(), nullable=False),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_positions")),
    )
    at = ["creditor", "state"]
    op.create_index(op.f("ix_positions_creditor_state"), "positions", at, unique=False)
    where = _where("NOT booked")
    op.create_index("ix_positions_to_book", "positions", ["subject"], unique=False, **where)


def _shadows() -> None:
    op.create_table(
        "shadows",
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.Column("scope", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("own", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "scope", name=op.f("pk_shadows")),
    )


def _awaited() -> None:
    op.create_table(
        "awaited",
        sa.Column("payment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payee", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("payment", name=op.f("pk_awaited")),
    )
    op.create_index(op.f("ix_awaited_payee"), "awaited", ["payee"], unique=False)


def _grounds() -> None:
    op.create_table(
        "grounds",
        sa.Column("topic", sa.LargeBinary(length=32), nullable=False),
        sa.Column("finding", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("topic", "finding", name=op.f("pk_grounds")),
    )
    op.create_index(op.f("ix_grounds_finding"), "grounds", ["finding"], unique=False)
