# SPDX-License-Identifier: Apache-2.0
"""The ledger: accounts and transfers in double entry, the archive of deposited journals, and the
issuer's statements (PROTOCOL.md §6 to §8).

`interface.Ledger` is what everybody else sees; `local.LocalLedger` keeps it in SQLite or
PostgreSQL. Words and rules of double entry are TigerBeetle's.
"""
