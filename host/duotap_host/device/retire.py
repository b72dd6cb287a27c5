# SPDX-License-Identifier: Apache-2.0
"""Taking a device out of service: deposit, value home, account closed (PROTOCOL.md §6, §11.2).

Each step knows what was done before, so it may be broken off anywhere and begun again.
"""

from __future__ import annotations

from dataclasses import dataclass

from duotap_host.device.client import STOPPED, Client
from duotap_host.device.deposit import deposit
from duotap_host.device.errors import DeviceError
from duotap_host.device.unload import unload
from duotap_host.device.visit import Tell, silent
from duotap_host.issuer import Issuer
from duotap_host.ledger.interface import DeviceState, Ledger


@dataclass(frozen=True)
class Retired:
    """`amount` went home in this run, minor units; `is_new`: it was in service before."""

    device: bytes
    amount: int
    is_new: bool


async def retire(
    client: Client, ledger: Ledger, issuer: Issuer, epoch: int, tell: Tell = silent
) -> Retired:
    """All of it. DeviceError, LedgerError, IssuerError."""
    hello = await client.connect()
    if hello.device and ledger.device(hello.device).state == DeviceState.RETIRED:
        return Retired(hello.device, 0, False)
    if hello.state in STOPPED:
        raise DeviceError(
            f"its journal is {hello.state}, so it signs no money home: duotap deposit, then duotap"
            f" lost report {hello.device.hex()} --reason {hello.state}"
        )
    done = await deposit(client, ledger, issuer, epoch, tell)
    amount = 0
    if done.balance:
        amount = (await unload(client, ledger, issuer, epoch, tell=tell)).amount
    ledger.reconcile()
    ledger.retire(done.device)
    return Retired(done.device, amount, True)
