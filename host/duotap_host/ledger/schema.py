# SPDX-License-Identifier: Apache-2.0
"""The tables. Rows are never changed but for balances and states; a mistake in the book is a
correcting transfer.

Keys are random or derived from content, never serial, so that rows spread over shards. SQLAlchemy
Core describes them for reports and Alembic; posting speaks SQL (`post`). Every database gets them
by the migrations beside this file, never by `create_all`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

ID = LargeBinary(16)
HASH = LargeBinary(32)


def where(condition: str) -> dict[str, Any]:
    """Arguments of an index over some rows only."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# Whose ledger this is; one row.
book = Table(
    "book",
    metadata,
    Column("root", ID, primary_key=True),  # key id of the issuer's present root
    Column("currency", SmallInteger, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("runs", BigInteger, nullable=False, server_default="0"),  # whoever runs locks the row
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("ledger", SmallInteger, nullable=False),
    Column("code", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("holder", BigInteger, nullable=False),
    Column("device", ID),
    Column("scope", BigInteger, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("debits_posted", BigInteger, nullable=False),
    Column("credits_posted", BigInteger, nullable=False),
    Column("debits_pending", BigInteger, nullable=False),
    Column("credits_pending", BigInteger, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    UniqueConstraint("name"),
    CheckConstraint(
        "debits_posted >= 0 AND credits_posted >= 0"
        " AND debits_pending >= 0 AND credits_pending >= 0",
        name="not_negative",
    ),
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", ID, primary_key=True),
    Column("ledger", SmallInteger, nullable=False),
    Column("debit_id", ID, nullable=False),
    Column("credit_id", ID, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("code", SmallInteger, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),  # of a pending one, how it ended; else "posted"
    Column("pending_id", ID, nullable=False),
    Column("corrects_id", ID, nullable=False),
    Column("subject", HASH, nullable=False),
    Column("expires_us", BigInteger, nullable=False),  # 0: never
    Column("created_us", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="positive"),
    CheckConstraint("debit_id <> credit_id", name="different"),
    Index(None, "debit_id"),
    Index(None, "credit_id"),
    Index(None, "subject"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", ID, primary_key=True),
    Column("public_key", LargeBinary(65), nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("rollback_class", SmallInteger, nullable=False),
    Column("holder", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_number", BigInteger, nullable=False),
    Column("registered_us", BigInteger, nullable=False),
)

# Factory keys that were handed out, and the device of each number that a key has used.
factories = Table(
    "factories",
    metadata,
    Column("kid", ID, primary_key=True),
    Column("number", BigInteger, nullable=False),  # of the root's statement about it
    Column("keycert", LargeBinary, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("added_us", BigInteger, nullable=False),
    UniqueConstraint("number"),
)

factory_numbers = Table(
    "factory_numbers",
    metadata,
    Column("kid", ID, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("device", ID, nullable=False),
)

# The archive: a fork keeps both branches, since a record's hash is part of its key.
records = Table(
    "records",
    metadata,
    Column("device", ID, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("hash", HASH, primary_key=True),
    Column("previous", HASH, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("checked", Boolean, nullable=False),  # all its signatures are verified
    Column("archived_us", BigInteger, nullable=False),
    Column("stage", SmallInteger, nullable=False, server_default="0"),  # `digest.Stage`
    Index("ix_records_new", "device", **where("stage = 0")),
)

heads = Table(
    "heads",
    metadata,
    Column("hash", HASH, primary_key=True),
    Column("device", ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("chain_hash", HASH, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("reached", Boolean, nullable=False, server_default=false()),  # nothing below is missing
    Index(None, "device"),
)

challenges = Table(
    "challenges",
    metadata,
    Column("challenge", ID, primary_key=True),
    Column("device", ID, nullable=False),
    Column("issued_us", BigInteger, nullable=False),
)

# What money keys signed: numbers of one device have no gap; a cancel shares its load's number.
statements = Table(
    "statements",
    metadata,
    Column("device", ID, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("kind", Text, primary_key=True),  # load, cancel, checkpoint
    Column("hash", HASH, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("base", LargeBinary, nullable=False),  # parts of a checkpoint's base as one CBOR array
    Column("account", Text, nullable=False),  # that a load was taken from
    Column("request", LargeBinary),
    Column("signed_us", BigInteger, nullable=False),
    UniqueConstraint("device", "request"),
)

# What became of an offer, load, unload or refund; `generation` counts its changes.
settlements = Table(
    "settlements",
    metadata,
    Column("subject", HASH, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("debtor", ID, nullable=False),
    Column("creditor", ID, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Index(None, "state"),
)

# Devices that do not come back, and what was paid for them.
losses = Table(
    "losses",
    metadata,
    Column("device", ID, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("reported_us", BigInteger, nullable=False),
)

awards = Table(
    "awards",
    metadata,
    Column("subject", HASH, primary_key=True),
    Column("kind", Text, nullable=False),  # returned value, guaranteed
    Column("device", ID, nullable=False),
    Column("about", HASH, nullable=False),  # subject of the settlement that somebody waited for
    Column("home", Text, nullable=False),  # account of who was to get it
    Column("lines", LargeBinary, nullable=False),  # as one CBOR array
    Column("paid_us", BigInteger, nullable=False),
    Index(None, "device"),
    Index(None, "about"),
)

# Whom the operator lists, and what was published.
denied = Table(
    "denied",
    metadata,
    Column("device", ID, primary_key=True),
    Column("denied_us", BigInteger, nullable=False),
)

lists = Table(
    "lists",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("listed", LargeBinary, nullable=False),  # ids, ascending
    Column("full", LargeBinary, nullable=False),
    Column("set", LargeBinary, nullable=False),  # that the full one names, or empty
    Column("delta", LargeBinary, nullable=False),  # empty for none
    Column("published_us", BigInteger, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("code", Text, nullable=False),
    Column("device", ID, nullable=False),
    Column("evidence", LargeBinary, nullable=False),  # hashes of 32 bytes
    Column("en", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, gone
    Column("found_us", BigInteger, nullable=False),
    Index(None, "device"),
)

# What was worked out from the archive, so that a run looks at what is new only. All of it can be
# thrown away and made again (`digest.begin_anew`).

# How far a device's journal was looked at: `changes` counts what came since it was registered.
journals = Table(
    "journals",
    metadata,
    Column("device", ID, primary_key=True),
    Column("changes", BigInteger, nullable=False),
    Column("digested", BigInteger, nullable=False),
    Column("seen", LargeBinary, nullable=False),  # `kept.pack`; empty: nothing yet
    Index("ix_journals_changed", "device", **where("digested <> changes")),
)

# Which records speak of what: the first bytes of a key of `reconcile.topics`.
mentions = Table(
    "mentions",
    metadata,
    Column("key", ID, primary_key=True),
    Column("device", ID, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("hash", HASH, primary_key=True),
)

# What should be booked about each subject; `settlements` has what is.
positions = Table(
    "positions",
    metadata,
    Column("subject", HASH, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("debtor", ID, nullable=False),
    Column("creditor", ID, nullable=False),
    Column("ahead", Boolean, nullable=False),
    Column("booked", Boolean, nullable=False),
    Index(None, "creditor", "state"),
    Index("ix_positions_to_book", "subject", **where("NOT booked")),
)

# Sums of positions by purse: `held` of all, `own` of what the device's own records should show.
shadows = Table(
    "shadows",
    metadata,
    Column("device", ID, primary_key=True),
    Column("scope", BigInteger, primary_key=True, autoincrement=False),
    Column("held", BigInteger, nullable=False),
    Column("own", BigInteger, nullable=False),
)

# Payments that their payee is to be handed.
awaited = Table(
    "awaited",
    metadata,
    Column("payment", HASH, primary_key=True),
    Column("payee", ID, nullable=False),
    Index(None, "payee"),
)

# Which topics a finding follows from; one without is gone.
grounds = Table(
    "grounds",
    metadata,
    Column("topic", HASH, primary_key=True),
    Column("finding", ID, primary_key=True),
    Index(None, "finding"),
)
