# SPDX-License-Identifier: Apache-2.0
"""Proofs that a device signed what no honest device signs (PROTOCOL.md §12).

A proof is two messages of one device that contradict each other, its certificate and the keycert
of the key that certified it; whoever has the issuer's root key can verify it, with nothing else.
The device is proven to have contradicted itself; who did it with the device is not said.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import cbor, fields, messages, status
from duotap.certificate import Trust, key_id
from duotap.errors import Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.cose import Verify

# What is contradicted: two payments under one payment counter, two offers under one offer counter,
# receipt and void of one payment.
PAYMENTS, OFFERS, ANSWERS = "payments", "offers", "answers"
MESSAGES = (messages.Payment, messages.Offer, messages.Receipt, messages.Void)
PARTS = 4

# `subject`: the counter (int), of ANSWERS the hash of the payment. `accused`: its certificate.
Proof = namedtuple("Proof", "kind device subject accused")


def encode(keycert: bytes, certificate: bytes, one: bytes, other: bytes) -> bytes:
    """CBOR [keycert, certificate, message, message], the messages ascending by their bytes: the
    same two make the same proof."""
    first, second = sorted((one, other))
    return cbor.encode([keycert, certificate, first, second])


def verify(raw: bytes, root: bytes, check: Verify) -> Proof:
    """What the proof proves. Refusal 6A80 if it is none, 9A0D if a signature is wrong.

    `root`: public key, 65 bytes; `check(public, digest, signature)` verifies ES256.
    """
    keycert, certificate, first, second = fields.byte_strings(raw, PARTS)
    if first >= second:
        raise Malformed("messages of a proof ascend")
    trust = Trust((root,), check)
    trust.add(keycert)
    accused = trust.verify_certificate(certificate, 0)  # whether it has expired does not matter
    one, other = [messages.decode(part, *MESSAGES) for part in (first, second)]
    kind, subject = contradiction(one, other)
    if not kind:
        raise Refusal(status.MALFORMED, "the messages do not contradict each other")
    for signed in (one, other):
        messages.verify(signed, accused.public, check)
    return Proof(kind, key_id(accused.public), subject, accused)


def contradiction(one: Any, other: Any) -> tuple[str, Any]:
    """Kind and subject, ("", None) where an honest device may have signed both. Looks at the
    messages alone, whose signatures are verified elsewhere."""
    if one.kid == other.kid and one.hash != other.hash:
        first, second = subject(one), subject(other)
        if first == second and (first[0] != ANSWERS or _differ(one, other)):
            return first
    return "", None


def subject(signed: Any) -> tuple[str, Any]:
    """What a device may say once: kind and counter, or hash of the payment that it answers."""
    message = signed.message
    if isinstance(message, messages.Payment):
        return PAYMENTS, message.payment_counter
    if isinstance(message, messages.Offer):
        return OFFERS, message.offer_counter
    return ANSWERS, message.payment_hash


def _differ(one: Any, other: Any) -> bool:
    """Of two answers one is a receipt, one a void."""
    return isinstance(one.message, messages.Void) != isinstance(other.message, messages.Void)
