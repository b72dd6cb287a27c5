# SPDX-License-Identifier: Apache-2.0
"""Provisioning: the key pair is born on the device, the issuer certifies it, the ledger books it,
the device takes certificate and root keys (PROTOCOL.md §5, right F).

The book comes before the device: a certificate that a device holds is in the book. Broken off
anywhere, the next run goes on with the same key and the same certificate; no device is certified
twice. Neither side alone decides the key, and the private half never leaves the device.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from duotap import messages
from duotap.certificate import Certificate, decode_certificate, key_id
from duotap.errors import Refusal

from duotap_host.device.client import READY, STOPPED, Client, Hello
from duotap_host.device.errors import DeviceError, NotProven
from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import verify
from duotap_host.ledger.interface import Device, Ledger, NotFound
from duotap_host.provision.profile import RANDOM_BYTES, Profile, describe

ENTROPY_BYTES = 32

Draw = Callable[[int], bytes]


@dataclass(frozen=True)
class Provisioned:
    """`is_new`: the device got its certificate in this run."""

    device: Device
    is_new: bool


async def provision(
    client: Client,
    ledger: Ledger,
    issuer: Issuer,
    epoch: int,
    profile: Profile,
    draw: Draw = os.urandom,
) -> Provisioned:
    """Make the device at the line what `profile` says. DeviceError, LedgerError, IssuerError."""
    hello = await client.connect()
    if hello.state in STOPPED:
        raise DeviceError(f"the device's journal is {hello.state}: it cannot be provisioned")
    if hello.state == READY:
        device = _known(ledger, hello, profile)
    else:
        public = await _proven_key(client, hello, draw)
        device = _certified(ledger, issuer, epoch, profile, public, hello.firmware, draw)
    # The same identity again is taken as well: that is how a run finds out that all is done.
    await client.install(device.certificate, issuer.roots, issuer.keycerts)
    await _check(client, device)
    if hello.state != READY:
        await client.put_statement(issuer.sign_epoch(epoch))
    return Provisioned(device, hello.state != READY)


async def _proven_key(client: Client, hello: Hello, draw: Draw) -> bytes:
    """The device's public key, once it has proven that it holds the private one."""
    challenge = draw(ENTROPY_BYTES)
    public, possession = await client.generate_key(draw(ENTROPY_BYTES), challenge)
    try:
        signed = messages.decode(possession, messages.Possession)
        messages.verify(signed, public, verify)
    except Refusal:
        raise NotProven("the device did not prove that it holds its private key") from None
    if signed.message != messages.Possession(challenge, public, hello.firmware):
        raise NotProven("the device's proof is about another key, firmware or challenge")
    return public


def _certified(
    ledger: Ledger,
    issuer: Issuer,
    epoch: int,
    profile: Profile,
    public: bytes,
    firmware: bytes,
    draw: Draw,
) -> Device:
    """The device in the book: as an earlier run entered it, or entered now."""
    try:
        device = ledger.device(key_id(public))
    except NotFound:
        fields = profile.certificate(draw(RANDOM_BYTES), public, firmware, epoch)
        return ledger.register_device(issuer.sign_certificate(fields))
    found = _check_profile(device, profile)
    if found.firmware != firmware:
        raise DeviceError("the device was certified with other firmware: flash that one again")
    return device


def _known(ledger: Ledger, hello: Hello, profile: Profile) -> Device:
    """A device that has a certificate already."""
    try:
        device = ledger.device(hello.device)
    except NotFound:
        raise DeviceError("the device holds a certificate of another issuer") from None
    _check_profile(device, profile)
    return device


def _check_profile(device: Device, profile: Profile) -> Certificate:
    found: Certificate = decode_certificate(device.certificate).message
    if not profile.fits(found):
        raise DeviceError(f"the device is {describe(found.role, found.holder)} already")
    return found


async def _check(client: Client, device: Device) -> None:
    """The device itself says that it is what the book says."""
    hello = await client.connect()
    if (hello.state, hello.device, hello.role) != (READY, device.id, device.role):
        raise DeviceError("the device did not take its certificate")
