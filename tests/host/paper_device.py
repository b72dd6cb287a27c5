# SPDX-License-Identifier: Apache-2.0
"""A device on paper: signs and journals as PROTOCOL.md §8 says, decides nothing.

Its records are real (signatures, hashes, chain), its owner may be a cheat: `copy` sets it back,
and no rule stops it from paying twice. Balances come from `duotap.fold`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from duotap import messages, record, records
from duotap.certificate import CLASS_NONE, Certificate
from duotap.errors import DuotapError
from duotap.fields import CREDITED, ROLE_PERSON, ROLE_STAND, TAKEN, Limits, NoButton
from duotap.fold import State, apply
from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import SigningKey

LIMITS = Limits(100_000, 50_000, 100, 200_000, 50_000, 200_000)
FIRMWARE = bytes(32)


def certificate_for(public: bytes, role: int, holder: int, **changes: Any) -> Certificate:
    """A certificate with limits wide enough for every test that is not about them."""
    names = ("面馆", "Noodles") if role == ROLE_STAND else (None, None)
    made = Certificate(
        serial=b"",
        public=public,
        role=role,
        rollback_class=CLASS_NONE,
        holder=holder,
        name_zh=names[0],
        name_en=names[1],
        scopes=(),
        limits=LIMITS,
        nobutton=NoButton(0, 0, 0),
        load_cap=1_000_000,
        respend=True,
        expiry=1000,
        firmware=FIRMWARE,
        ticks=None,
    )
    return made._replace(**changes)


@dataclass(repr=False)
class PaperDevice:
    """`statements` is its journal, one after the other."""

    key: SigningKey
    certificate: bytes
    role: int
    statements: list[bytes] = field(default_factory=list)
    state: State = field(default_factory=State)
    firmware: bytes = FIRMWARE

    @classmethod
    def make(cls, issuer: Issuer, role: int, holder: int, **changes: Any) -> PaperDevice:
        """A key, a certificate of this issuer, and the identity record."""
        key = SigningKey.generate()
        raw = issuer.sign_certificate(certificate_for(key.public, role, holder, **changes))
        device = cls(key, raw, role)
        device.write(records.IDENTITY, raw, list(issuer.roots), list(issuer.keycerts))
        return device

    def __repr__(self) -> str:
        return f"<device {self.id.hex()[:8]}, {len(self.statements)} records>"

    @property
    def id(self) -> bytes:
        return self.key.kid

    @property
    def tip(self) -> bytes:
        return record.hash_of(self.statements[-1]) if self.statements else record.NO_HASH

    def copy(self) -> PaperDevice:
        """An image of its flash: what it does from here on, the original does not know."""
        state = copy.deepcopy(self.state)
        return PaperDevice(self.key, self.certificate, self.role, list(self.statements), state)

    def write(self, kind: int, *parts: object) -> None:
        """One record."""
        body = records.pack(kind, *parts)
        sequence = len(self.statements) + 1
        new = record.Record(kind, 0, 0, sequence, 1, self.tip, body)
        self.statements.append(record.encode(new))
        try:
            apply(self.state, sequence, kind, body)
        except DuotapError:
            pass  # a cheat's purse adds up to nothing; it goes on all the same

    def sign(self, message: Any) -> bytes:
        return messages.encode(message, self.id, self.key.sign)

    # As a payee

    def offer(self, payer: PaperDevice, amount: int, counter: int = 0) -> bytes:
        message = messages.Offer(
            payer.id, counter or payer.state.next_payment, self.state.next_offer, amount, (), 0
        )
        raw = self.sign(message)
        self.write(records.OFFER, raw)
        return raw

    def unpaid(self) -> None:
        """Close the open offer with V."""
        offer = self.state.open_offer
        assert offer is not None
        self.write(records.UNPAID, offer.counter, offer.hash)

    def close(self, payment: bytes) -> bytes:
        """Close with C or S; returns the receipt."""
        is_stand = self.role == ROLE_STAND
        paid = messages.decode(payment, messages.Payment).hash
        receipt = self.sign(messages.Receipt(paid, TAKEN if is_stand else CREDITED))
        self.write(records.ACCOUNT if is_stand else records.CREDIT, payment, receipt, CLASS_NONE)
        return receipt

    def void(self, payment: bytes) -> bytes:
        """Journal a late payment with its void; returns the void."""
        raw = self.sign(messages.Void(messages.decode(payment, messages.Payment).hash))
        self.write(records.LATE_VOID, payment, raw)
        return raw

    def refund(self, payment: bytes, amount: int) -> bytes:
        """Give back from the float; returns the refund."""
        paid = messages.decode(payment, messages.Payment).hash
        raw = self.sign(messages.Refund(((0, amount),), paid, self.state.next_refund))
        self.write(records.REFUND_GIVEN, raw)
        return raw

    # As a payer

    def pay(self, offer: bytes, amounts: Any = (), counter: int = 0) -> bytes:
        signed = messages.decode(offer, messages.Offer)
        asked = signed.message
        message = messages.Payment(
            counter or asked.payment_counter,
            signed.kid,
            asked.offer_counter,
            amounts or ((0, asked.amount),),
            signed.hash,
            self.tip,
        )
        raw = self.sign(message)
        self.write(records.PAYMENT, raw, offer, True)
        return raw

    def closed(self, closing: bytes) -> None:
        self.write(records.CLOSING, closing)

    # With the ledger

    def take(self, statement: bytes) -> None:
        """Journal a load, cancel or checkpoint."""
        signed = messages.decode(statement, messages.Load, messages.Cancel, messages.Checkpoint)
        kinds = {
            messages.Load: records.LOAD,
            messages.Cancel: records.CANCEL,
            messages.Checkpoint: records.CHECKPOINT,
        }
        self.write(kinds[type(signed.message)], statement)

    def unload(self, amount: int) -> bytes:
        raw = self.sign(messages.Unload(((0, amount),), self.tip, self.state.next_unload))
        self.write(records.UNLOAD, raw)
        return raw

    def head(self, challenge: bytes) -> bytes:
        """What GET HEAD answers."""
        balances = tuple(sorted(self.state.balances.items()))
        message = messages.Head(
            balances,
            self.tip,
            len(self.statements),
            self.state.epoch,
            tuple(self.state.numbers()),
            challenge,
            bytes(16),
            90,
            0,
            self.firmware,
        )
        return self.sign(message)


def person(issuer: Issuer, holder: int, **changes: Any) -> PaperDevice:
    return PaperDevice.make(issuer, ROLE_PERSON, holder, **changes)


def stand(issuer: Issuer, merchant: int, **changes: Any) -> PaperDevice:
    return PaperDevice.make(issuer, ROLE_STAND, merchant, **changes)
