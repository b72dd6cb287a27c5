# SPDX-License-Identifier: Apache-2.0
"""What outlives a prune: copies of what stands in records that are about to be given up, one at a
time (PROTOCOL.md §8.2). Imported late, after a deposit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import records

if TYPE_CHECKING:
    from duotap.purse import Purse


def carry(purse: Purse) -> bool:
    """Commit the next copy that is missing. False: all are there."""
    state, covered = purse.state, purse.covered
    ticks = purse.ticks_covered()
    if ticks:
        purse.commit(records.TICKS, ticks)
    elif 0 < state.identity_at <= covered:
        purse.commit(records.CARRIED, records.IDENTITY, purse.identity())
    else:
        raw = _statement(purse)
        if raw:
            purse.commit(records.CARRIED, records.STATEMENT, raw)
        return bool(raw)
    return True


def _statement(purse: Purse) -> bytes:
    """The next statement or list that only a covered record holds."""
    state, covered = purse.state, purse.covered
    for sequence, raw in state.statements.values():
        if sequence <= covered:
            return bytes(raw)
    for sequence in [state.full_list[0]] + [delta[0] for delta in state.deltas.values()]:
        if 0 < sequence <= covered:
            kind, body = purse.journal.read(sequence)
            return bytes(records.unpack(kind, body)[-1])
    return b""
