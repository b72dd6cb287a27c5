# SPDX-License-Identifier: Apache-2.0
"""A factory key: what it may certify, what the ledger takes of it, and what raises an alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from duotap import messages, records
from duotap.certificate import (
    CLASS_BOUND,
    CLASS_NONE,
    Certificate,
    decode_certificate,
    encode_certificate,
    key_id,
)
from duotap.errors import Refusal
from duotap.fields import ROLE_PERSON, ROLE_STAND
from duotap_host.issuer import IssuerError, pkcs8
from duotap_host.issuer.es256 import SigningKey
from duotap_host.issuer.factory import FactoryKey, hand_out
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.interface import NotFound, Refused, WrongIssuer
from duotap_host.reconcile.findings import Code
from host.ledger_bench import DAY_US, OPENED_US, PASSPHRASE, Town
from host.paper_device import LIMITS, PaperDevice, certificate_for

DEVICES, DAYS = 3, 30
UNTIL = 1 + DAYS  # the issuer opens in epoch 1
FACTORY_PASSPHRASE = b"another horse"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)


@pytest.fixture
def town() -> Town:
    made = Town()
    made.ledger.open_account(AccountCode.WALLET, 7)
    made.ledger.open_account(AccountCode.MERCHANT, 7)
    return made


@pytest.fixture
def factory(quick: None, town: Town, tmp_path: Path) -> FactoryKey:
    """For three cards of class none, until epoch 31; the ledger knows it."""
    constraint = (DEVICES, ROLE_PERSON, CLASS_NONE, LIMITS.balance, UNTIL)
    hand_out(tmp_path / "kit", FACTORY_PASSPHRASE, town.issuer, constraint, OPENED_US)
    key = FactoryKey(tmp_path / "kit", lambda: FACTORY_PASSPHRASE)
    town.ledger.certifiers.add(key.raw)
    return key


def serial(number: int, epoch: int = 1) -> bytes:
    return epoch.to_bytes(4, "big") + number.to_bytes(4, "big")


def fields(number: int, role: int = ROLE_PERSON, epoch: int = 1, **changes: Any) -> Certificate:
    made = SigningKey.generate().public
    return certificate_for(made, role, 7, serial=serial(number, epoch), **changes)


def stolen(factory: FactoryKey, what: Certificate) -> bytes:
    """Signed by whoever has the key, and looks at no constraint."""
    key = factory._keys.key("factory")
    return encode_certificate(what, key.kid, key.sign)


BEYOND = {
    "number 4 of 3": fields(4),
    "number 0 of 3": fields(0),
    "a stand": fields(1, ROLE_STAND),
    "class bound in the place of none": fields(1, rollback_class=CLASS_BOUND),
    "a balance of 1000.01, above 1000.00": fields(1, limits=LIMITS._replace(balance=100_001)),
    "issued in epoch 31, and it ended with epoch 31": fields(1, epoch=UNTIL),
}


def test_the_directory_is_all_that_a_line_needs(factory: FactoryKey, town: Town) -> None:
    """And devices find their way from what it gives them to their roots."""
    trust = town.issuer.trust()
    trust.add(factory.keycerts[-1])
    found = trust.verify_certificate(factory.sign_certificate(fields(1)), 1)
    assert found.serial == serial(1)
    assert factory.roots == town.issuer.roots
    assert factory.keycerts[:-1] == town.issuer.keycerts
    (today,) = factory.statements
    assert messages.decode(today).message == messages.Epoch(1, None)
    assert factory.epoch(OPENED_US + 3 * DAY_US) == 4
    private = sorted(path.name for path in factory.directory.glob("*.pem"))
    assert private == ["factory.pem"], "the only key there"
    assert b"ENCRYPTED" in (factory.directory / "factory.pem").read_bytes()


def test_another_passphrase_does_not_open_it(factory: FactoryKey) -> None:
    other = FactoryKey(factory.directory, lambda: PASSPHRASE)
    with pytest.raises(IssuerError, match="wrong passphrase"):
        other.unlock()


@pytest.mark.parametrize("why", BEYOND)
def test_what_it_may_not_certify(factory: FactoryKey, town: Town, why: str) -> None:
    """It does not sign it; signed all the same, no device and no ledger takes it, and its first
    deposit is an alarm."""
    with pytest.raises(IssuerError, match=why):
        factory.sign_certificate(BEYOND[why])
    raw = stolen(factory, BEYOND[why])
    trust = town.issuer.trust()
    trust.add(factory.keycerts[-1])
    with pytest.raises(Refusal):
        trust.verify_certificate(raw, 1)
    with pytest.raises(Refused, match=why):
        town.ledger.register_device(raw)
    device = PaperDevice(SigningKey.generate(), raw, ROLE_PERSON)
    object.__setattr__(device.key, "kid", _id(raw))
    device.write(records.IDENTITY, raw, list(factory.roots), list(factory.keycerts))
    with pytest.raises(NotFound):
        town.ledger.deposit(device.id, device.statements)
    (alarm,) = town.ledger.findings()
    assert (alarm.code, alarm.device) == (Code.BEYOND_FACTORY, device.id)
    assert why in alarm.en
    assert why in alarm.zh
    assert alarm in town.ledger.reconcile().findings, "it stands"


def _id(raw: bytes) -> bytes:
    return key_id(decode_certificate(raw).message.public)


def test_each_number_is_taken_once(factory: FactoryKey, town: Town) -> None:
    certificates = [factory.sign_certificate(fields(number)) for number in (1, 2, 3)]
    for raw in certificates * 2:
        town.ledger.register_device(raw)
    assert town.ledger.certifiers.booked() == {factory.id: DEVICES}
    again = factory.sign_certificate(fields(2))
    with pytest.raises(Refused, match="certified two devices as its number 2: it was copied"):
        town.ledger.register_device(again)
    assert [each.certificate for each in town.ledger.devices()] == certificates


def test_after_its_last_day_the_ledger_takes_no_more(factory: FactoryKey, town: Town) -> None:
    """Whoever has the key then may date a certificate back, and that does not help."""
    before, after = (factory.sign_certificate(fields(number)) for number in (1, 2))
    town.now = OPENED_US + DAYS * DAY_US - DAY_US // 2
    town.ledger.register_device(before)
    town.now += DAY_US
    with pytest.raises(Refused, match=f"ended with epoch {UNTIL}"):
        town.ledger.register_device(after)
    town.ledger.register_device(before)  # it is there
    assert town.ledger.certifiers.booked() == {factory.id: 1}


def test_what_was_not_booked_is_an_alarm(factory: FactoryKey, town: Town) -> None:
    key = SigningKey.generate()
    good = certificate_for(key.public, ROLE_PERSON, 7, serial=serial(1))
    device = PaperDevice(key, factory.sign_certificate(good), ROLE_PERSON)
    device.write(records.IDENTITY, device.certificate, list(factory.roots), [])
    with pytest.raises(NotFound):
        town.ledger.deposit(device.id, device.statements)
    assert [each.code for each in town.ledger.findings()] == [Code.UNKNOWN_CERTIFICATE]


def test_a_key_that_nobody_handed_out(factory: FactoryKey, town: Town) -> None:
    """Somebody else's signature under the factory key's name is no certificate, and no alarm."""
    other = SigningKey.generate()
    forged = encode_certificate(fields(1), factory.id, other.sign)
    unknown = encode_certificate(fields(1), other.kid, other.sign)
    for raw in (forged, unknown):
        with pytest.raises(WrongIssuer):
            town.ledger.register_device(raw)
        device = PaperDevice(other, raw, ROLE_PERSON)
        device.write(records.IDENTITY, raw, [], [])
        with pytest.raises(NotFound):
            town.ledger.deposit(_id(raw), device.statements)
    assert not town.ledger.findings()


def test_devices_are_told_of_it(factory: FactoryKey, town: Town, tmp_path: Path) -> None:
    """Once each, numbered; a device has no room for more than seven."""
    add, statements = town.ledger.certifiers.add, town.ledger.certifiers.statements
    assert statements() == (add(factory.raw),)
    for number in range(2, 8):
        public = SigningKey.generate().public
        add(town.issuer.certify_factory(public, factory.keycert.constraint))
        told = messages.decode(statements()[-1], messages.KeyStatement).message
        assert told.number == number
    with pytest.raises(Refused, match="no room for another factory"):
        add(town.issuer.certify_factory(public[:33] + bytes(32), factory.keycert.constraint))
    assert len(statements()) == 7


def test_a_directory_of_something_else(town: Town, tmp_path: Path) -> None:
    with pytest.raises(IssuerError, match="no issuer's keys in"):
        FactoryKey(tmp_path, lambda: b"")
    with pytest.raises(IssuerError, match="cannot read"):
        FactoryKey(town.issuer._keys.directory, lambda: PASSPHRASE)
