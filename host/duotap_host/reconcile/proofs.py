# SPDX-License-Identifier: Apache-2.0
"""From a finding to the records that it rests on and, where two signatures do, to a file that
proves it to anyone (PROTOCOL.md §12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from duotap import cose, proof
from duotap.certificate import decode_keycert, key_id
from duotap.cose import Signed

from duotap_host.ledger.interface import Finding, Place
from duotap_host.reconcile import texts
from duotap_host.reconcile.archive import Archived, HeadSeen
from duotap_host.reconcile.evidence import Evidence
from duotap_host.reconcile.reading import Entry, Reader


def proof_of(evidence: Evidence, finding: Finding, keycerts: Iterable[bytes]) -> bytes | None:
    """The proof of a finding; None if it is not one that two messages prove. `keycerts`: of the
    issuer's working keys."""
    said: dict[bytes, Signed] = {}
    for (device, _, _), messages in evidence.said.items():
        if device == finding.device:
            said.update(messages)
    found = [said[each] for each in finding.evidence if each in said]
    for one, other in combinations(found, 2):
        if proof.contradiction(one, other)[0]:
            raw = evidence.archive.devices[finding.device].raw
            kid = cose.decode(raw).kid
            by_id = {key_id(decode_keycert(each).message.public): each for each in keycerts}
            return proof.encode(by_id[kid], raw, one.raw, other.raw)
    return None


def places(
    records: Iterable[Archived], heads: Iterable[HeadSeen], finding: Finding, reader: Reader
) -> Iterator[Place]:
    """Those of the records and heads that are named by the finding, or have a message in them that
    is."""
    named = set(finding.evidence)
    for each in records:
        if each.hash in named or named.intersection(_hashes(reader.read(each)[0])):
            kind = texts.RECORDS.get(each.kind, str(each.kind))
            yield Place(each.device, each.sequence, kind, each.hash)
    for head in heads:
        if head.hash in named:
            yield Place(head.device, head.sequence, texts.HEAD, head.hash)


def _hashes(entry: Entry) -> Iterator[bytes]:
    said = (entry.payment, entry.offer, entry.closing, entry.refund, entry.unload, entry.issued)
    return (signed.hash for signed in said if signed is not None)
