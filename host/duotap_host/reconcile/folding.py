# SPDX-License-Identifier: Apache-2.0
"""What a device's covered records add up to, by the very code that the device runs
(`duotap.fold`, PROTOCOL.md §8).

It verifies nothing and settles nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from duotap import messages, record, records
from duotap.base import SINCE_SYNC
from duotap.errors import DuotapError
from duotap.fold import State, apply

from duotap_host.reconcile.archive import Archived


class Folded(NamedTuple):
    """`broken`: hash of the first record that cannot follow those before it, empty when all can;
    the state is that before it. `overspent`: because it takes more than there is."""

    state: State
    broken: bytes = b""
    overspent: bool = False


def fold(trunk: Sequence[Archived], synced: Collection[int]) -> Folded:
    """Add up records from the first on. `synced`: sequence numbers that checkpoints cover, at
    which what counts since the last sync begins anew."""
    state = State()
    for archived in trunk:
        if archived.kind != record.START:
            try:
                apply(state, archived.sequence, archived.kind, archived.body)
            except (DuotapError, ValueError, TypeError):
                return Folded(state, archived.hash, _takes_too_much(state, archived))
        if archived.sequence in synced:
            state.used[:SINCE_SYNC] = [0] * SINCE_SYNC
    return Folded(state)


class Folds:
    """Folds of devices, kept while their covered records stay the same. Read them, change none."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[object, Folded]] = {}

    def of(self, device: bytes, trunk: Sequence[Archived], synced: Collection[int]) -> Folded:
        """As `fold`."""
        key = (trunk[-1].hash if trunk else b"", sorted(synced))
        known = self._kept.get(device)
        if known is None or known[0] != key:
            known = (key, fold(trunk, synced))
            self._kept[device] = known
        return known[1]


def _takes_too_much(state: State, archived: Archived) -> bool:
    of = {
        records.PAYMENT: messages.Payment,
        records.REFUND_GIVEN: messages.Refund,
        records.UNLOAD: messages.Unload,
    }.get(archived.kind)
    try:
        raw = records.unpack(archived.kind, archived.body)[0]
        amounts = messages.decode(raw, of).message.amounts if of else ()
    except (DuotapError, ValueError, TypeError):
        return False
    return any(state.balances.get(scope, 0) < amount for scope, amount in amounts)
