# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: runs on the connection that `duotap_host.ledger.database` hands over, inside
its transaction."""

from __future__ import annotations

from alembic import context

from duotap_host.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
