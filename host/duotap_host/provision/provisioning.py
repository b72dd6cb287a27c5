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
from typing import NamedTuple, Protocol

from duotap import messages
from duotap.certificate import Certificate, decode_certificate, key_id
from duotap.errors import Refusal

from duotap_host.device.client import READY, STOPPED, Client, Hello
from duotap_host.device.errors import DeviceError, DeviceRefused, NotProven
from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import verify
from duotap_host.ledger.interface import Device, Ledger, NotFound
from duotap_host.provision.profile import RANDOM_BYTES, Profile, describe

ENTROPY_BYTES = 32

Draw = Callable[[int], bytes]


class Book(Protocol):
    """Where a certificate is entered before a device gets it."""

    def find(self, device: bytes) -> bytes:
        """The certificate of the device with this id, b"" if it has none. DeviceError if it may
        not become what is wanted here."""

    def certify(self, public: bytes, firmware: bytes) -> bytes:
        """Certify a device that has none, and enter that."""


class Trusted(NamedTuple):
    """What every device of an issuer gets beside its certificate: two roots, the keycerts of the
    working keys, and statements of the day."""

    roots: tuple[bytes, ...]
    keycerts: tuple[bytes, ...]
    statements: tuple[bytes, ...]


class Made(NamedTuple):
    """`is_new`: the device got its certificate in this run."""

    device: bytes
    certificate: bytes
    is_new: bool


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
    """Make the device at the line what `profile` says, with this issuer's own keys and ledger.
    DeviceError, LedgerError, IssuerError."""
    book = _LedgerBook(ledger, issuer, epoch, profile, draw)
    made = await make(client, book, trusted(ledger, issuer, epoch), draw)
    return Provisioned(ledger.device(made.device), made.is_new)


def trusted(ledger: Ledger, issuer: Issuer, epoch: int) -> Trusted:
    """What this issuer's devices are given today."""
    statements = (issuer.sign_epoch(epoch), *ledger.certifiers.statements())
    return Trusted(issuer.roots, issuer.keycerts, statements)


async def make(client: Client, book: Book, given: Trusted, draw: Draw = os.urandom) -> Made:
    """Give the device at the line the certificate that the book has or makes for it, and read it
    back. DeviceError, and whatever the book raises."""
    hello = await client.connect()
    if hello.state in STOPPED:
        raise DeviceError(f"the device's journal is {hello.state}: it cannot be provisioned")
    if hello.state == READY:
        device, certificate = hello.device, book.find(hello.device)
        if not certificate:
            raise DeviceError("the device holds a certificate of another issuer")
    else:
        public = await _proven_key(client, hello, draw)
        device, certificate = key_id(public), _certified(book, public, hello.firmware)
    # The same identity again is taken as well: that is how a run finds out that all is done.
    await client.install(certificate, given.roots, given.keycerts)
    await _check(client, device, certificate)
    await _tell(client, given.statements, hello.state == READY)
    return Made(device, certificate, hello.state != READY)


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


def _certified(book: Book, public: bytes, firmware: bytes) -> bytes:
    """As an earlier run entered it, or entered now."""
    certificate = book.find(key_id(public))
    if not certificate:
        return book.certify(public, firmware)
    if decode_certificate(certificate).message.firmware != firmware:
        raise DeviceError("the device was certified with other firmware: flash that one again")
    return certificate


async def _check(client: Client, device: bytes, certificate: bytes) -> None:
    """The device itself says that it is what the book says."""
    role = decode_certificate(certificate).message.role
    hello = await client.connect()
    if (hello.state, hello.device, hello.role) != (READY, device, role):
        raise DeviceError("the device did not take its certificate")


async def _tell(client: Client, statements: tuple[bytes, ...], may_refuse: bool) -> None:
    """Statements of the day. One that was made before may know more, or be too far behind: it
    gets what it lacks with its next deposit."""
    for raw in statements:
        try:
            await client.put_statement(raw)
        except DeviceRefused:
            if not may_refuse:
                raise


class _LedgerBook:
    """The ledger's own book, with the issuer's key for certificates: one device of one profile."""

    def __init__(
        self, ledger: Ledger, issuer: Issuer, epoch: int, profile: Profile, draw: Draw
    ) -> None:
        self._ledger = ledger
        self._issuer = issuer
        self._epoch = epoch
        self._profile = profile
        self._draw = draw

    def find(self, device: bytes) -> bytes:
        try:
            certificate = self._ledger.device(device).certificate
        except NotFound:
            return b""
        found: Certificate = decode_certificate(certificate).message
        if not self._profile.fits(found):
            raise DeviceError(f"the device is {describe(found.role, found.holder)} already")
        return certificate

    def certify(self, public: bytes, firmware: bytes) -> bytes:
        serial = self._draw(RANDOM_BYTES)
        fields = self._profile.certificate(serial, public, firmware, self._epoch)
        return self._ledger.register_device(self._issuer.sign_certificate(fields)).certificate
