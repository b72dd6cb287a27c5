# SPDX-License-Identifier: Apache-2.0
"""Who may certify devices: this issuer's own key, and factory keys within their constraints
(PROTOCOL.md §3).

A factory key's certificate is taken once for each of its numbers, and before the day on which the
key ends by this ledger's clock: whoever steals the key later has no clock to set back. What is not
taken is told with its reason, when it is brought and when its device is deposited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from duotap import cose, messages, record, records
from duotap.certificate import (
    KEYS_MAX,
    Certificate,
    KeyCert,
    Trust,
    decode_certificate,
    decode_keycert,
    key_id,
)
from duotap.errors import Refusal
from sqlalchemy import Connection, Engine, text

from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import verify
from duotap_host.issuer.factory import beyond, number_of
from duotap_host.ledger import database
from duotap_host.ledger.interface import Finding, Foreign, Refused, WrongIssuer
from duotap_host.reconcile.findings import Code, finding
from duotap_host.reconcile.texts import short

ALL = "SELECT kid, keycert, statement FROM factories ORDER BY number"
ONE = "SELECT kid, keycert, statement FROM factories WHERE kid = :kid"
PUT = (
    "INSERT INTO factories (kid, number, keycert, statement, added_us)"
    " VALUES (:kid, :number, :keycert, :statement, :now)"
)
TAKE = (
    "INSERT INTO factory_numbers (kid, number, device) VALUES (:kid, :number, :device)"
    " ON CONFLICT (kid, number) DO NOTHING"
)
TAKEN = "SELECT device FROM factory_numbers WHERE kid = :kid AND number = :number"
COUNTS = "SELECT kid, count(*) FROM factory_numbers GROUP BY kid"


class Factory(NamedTuple):
    """A factory key that was handed out."""

    kid: bytes
    keycert: KeyCert
    raw: bytes  # of the keycert
    statement: bytes  # of the root, for every device


class Certifiers:
    """The factory keys in the ledger's book, and whose certificate a device may have."""

    def __init__(self, engine: Engine, issuer: Issuer, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._issuer = issuer
        self._clock = clock
        self._own = issuer.trust()

    # Factory keys

    def add(self, keycert: bytes) -> bytes:
        """Enter a factory key, once, and sign the root's statement that tells every device of it.
        Refused when devices have no room for another key."""
        kid = key_id(decode_keycert(keycert).message.public)

        def work(connection: Connection) -> bytes:
            found = factories(connection)
            known = _of(connection, kid)
            if known is not None:
                return known.statement
            if len(found) >= KEYS_MAX - len(self._issuer.keycerts):
                raise Refused(f"devices hold {KEYS_MAX} working keys: no room for another factory")
            number = len(found) + 1
            statement = self._issuer.sign_root(messages.KeyStatement(number, keycert))
            row = {"kid": kid, "number": number, "keycert": keycert, "statement": statement}
            connection.execute(text(PUT), {**row, "now": self._clock()})
            return statement

        return database.transact(self._engine, work)

    def all(self) -> Sequence[Factory]:
        """Every factory key that was handed out, the oldest first."""
        return database.read(self._engine, factories)

    def booked(self) -> dict[bytes, int]:
        """How many devices of each factory key are in the book; without it, none."""

        def work(connection: Connection) -> dict[bytes, int]:
            return {bytes(kid): count for kid, count in connection.execute(text(COUNTS))}

        return database.read(self._engine, work)

    def keycerts(self) -> tuple[bytes, ...]:
        """Of all keys that certify devices."""
        return (*self._issuer.keycerts, *(factory.raw for factory in self.all()))

    def statements(self) -> tuple[bytes, ...]:
        """What every device is told of factory keys, in the order of their numbers."""
        return tuple(factory.statement for factory in self.all())

    # Certificates

    def take(self, connection: Connection, raw: bytes) -> Certificate:
        """A certificate that is to be entered. Foreign, WrongIssuer, Refused."""
        try:
            signed = decode_certificate(raw)
        except Refusal:
            raise Foreign("this is not a certificate of a device") from None
        factory = _of(connection, signed.kid)
        if factory is None:
            return self._verified(self._own, raw)
        self._check_signature(factory, raw)
        why = beyond(signed.message, factory.keycert)
        if why:
            raise Refused(f"factory key {short(factory.kid)} may not certify this device: {why}")
        certificate: Certificate = signed.message
        self._take_number(connection, factory, certificate)
        return certificate

    def _take_number(
        self, connection: Connection, factory: Factory, certificate: Certificate
    ) -> None:
        number, device = number_of(certificate), key_id(certificate.public)
        row = {"kid": factory.kid, "number": number, "device": device}
        if connection.execute(text(TAKE), row).rowcount == 1:
            until = factory.keycert.constraint[-1]
            if self._issuer.epoch(self._clock()) >= until:
                raise Refused(f"factory key {short(factory.kid)} ended with epoch {until}")
            return
        taken = connection.execute(text(TAKEN), row).first()
        if taken is None or bytes(taken[0]) != device:
            raise Refused(
                f"factory key {short(factory.kid)} has certified two devices as its number"
                f" {number}: it was copied or stolen"
            )

    def alarm(
        self, connection: Connection, device: bytes, statements: Sequence[bytes]
    ) -> Finding | None:
        """What a device that is not in the book has, if a key of this issuer certified it:
        somebody else holds that key, the book lost a page, or a factory went too far."""
        for raw in _identities(statements):
            try:
                signed = decode_certificate(raw)
                if key_id(signed.message.public) != device:
                    continue
                factory = _of(connection, signed.kid)
                if factory is None:
                    self._verified(self._own, raw)
                    return finding(Code.UNKNOWN_CERTIFICATE, device, ())
                self._check_signature(factory, raw)
            except (Refusal, WrongIssuer):
                continue
            why = beyond(signed.message, factory.keycert)
            if not why:
                return finding(Code.UNKNOWN_CERTIFICATE, device, ())
            return finding(Code.BEYOND_FACTORY, device, (), factory=short(factory.kid), why=why)
        return None

    def _verified(self, trust: Trust, raw: bytes) -> Certificate:
        try:
            return trust.verify_certificate(raw, 0)
        except Refusal:
            raise WrongIssuer("the certificate is of another issuer") from None

    def _check_signature(self, factory: Factory, raw: bytes) -> None:
        """Of the factory key alone, whatever it has certified. WrongIssuer."""
        try:
            cose.verify(decode_certificate(raw), factory.keycert.public, verify)
        except Refusal:
            raise WrongIssuer("the certificate is of another issuer") from None


def factories(connection: Connection) -> tuple[Factory, ...]:
    """All of them, in the order of the statements about them."""
    return tuple(_factory(row) for row in connection.execute(text(ALL)).fetchall())


def _of(connection: Connection, kid: bytes) -> Factory | None:
    row = connection.execute(text(ONE), {"kid": kid}).first()
    return None if row is None else _factory(row)


def _factory(row: Sequence[Any]) -> Factory:
    kid, keycert, statement = map(bytes, row)
    return Factory(kid, decode_keycert(keycert).message, keycert, statement)


def _identities(statements: Sequence[bytes]) -> list[bytes]:
    """The certificates in records of type identity, whatever they are worth."""
    found = []
    for statement in statements:
        try:
            each = record.decode(statement)
            if each.type == records.IDENTITY:
                raw = records.unpack(each.type, each.body)[0]
                found.append(raw if isinstance(raw, bytes) else b"")
        except (Refusal, TypeError):
            continue
    return found
