# SPDX-License-Identifier: Apache-2.0
"""What both roles of a device share: identity, trust, signer, purse, and the peers it has met.

It knows no transport. A device without a certificate exists too (factory); it has no role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import certificate, cose, fields, messages, records, status
from duotap.certificate import Trust
from duotap.consent import Consent
from duotap.errors import Refusal
from duotap.fold import STATEMENTS
from duotap.limits import Effective, policies_for

if TYPE_CHECKING:
    from typing import Any, Callable

    from duotap.certificate import Certificate
    from duotap.purse import Purse

PEERS_MAX = 8  # certificates kept verified; a queue of eight cards at a stand stays warm


class Peers:
    """Verified certificates of others, oldest use forgotten first."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        # Hash, certificate, device id, id of the key that certified it.
        self.known: list[tuple[bytes, Certificate, bytes, bytes]] = []

    def by_hash(self, certificate_hash: bytes) -> Certificate | None:
        """The certificate with this hash, if it was verified before."""
        return self._find(0, certificate_hash)

    def by_id(self, device_id: bytes) -> Certificate | None:
        """The certificate of this device, if it was verified before."""
        return self._find(2, device_id)

    def _find(self, place: int, key: bytes) -> Certificate | None:
        for entry in self.known:
            if entry[place] == key:
                self.known.remove(entry)
                self.known.append(entry)
                return entry[1]
        return None

    def learn(self, raw: bytes) -> Certificate:
        """Verify a certificate up to a root and remember it. Raises Refusal."""
        digest = certificate.certificate_hash(raw)
        known = self.by_hash(digest)
        if known is not None:
            return known
        verified: Certificate = self.trust.verify_certificate(raw, 0)
        if len(self.known) >= PEERS_MAX:
            self.known.pop(0)
        kid = cose.decode(raw).kid
        self.known.append((digest, verified, certificate.key_id(verified.public), kid))
        return verified

    def check_certifier(self, peer: Certificate, epoch: int) -> None:
        """Refuse whom a key certified that is expired or was withdrawn (9A06)."""
        for _, known, _, kid in self.known:
            if known == peer:
                self.trust.check_unexpired(kid, epoch)
                return
        raise Refusal(status.UNKNOWN_REFERENCE, "certificate of the counterpart first")


class Device:
    """A purse with a key. `signer` as in firmware/README.md; `firmware` is the image's digest;
    `sets()` makes what keeps sets of deny lists (port.sets), where there is room for any."""

    def __init__(
        self, purse: Purse, signer: Any, firmware: bytes, sets: Callable[[], Any] | None = None
    ) -> None:
        self.purse = purse
        self.use(signer)
        self.firmware = firmware
        self.consent = Consent()
        self.id = b""
        self.certificate: Certificate | None = None
        self.certificate_raw = b""
        self.certificate_hash = b""
        self.trust = Trust((), signer.verify)
        self.peers = Peers(self.trust)
        self.sets = sets
        self.coming: Any = None  # set that a list waits for
        self.heard: list[bytes] = []  # refunds that cards have acknowledged since the boot
        self.adopt()

    def use(self, signer: Any) -> None:
        """Sign with this from now on; what guards its key tells whether the image is an older
        one."""
        self.signer = signer
        self.purse.guard(signer)

    def adopt(self) -> None:
        """Take certificate and keys from the purse's identity, if it has one."""
        identity = self.purse.identity()
        if not identity:
            return
        raw, roots, keycerts = records.unpack(records.IDENTITY, identity)
        self.trust = Trust(roots, self.signer.verify)
        for keycert in keycerts + _stated_keys(self.purse.state):
            self.trust.adopt(keycert)
        for public in self.trust.publics(certificate.USAGE_CERTIFICATES):
            self.signer.know(public)
        self.peers = Peers(self.trust)
        self.certificate_raw = raw
        self.certificate_hash = certificate.certificate_hash(raw)
        self.certificate = certificate.decode_certificate(raw).message
        self.id = certificate.key_id(self.certificate.public)
        self.refresh()

    def refresh(self) -> None:
        """Recompute what follows from statements: limits, ceilings."""
        if self.certificate is None:
            return
        state = self.purse.state
        self.effective = Effective(self.certificate, policies_for(state))

    def sign(self, message: Any) -> bytes:
        """The bytes of a message of this device."""
        return messages.encode(message, self.id, self.signer.sign)

    def own(self) -> Certificate:
        """This device's certificate. Raises Refusal(6985) before provisioning."""
        if self.certificate is None:
            raise Refusal(status.WRONG_STATE, "not provisioned")
        return self.certificate

    def check_usable(self) -> None:
        """Refuse new offers and payments of a damaged or expired device."""
        if self.purse.stopped():
            raise Refusal(status.DAMAGED, "device is damaged: replace it")
        if max(self.purse.state.numbers()) >= fields.COUNTER_MAX:
            raise Refusal(status.EXPIRED, "counters are at their end: replace it")
        if self.own().expiry <= self.purse.state.epoch:
            raise Refusal(status.EXPIRED, "certificate has expired: sync")

    def check_peer(self, peer: Certificate) -> None:
        """Refuse new business with an expired or deny-listed counterpart."""
        epoch = self.purse.state.epoch
        if peer.expiry <= epoch:
            raise Refusal(status.EXPIRED, "counterpart has expired")
        self.peers.check_certifier(peer, epoch)
        state = self.purse.state
        if state.full_list[0] or state.deltas:
            from duotap.denylist import is_listed, issued_in

            if is_listed(self, certificate.key_id(peer.public), issued_in(peer)):
                raise Refusal(status.DENY_LISTED, "counterpart is deny listed")

    def verify(self, signed: Any, peer: Certificate) -> None:
        """Refuse unless `peer` signed it."""
        messages.verify(signed, peer.public, self.signer.verify)

    def busy_ms(self) -> int:
        """How long one verification, one signature and their commit take on this board."""
        return int(self.signer.verify_ms + self.signer.sign_ms + 10)


def _stated_keys(state: Any) -> list[bytes]:
    """Working keys that statements of a root brought."""
    kind = STATEMENTS.index(messages.KeyStatement)
    return [
        messages.decode(raw, messages.KeyStatement).message.keycert
        for key, (_, raw) in state.statements.items()
        if key[0] == kind
    ]
