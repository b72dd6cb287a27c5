# SPDX-License-Identifier: Apache-2.0
"""Bringing money from a device's purse home, to its holder's or merchant's account (PROTOCOL.md
§6).

The purse holds less from the moment the device has signed; the account has it when that record is
deposited and reconciled, with this visit or any later one.
"""

from __future__ import annotations

from dataclasses import dataclass

from duotap import messages, status

from duotap_host.device.client import Client
from duotap_host.device.errors import REASONS, DeviceError, NotProven
from duotap_host.device.load import OWN_MONEY, home
from duotap_host.device.visit import Tell, Visit, silent
from duotap_host.issuer import Issuer
from duotap_host.ledger.interface import Ledger

NEXT_UNLOAD = 3  # place among the numbers of a head
Amounts = tuple[tuple[int, int], ...]  # (scope, minor units), ascending by scope


@dataclass(frozen=True)
class Unload:
    """What left the purse; `balance` is what stays, in minor units, as the device's head says."""

    device: bytes
    account: str
    amount: int
    balance: int
    number: int


async def unload(
    client: Client,
    ledger: Ledger,
    issuer: Issuer,
    epoch: int,
    amount: int = 0,
    number: int = 0,
    tell: Tell = silent,
) -> Unload:
    """Have the device send `amount` of its own money home; 0: all that it holds, of every scope.
    The same `number` (none: the device's next) unloads once. DeviceError, LedgerError."""
    visit = await Visit.begin(client, ledger, issuer, epoch, tell)
    if visit.is_stopped:
        raise DeviceError(REASONS[status.DAMAGED])
    await visit.pull()
    number = number or visit.head.numbers[NEXT_UNLOAD]
    amounts: Amounts = ((OWN_MONEY, amount),) if amount else visit.head.balances
    if not amounts:
        raise DeviceError("the device holds nothing")
    raw = await client.unload(number, amounts)
    signed = messages.decode(raw, messages.Unload)
    told = (signed.kid, signed.message.unload_counter, signed.message.amounts)
    if told != (visit.device.id, number, amounts):
        raise NotProven("the device signed another unload than it was asked for")
    await visit.pull()
    left = messages.total(visit.head.balances)
    return Unload(visit.device.id, home(visit.device), messages.total(amounts), left, number)
