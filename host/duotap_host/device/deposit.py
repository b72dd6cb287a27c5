# SPDX-License-Identifier: Apache-2.0
"""Depositing a device's journal: pull, head, hand over what the ledger has, pull and head again
(PROTOCOL.md §6).

The same deposit twice leaves the same state. It books nothing: that is `reconcile`.
"""

from __future__ import annotations

from dataclasses import dataclass

from duotap_host.device.client import Client
from duotap_host.device.visit import Tell, Visit, silent
from duotap_host.issuer import Issuer
from duotap_host.ledger.interface import Ledger, Refused


@dataclass(frozen=True)
class Deposit:
    """What a deposit brought; `notes`: one line for each thing that was refused."""

    device: bytes
    records: int
    handed: int
    covers: bool  # the whole journal is archived and under a head
    balance: int  # minor units, as the device's head says
    battery: int  # percent
    notes: tuple[str, ...]


async def deposit(
    client: Client, ledger: Ledger, issuer: Issuer, epoch: int, tell: Tell = silent
) -> Deposit:
    """One visit from the first byte to the last. DeviceError, LedgerError, IssuerError."""
    visit = await Visit.begin(client, ledger, issuer, epoch, tell)
    taken = await visit.pull()
    notes = []
    if taken.covers and not visit.is_stopped:
        try:
            ledger.issue_checkpoint(visit.device.id)
        except Refused as refusal:
            notes.append(str(refusal))
    await visit.raise_epoch(epoch)
    await visit.give_keys()
    await visit.give_statements()
    await visit.give_list()
    await visit.hand_over()
    if visit.taken:
        taken = await visit.pull()
    return Deposit(
        visit.device.id,
        visit.pulled,
        visit.taken,
        taken.covers,
        sum(amount for _, amount in visit.head.balances),
        visit.head.battery,
        (*notes, *visit.refused),
    )
