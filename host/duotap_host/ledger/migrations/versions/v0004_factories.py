# SPDX-License-Identifier: Apache-2.0
"""Factory keys, and which of their numbers were used for which device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "factories",
        sa.Column("kid", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("keycert", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("added_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_factories")),
        sa.UniqueConstraint("number", name=op.f("uq_factories_number")),
    )
    op.create_table(
        "factory_numbers",
        sa.Column("kid", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("kid", "number", name=op.f("pk_factory_numbers")),
    )
