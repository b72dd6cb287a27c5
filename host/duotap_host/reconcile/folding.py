# SPDX-License-Identifier: Apache-2.0
"""What a device's covered records add up to, by the very code that the device runs
(`duotap.fold`, PROTOCOL.md §8).

It verifies nothing and settles nothing; it remarks on what the device's certificate forbids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from duotap import messages, record, records
from duotap.base import SINCE_SYNC
from duotap.certificate import Certificate
from duotap.errors import DuotapError
from duotap.fold import State, apply, open_offer, open_payment

from duotap_host.reconcile.archive import Archived

if TYPE_CHECKING:
    from typing import Any

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
    trunk: Sequence[Archived],
    synced: Collection[int],
    certificate: Certificate | None = None,
    before: Folded | None = None,
) -> Folded:
    """Add up records, from the first on or from `before`, which is used up. `synced`: sequence
    numbers that checkpoints cover, at which what counts since the last sync begins anew;
    `certificate`: what is remarked on."""
    if before is not None and before.broken:
        return before
    state = State() if before is None else before.state
    remarks = {} if before is None else {remark.code: remark for remark in before.remarks}
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
            begin_anew(state)
    return Folded(state, remarks=tuple(remarks.values()))


def begin_anew(state: State) -> None:
    """A checkpoint covers the record that this state ends with."""
    state.used[:SINCE_SYNC] = [0] * SINCE_SYNC


def pack(folded: Folded) -> list[object]:
    """As plain values; of the state what a base has (PROTOCOL.md §8.2), which is all that settling
    asks for."""
    state = folded.state
    offer = state.open_offer
    return [
        state.balances,
        state.expiries,
        state.numbers(),
        state.epoch,
        [offer.sequence, offer.raw] if offer else None,
        [payment.raw for payment in state.open_payments],
        state.used,
        folded.broken,
        folded.overspent,
        [list(remark) for remark in folded.remarks],
    ]


def unpack(packed: Sequence[Any]) -> Folded:
    """What `pack` packed."""
    state = State()
    state.balances, state.expiries, numbers, state.epoch, offer, payments, state.used = packed[:7]
    state.next_payment, state.next_offer, state.next_refund = numbers[:3]
    state.next_unload, state.next_issue = numbers[3:]
    state.open_offer = open_offer(*offer) if offer else None
    state.open_payments = [open_payment(raw) for raw in payments]
    broken, overspent, remarks = packed[7:]
    return Folded(state, broken, overspent, tuple(Remark(*each) for each in remarks))


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
