# SPDX-License-Identifier: Apache-2.0
"""Building deny lists from all ids that were issued (PROTOCOL.md §13); asking them is
`duotap.denylist`. It signs nothing and opens no database.
"""
