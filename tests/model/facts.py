# SPDX-License-Identifier: Apache-2.0
"""What is true: messages that exist, and what the records of a device said when they were written.

The properties are judged by this and not by a purse or a ledger. A chain is a history of records,
kept whole whatever its device has pruned, lost or been set back from.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

from duotap import cbor, messages, record, records

KINDS = {
    messages.Offer: "offer",
    messages.Payment: "payment",
    messages.Receipt: "receipt",
    messages.Void: "void",
    messages.Load: "load",
    messages.Cancel: "cancel",
    messages.Checkpoint: "checkpoint",
    messages.Unload: "unload",
    messages.Refund: "refund",
}
# The message that a device signs with a record, by its place in the body.
SIGNED_IN = {
    records.OFFER: 0,
    records.PAYMENT: 0,
    records.CREDIT: 1,
    records.ACCOUNT: 1,
    records.LATE_VOID: 1,
    records.UNLOAD: 0,
    records.REFUND_GIVEN: 0,
}
PAYMENT_IN = (
    records.PAYMENT,
    records.CREDIT,
    records.ACCOUNT,
    records.LATE_VOID,
    records.CONFLICT,
)


class Message(NamedTuple):
    """A signed message; `number` is its place in the store. `parts`: of a checkpoint's base."""

    number: int
    kind: str
    kid: bytes
    raw: bytes
    hash: bytes  # of protected header and payload
    body: Any
    parts: tuple[bytes, ...] = ()


class Chain(NamedTuple):
    """A device's records from the first to the last that was committed."""

    number: int
    who: int
    length: int
    tip: bytes
    parent: int  # chain without the last record
    entries: tuple[int, ...]  # records by their numbers in the store
    sent: frozenset[int]  # messages that this device signed in them
    offers: tuple[bytes, ...]  # hashes, in order
    payments: tuple[tuple[bytes, int, int], ...]  # hash, amount, sequence: in order
    seen: frozenset[bytes]  # hashes of all payments in them, whosever
    honoured: tuple[tuple[bytes, bytes, int, int, bool], ...]  # payment, offer, amount, at, S?
    voided: frozenset[bytes]  # own payments that came back
    receipts: frozenset[bytes]  # own payments with a receipt
    loaded: tuple[tuple[int, bytes, int], ...]  # number, hash, amount
    cancelled: frozenset[int]
    unloads: tuple[tuple[int, bytes, int], ...]  # number, hash, amount
    given: tuple[tuple[bytes, bytes, int], ...]  # refund, payment, amount
    taken_back: tuple[tuple[bytes, bytes, int], ...]  # the same of what came back
    covered: int  # last record that a checkpoint in them covers

    @property
    def unloaded(self) -> int:
        return sum(amount for _, _, amount in self.unloads)


class Record(NamedTuple):
    """A committed record, as it is deposited."""

    who: int
    hash: bytes
    sequence: int
    previous: bytes
    kind: int
    body: bytes


class Store:
    """All messages, records and chains that a run has come to, each once."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.records: list[Record] = []
        self.chains: list[Chain] = []
        self.payment_of: dict[bytes, Message] = {}  # by identity
        self._identity_of: dict[bytes, bytes] = {}  # message hash, as the shipped code takes it
        self._message_of: dict[bytes, int] = {}
        self._record_of: dict[tuple[int, bytes], int] = {}
        self._chain_of: dict[tuple[int, bytes], int] = {}

    def message(self, raw: bytes, parts: tuple[bytes, ...] = ()) -> int:
        """The number of a message."""
        raw = bytes(raw)
        number = self._message_of.get(raw)
        if number is None:
            number = self._message_of[raw] = len(self.messages)
            signed = messages.decode(raw)
            kind = KINDS[type(signed.message)]
            of = self._identify(signed)
            message = Message(number, kind, signed.kid, raw, of, signed.message, parts)
            self.messages.append(message)
            if kind == "payment":
                self.payment_of[of] = message
        return number

    def _identify(self, signed: Any) -> bytes:
        """What a message says and who signed it: two are the same when that is."""
        protected, _, payload, _ = cbor.decode(signed.raw)
        of = self._identity_of[signed.hash] = sha256(protected + payload).digest()
        return of

    def identity(self, message_hash: bytes) -> bytes:
        """Of the message that a closing names by its hash."""
        return self._identity_of.get(message_hash, message_hash)

    def empty_chain(self, who: int) -> int:
        """The chain of a device that has no record yet."""
        none = frozenset[Any]()
        return self._chain(
            (who, b""),
            Chain(
                *(0, who, 0, record.NO_HASH, 0, (), none, (), ()),
                *(none, (), none, none, (), none, (), (), (), 0),
            ),
        )

    def _chain(self, key: tuple[int, bytes], chain: Chain) -> int:
        number = self._chain_of.get(key)
        if number is None:
            number = self._chain_of[key] = len(self.chains)
            self.chains.append(chain._replace(number=number))
        return number

    def extend(self, chain: int, statement: bytes) -> int:
        """The chain with one more record. Its record is taken as it stands."""
        before = self.chains[chain]
        number = self.entry(before.who, statement)
        entry = self.records[number]
        key = (before.who, entry.hash)
        known = self._chain_of.get(key)
        if known is not None:
            return known
        changes = self._facts(before, entry.kind, entry.sequence, entry.body)
        longer = before._replace(
            length=before.length + 1,
            tip=entry.hash,
            parent=before.number,
            entries=(*before.entries, number),
            **changes,
        )
        return self._chain(key, longer)

    def entry(self, who: int, statement: bytes) -> int:
        """The number of a record."""
        key = (who, record.hash_of(statement))
        number = self._record_of.get(key)
        if number is None:
            number = self._record_of[key] = len(self.records)
            found = record.decode(statement)
            made = Record(*key, found.sequence, found.previous, found.type, bytes(found.body))
            self.records.append(made)
        return number

    def _facts(self, before: Chain, kind: int, sequence: int, body: bytes) -> dict[str, Any]:
        parts = [] if kind == record.START else records.unpack(kind, body)
        changes: dict[str, Any] = {}
        if kind in SIGNED_IN:
            signed = self.message(parts[SIGNED_IN[kind]])
            changes["sent"] = before.sent | {signed}
        if kind in PAYMENT_IN:
            payment = self.messages[self.message(parts[0])]
            changes["seen"] = before.seen | {payment.hash}
            self._paid(before, kind, sequence, payment, changes)
        elif kind == records.OFFER:
            offer = messages.decode(body, messages.Offer)
            changes["offers"] = (*before.offers, offer.hash)
        elif kind == records.CLOSING:
            closing = messages.decode(body, messages.Receipt, messages.Void).message
            is_void = isinstance(closing, messages.Void)
            name = "voided" if is_void else "receipts"
            changes[name] = getattr(before, name) | {self.identity(closing.payment_hash)}
        else:
            self._issued(before, kind, body, changes)
        return changes

    def _paid(
        self, before: Chain, kind: int, at: int, payment: Message, changes: dict[str, Any]
    ) -> None:
        amount = messages.total(payment.body.amounts)
        if kind == records.PAYMENT:
            changes["payments"] = (*before.payments, (payment.hash, amount, at))
        elif kind in (records.CREDIT, records.ACCOUNT):
            is_taken = kind == records.ACCOUNT
            row = (payment.hash, payment.body.offer_hash, amount, at, is_taken)
            changes["honoured"] = (*before.honoured, row)

    def _issued(self, before: Chain, kind: int, body: bytes, changes: dict[str, Any]) -> None:
        if kind == records.LOAD:
            load = messages.decode(body, messages.Load)
            row = (load.message.number, load.hash, messages.total(load.message.amounts))
            changes["loaded"] = (*before.loaded, row)
        elif kind == records.CANCEL:
            number = messages.decode(body, messages.Cancel).message.number
            changes["cancelled"] = before.cancelled | {number}
        elif kind == records.CHECKPOINT:
            message = messages.decode(body, messages.Checkpoint).message
            changes["covered"] = max(before.covered, message.covered)
        elif kind == records.UNLOAD:
            unload = messages.decode(body, messages.Unload)
            of = unload.message
            row = (of.unload_counter, unload.hash, messages.total(of.amounts))
            changes["unloads"] = (*before.unloads, row)
        elif kind in (records.REFUND_GIVEN, records.REFUND_TAKEN):
            refund = messages.decode(body, messages.Refund)
            of = self.identity(refund.message.payment_hash)
            back = (refund.hash, of, messages.total(refund.message.amounts))
            name = "given" if kind == records.REFUND_GIVEN else "taken_back"
            changes[name] = (*getattr(before, name), back)
