# SPDX-License-Identifier: Apache-2.0
"""What a record speaks of: keys by which all records that bear on one thing are found together.

Two records that share a key belong to one topic, and so do those that share one with either: the
payments of an offer, their closings and refunds, and whatever else was signed under the same
number. What becomes of a topic hangs on its records, on the devices in it and on nothing else, so
that only topics with something new are looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from duotap import proof
from duotap.cose import Signed

from duotap_host.ledger import ids
from duotap_host.reconcile import matching
from duotap_host.reconcile.reading import Entry, Problem


def keys(entry: Entry, problems: Iterable[Problem] = ()) -> set[bytes]:
    """The topics of a record; a key that is not known yet is one as well."""
    found = {said(signed.kid, *proof.subject(signed)) for signed in entry.said()}
    found.update(signer(problem.signer) for problem in problems if problem.signer)
    for each in _keys(entry):
        found.add(each)
    return found


def _keys(entry: Entry) -> Iterator[bytes]:
    if entry.payment is not None:
        yield entry.payment.hash
        yield entry.payment.message.offer_hash
    if entry.offer is not None:
        yield entry.offer.hash
    if entry.closing is not None:
        yield entry.closing.message.payment_hash
    if entry.refund is not None:
        yield entry.refund.hash
        yield entry.refund.message.payment_hash
        yield refund_number(entry.refund)
    if entry.unload is not None:
        yield entry.unload.hash
    if entry.issued is not None:
        yield matching.load_subject(entry.record.device, entry.issued.message.number)


def said(device: bytes, kind: str, subject: bytes | int) -> bytes:
    """What a device may say once; an answer is of its payment's topic."""
    if isinstance(subject, bytes):
        return subject
    return ids.digest("said", device, kind, subject)


def refund_number(refund: Signed) -> bytes:
    """A stand's number of a refund."""
    return ids.digest("refund number", refund.kid, refund.message.refund_counter)


def signer(key: bytes) -> bytes:
    """Messages of a key that nobody knows yet."""
    return ids.digest("signer", key)


def record(device: bytes, record_hash: bytes) -> bytes:
    """A finding about one record alone."""
    return ids.digest("record", device, record_hash)


def device(key: bytes) -> bytes:
    """Findings about a device's history as a whole."""
    return ids.digest("device", key)


def shadow(key: bytes) -> bytes:
    """Findings about what is booked on a device's shadow."""
    return ids.digest("shadow", key)


def refused(subject: bytes) -> bytes:
    """That a correction could not be booked."""
    return ids.digest("refused", subject)
