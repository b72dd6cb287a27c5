# SPDX-License-Identifier: Apache-2.0
"""From a record's body to the messages in it, each verified (PROTOCOL.md §8, §2).

A message that does not verify is left out and named as a problem; the rest of the record still
counts, since a good signature stays a good signature. It knows one record at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from duotap import cose, fields, messages, record, records, status
from duotap.cose import Signed
from duotap.errors import Malformed, Refusal

from duotap_host.reconcile.archive import Archived

if TYPE_CHECKING:
    from typing import Any

BAD_SIGNATURE = "bad_signature"
UNKNOWN_KEY = "unknown_key"
DAMAGED = "damaged"

OF_LISTS_AND_ROOT = (
    messages.Policy,
    messages.Membership,
    messages.DenyList,
    messages.Time,
    messages.Epoch,
    messages.KeyStatement,
    messages.Reset,
)
OF_MONEY = {
    records.LOAD: messages.Load,
    records.CANCEL: messages.Cancel,
    records.CHECKPOINT: messages.Checkpoint,
}
Verify = Callable[[bytes, bytes, bytes], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and the verified messages in it; None where there is none or it is no good."""

    record: Archived
    payment: Signed | None = None
    offer: Signed | None = None
    closing: Signed | None = None  # receipt or void
    refund: Signed | None = None
    unload: Signed | None = None
    issued: Signed | None = None  # load, cancel, checkpoint
    unpaid: bytes = b""  # hash of the offer that was closed unpaid
    reserved: tuple[int, int] = (1, 0)  # first and last offer number of a reservation
    certificate: bytes = b""  # of an identity

    def said(self) -> Iterator[Signed]:
        """What a device may say once (duotap.proof)."""
        return (each for each in (self.payment, self.offer, self.closing) if each is not None)


class Problem(NamedTuple):
    """What is wrong with a record, and whose key it was."""

    code: str
    record: bytes  # hash
    signer: bytes  # key id, or empty


class _Body(NamedTuple):
    """The messages of a record by the field of Entry that they go to."""

    signed: Mapping[str, Signed]
    unpaid: bytes = b""
    certificate: bytes = b""
    reserved: tuple[int, int] = (1, 0)


class Reader:
    """Reads records and remembers those that were found good, so that nothing is verified twice.

    `devices` and `issuer`: public keys by key id; both may grow. `verified`: device, sequence and
    hash of the records that this reader verified and that were not `checked` before.
    """

    def __init__(
        self, devices: Mapping[bytes, bytes], issuer: Mapping[bytes, bytes], verify: Verify
    ) -> None:
        self.devices = devices
        self.issuer = issuer
        self.verified: set[tuple[bytes, int, bytes]] = set()
        self._verify = verify
        self._good: dict[tuple[bytes, bytes], Entry] = {}  # device and hash
        self._signatures: set[tuple[bytes, bytes]] = set()  # digest and signature

    def read(self, archived: Archived) -> tuple[Entry, tuple[Problem, ...]]:
        """What the record says, and what is wrong with it."""
        key = (archived.device, archived.hash)
        known = self._good.get(key)
        if known is not None:
            return known, ()
        try:
            body = unpack(archived)
        except (Refusal, ValueError, TypeError):
            return Entry(archived), (Problem(DAMAGED, archived.hash, b""),)
        good: dict[str, Any] = {}
        problems = []
        for name, signed in body.signed.items():
            code = "" if archived.checked else self._problem(archived, name, signed)
            if code:
                problems.append(Problem(code, archived.hash, signed.kid))
            elif name in Entry.__slots__:
                good[name] = signed
        rest = body._asdict()
        del rest["signed"]
        entry = replace(Entry(archived), **rest, **good)
        if not problems:
            self._good[key] = entry
            if not archived.checked:
                self.verified.add((archived.device, archived.sequence, archived.hash))
        return entry, tuple(problems)

    def _problem(self, archived: Archived, name: str, signed: Signed) -> str:
        if name in OWN.get(archived.kind, ()) and signed.kid != archived.device:
            return BAD_SIGNATURE
        keys = self.issuer if name in OF_ISSUER else self.devices
        public = keys.get(signed.kid)
        if public is None:
            return UNKNOWN_KEY
        if (signed.digest, signed.signature) in self._signatures:
            return ""
        try:
            cose.verify(signed, public, self._verify)
        except Refusal:
            return BAD_SIGNATURE
        self._signatures.add((signed.digest, signed.signature))
        return ""


OF_ISSUER = ("issued", "statement")
# What the device that journalled a record must have signed itself.
OWN = {
    records.OFFER: ("offer",),
    records.PAYMENT: ("payment",),
    records.CREDIT: ("closing",),
    records.ACCOUNT: ("closing",),
    records.LATE_VOID: ("closing",),
    records.REFUND_GIVEN: ("refund",),
    records.UNLOAD: ("unload",),
}


def unpack(archived: Archived) -> _Body:
    """Decode the body by its type. Refusal if it is not what its type says."""
    if archived.kind == record.START:
        return _Body({})
    rule = UNPACK.get(archived.kind)
    if rule is None:
        raise Refusal(status.MALFORMED, "unknown record type")
    return rule(archived.kind, *records.unpack(archived.kind, archived.body))


def _decode(raw: Any, *expected: Any) -> Signed:
    if not isinstance(raw, bytes):
        raise Malformed("message is not bytes")
    return messages.decode(raw, *expected)


def _identity(_: int, certificate: Any, roots: Any, keycerts: Any) -> _Body:
    if not isinstance(certificate, bytes):
        raise Malformed("certificate is not bytes")
    return _Body({}, certificate=certificate)


def _statement(_: int, raw: bytes) -> _Body:
    return _Body({"statement": _decode(raw, *OF_LISTS_AND_ROOT)})


def _issued(kind: int, raw: bytes) -> _Body:
    return _Body({"issued": _decode(raw, OF_MONEY[kind])})


def _offer(_: int, raw: bytes) -> _Body:
    return _Body({"offer": _decode(raw, messages.Offer)})


def _payment(_: int, payment: Any, offer: Any, pressed: Any) -> _Body:
    signed = _decode(payment, messages.Payment)
    return _Body({"payment": signed, "offer": _decode(offer, messages.Offer)})


def _closing(_: int, raw: bytes) -> _Body:
    return _Body({"closing": _decode(raw, messages.Receipt, messages.Void)})


def _received(_: int, payment: Any, receipt: Any, rollback_class: Any) -> _Body:
    return _pair(payment, receipt, messages.Receipt)


def _late_void(_: int, payment: Any, void: Any) -> _Body:
    return _pair(payment, void, messages.Void)


def _pair(payment: Any, closing: Any, expected: Any) -> _Body:
    paid = _decode(payment, messages.Payment)
    closed = _decode(closing, expected)
    if closed.message.payment_hash != paid.hash:
        raise Malformed("closing is of another payment")
    return _Body({"payment": paid, "closing": closed})


def _unpaid(_: int, counter: Any, offer_hash: Any) -> _Body:
    if not isinstance(offer_hash, bytes) or len(offer_hash) != record.HASH_SIZE:
        raise Malformed("hash of an offer")
    return _Body({}, unpaid=offer_hash)


def _reserved(_: int, first: Any, last: Any) -> _Body:
    return _Body(
        {}, reserved=(fields.from_wire("counter", first), fields.from_wire("counter", last))
    )


def _conflict(_: int, raw: bytes) -> _Body:
    return _Body({"payment": _decode(raw, messages.Payment)})


def _refund(_: int, raw: bytes) -> _Body:
    return _Body({"refund": _decode(raw, messages.Refund)})


def _unload(_: int, raw: bytes) -> _Body:
    return _Body({"unload": _decode(raw, messages.Unload)})


def _nothing(_: int, *parts: Any) -> _Body:
    return _Body({})


UNPACK: dict[int, Callable[..., _Body]] = {
    records.IDENTITY: _identity,
    records.STATEMENT: _statement,
    records.LOAD: _issued,
    records.CANCEL: _issued,
    records.BASE_PART: _nothing,
    records.CHECKPOINT: _issued,
    records.OFFER: _offer,
    records.PAYMENT: _payment,
    records.CLOSING: _closing,
    records.CREDIT: _received,
    records.ACCOUNT: _received,
    records.UNPAID: _unpaid,
    records.LATE_VOID: _late_void,
    records.CONFLICT: _conflict,
    records.REFUND_GIVEN: _refund,
    records.REFUND_TAKEN: _refund,
    records.UNLOAD: _unload,
    records.CARRIED: _nothing,
    records.TICKS: _nothing,
    records.RESERVED: _reserved,
}
