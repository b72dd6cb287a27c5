# SPDX-License-Identifier: Apache-2.0
"""Whether a device may be flashed: only when nothing is lost by it.

Flashing a board ends the purse on it. So the device is asked over its link first, and what it has
is deposited. It can answer in four ways: it has no key yet, and may be flashed; its whole journal
is deposited and it holds nothing, and it may be flashed; something is missing or it holds value,
and it may not; nobody answers, and nobody knows.
"""

from __future__ import annotations

from duotap_host.device.client import Client
from duotap_host.device.deposit import deposit
from duotap_host.device.errors import NoAnswer, NotUnderstood
from duotap_host.flash.failures import JournalAtRisk
from duotap_host.issuer import Issuer
from duotap_host.ledger.interface import Ledger
from duotap_host.money import show


async def answers(client: Client) -> bytes | None:
    """The id of the device at the link; b"" before it has a key, None when nobody answers."""
    try:
        return (await client.connect()).device
    except (NoAnswer, NotUnderstood):
        return None


async def deposit_all(client: Client, ledger: Ledger, issuer: Issuer, epoch: int) -> None:
    """Deposit what the device has. Raises JournalAtRisk unless nothing of it can be lost.

    Also DeviceError, LedgerError, IssuerError.
    """
    done = await deposit(client, ledger, issuer, epoch)
    if not done.covers:
        raise JournalAtRisk("a part of this device's journal could not be deposited")
    if done.balance:
        raise JournalAtRisk(
            f"this device holds {show(done.balance)}, which would be gone from it: duotap retire"
            " brings it home"
        )
