# SPDX-License-Identifier: Apache-2.0
"""Lost devices, and what was paid for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "losses",
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reported_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_losses")),
    )
    op.create_table(
        "awards",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.Column("about", sa.LargeBinary(length=32), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("paid_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_awards")),
    )
    op.create_index(op.f("ix_awards_device"), "awards", ["device"], unique=False)
