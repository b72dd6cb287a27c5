# SPDX-License-Identifier: Apache-2.0
"""Brings a ledger of an earlier version up to this one (Alembic)."""
