# SPDX-License-Identifier: Apache-2.0
"""What a device's covered records add up to, by the very code that the device runs
(`duotap.fold`, PROTOCOL.md §8).

It verifies nothing and settles nothing; it remarks on what the device's certificate forbids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from duotap import messages, record, records
from duotap.base import SINCE_SYNC
from duotap.certificate import Certificate
from duotap.errors import DuotapError
from duotap.fold import State, apply

from duotap_host.reconcile.archive import Archived

EXPIRED, OVER_COUNT, OVER_TOTAL = "expired", "over_count", "over_total"
OVER_RECEIVED_TOTAL = "over_received_total"
# Places in State.used, and the field of Limits that each is held against.
COUNT, TOTAL, RECEIVED = range(3)


class Remark(NamedTuple):
    """A record that the certificate forbids: what it came to, and what is allowed."""

    code: str
    record: bytes  # hash
    came_to: int
    allowed: int


class Folded(NamedTuple):
    """`broken`: hash of the first record that cannot follow those before it, empty when all can;
    the state is that before it. `overspent`: because it takes more than there is. `remarks`: the
    first of each code."""

    state: State
    broken: bytes = b""
    overspent: bool = False
    remarks: tuple[Remark, ...] = ()


def fold(
    trunk: Sequence[Archived], synced: Collection[int], certificate: Certificate | None = None
) -> Folded:
    """Add up records from the first on. `synced`: sequence numbers that checkpoints cover, at
    which what counts since the last sync begins anew; `certificate`: what is remarked on."""
    state = State()
    remarks: dict[str, Remark] = {}
    for archived in trunk:
        if archived.kind != record.START:
            try:
                apply(state, archived.sequence, archived.kind, archived.body)
            except (DuotapError, ValueError, TypeError):
                too_much = _takes_too_much(state, archived)
                return Folded(state, archived.hash, too_much, tuple(remarks.values()))
            for remark in () if certificate is None else _remarks(state, archived, certificate):
                remarks.setdefault(remark.code, remark)
        if archived.sequence in synced:
            state.used[:SINCE_SYNC] = [0] * SINCE_SYNC
    return Folded(state, remarks=tuple(remarks.values()))


def _remarks(state: State, archived: Archived, certificate: Certificate) -> Iterator[Remark]:
    """Of a record that was just added up. A policy may have allowed less, never more."""
    kind, limits = archived.kind, certificate.limits
    against = []
    if kind in (records.PAYMENT, records.OFFER) and state.epoch >= certificate.expiry:
        yield Remark(EXPIRED, archived.hash, state.epoch, certificate.expiry)
    if kind == records.PAYMENT:
        against.append((OVER_COUNT, state.used[COUNT], limits.count))
        against.append((OVER_TOTAL, state.used[TOTAL], limits.total))
    if kind in (records.CREDIT, records.ACCOUNT):
        against.append((OVER_RECEIVED_TOTAL, state.used[RECEIVED], limits.received_total))
    for code, came_to, allowed in against:
        if came_to > allowed:
            yield Remark(code, archived.hash, came_to, allowed)


class Folds:
    """Folds of devices, kept while their covered records stay the same. Read them, change none."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[object, Folded]] = {}

    def of(
        self,
        device: bytes,
        trunk: Sequence[Archived],
        synced: Collection[int],
        certificate: Certificate,
    ) -> Folded:
        """As `fold`."""
        key = (trunk[-1].hash if trunk else b"", sorted(synced))
        known = self._kept.get(device)
        if known is None or known[0] != key:
            known = (key, fold(trunk, synced, certificate))
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
