# SPDX-License-Identifier: Apache-2.0
"""A board gets the certificate of a device that is retired, for a key of its own (PROTOCOL.md §1:
a device is its key, and no counter restarts under one)."""

from __future__ import annotations

import os

from duotap.certificate import decode_certificate
from duotap.denylist import issued_in

from duotap_host.device.client import READY, Client
from duotap_host.device.errors import DeviceError
from duotap_host.issuer import Issuer
from duotap_host.ledger.interface import Device, DeviceState, Ledger
from duotap_host.provision.profile import Profile
from duotap_host.provision.provisioning import Draw, Provisioned, provision


async def rekey(
    client: Client,
    ledger: Ledger,
    issuer: Issuer,
    epoch: int,
    old: bytes,
    draw: Draw = os.urandom,
) -> Provisioned:
    """Provision the board at the line in the place of `old`; one that is made already stays as it
    is. DeviceError, LedgerError, IssuerError."""
    before = ledger.device(old)
    if before.state != DeviceState.RETIRED:
        raise DeviceError(f"device {old.hex()} is {before.state}: duotap retire it first")
    hello = await client.connect()
    if hello.device == old:
        raise DeviceError("this is the old device still: duotap wipe the board first")
    if hello.state == READY and ledger.device(hello.device).registered_us < before.registered_us:
        raise DeviceError("this device is older than the one whose place it would take")
    return await provision(client, ledger, issuer, epoch, profile_of(before), draw)


def profile_of(device: Device) -> Profile:
    """What the device was certified for."""
    found = decode_certificate(device.certificate).message
    return Profile(
        *(found.role, found.holder, found.name_zh, found.name_en, found.limits, found.nobutton),
        *(found.load_cap, found.respend, found.expiry - issued_in(found)),
    )
