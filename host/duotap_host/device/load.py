# SPDX-License-Identifier: Apache-2.0
"""Loading money from an account at the ledger into a device's purse (PROTOCOL.md §7).

The account is debited when the load is signed; from then on the load is under way, whatever
happens to the cable, and goes to the device with its next visit. One that the device cannot hold
is cancelled at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from duotap import messages, status
from duotap.fields import ROLE_PERSON

from duotap_host.device.client import Client
from duotap_host.device.errors import REASONS, DeviceError
from duotap_host.device.visit import Tell, Visit, silent
from duotap_host.issuer import Issuer
from duotap_host.ledger import codes
from duotap_host.ledger.interface import Device, Ledger

OWN_MONEY = 0  # scope


@dataclass(frozen=True)
class Load:
    """A load that arrived; `balance` in minor units, as the device's head says."""

    device: bytes
    account: str
    balance: int


async def load(
    client: Client,
    ledger: Ledger,
    issuer: Issuer,
    epoch: int,
    amount: int,
    account: str = "",
    request: bytes = b"",
    tell: Tell = silent,
) -> Load:
    """Bring `amount` from `account` (by default the holder's own) to the device. The same request
    loads once; without one, a load of this kind that nobody has seen arrive before this visit was
    broken off, and is the one that is asked for. DeviceError, LedgerError, IssuerError."""
    visit = await Visit.begin(client, ledger, issuer, epoch, tell)
    if visit.is_stopped:
        raise DeviceError(REASONS[status.DAMAGED])
    device = visit.device
    account = account or home(device)
    amounts = ((OWN_MONEY, amount),)
    known = None if request else ledger.load_under_way(device.id, amounts, account)
    await visit.pull()
    await visit.raise_epoch(epoch)
    raw = known or ledger.issue_load(device.id, amounts, account, request)
    await visit.hand_over()
    await visit.pull()
    if messages.decode(raw, messages.Load).message.number in visit.cancelled:
        raise DeviceError(f"{visit.refused[0]}; the money goes back to {account}")
    if visit.is_held_up:
        raise DeviceError(f"{visit.refused[0]}; the load stays under way until the next visit")
    return Load(device.id, account, sum(amount for _, amount in visit.head.balances))


def home(device: Device) -> str:
    """The account of the device's holder or merchant."""
    of = codes.wallet if device.role == ROLE_PERSON else codes.merchant
    return of(device.holder)
