# SPDX-License-Identifier: Apache-2.0
"""Whom the operator lists, and the deny lists that were published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "denied",
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.Column("denied_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_denied")),
    )
    op.create_table(
        "lists",
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("listed", sa.LargeBinary(), nullable=False),
        sa.Column("full", sa.LargeBinary(), nullable=False),
        sa.Column("set", sa.LargeBinary(), nullable=False),
        sa.Column("delta", sa.LargeBinary(), nullable=False),
        sa.Column("published_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_lists")),
    )
