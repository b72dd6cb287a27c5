# SPDX-License-Identifier: Apache-2.0
"""Provisioning: the key pair is born on the device, the certificate is installed once
(PROTOCOL.md §5, right F).

Both steps may be repeated: the same key with a new proof of possession, the same identity with
nothing to do. A device that has a certificate never takes another. The secret goes from entropy to
the key file and the signer and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import cbor, certificate, fields, hmac, messages, p256, records, status
from duotap.certificate import Trust
from duotap.errors import Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any, Callable

    from duotap.device import Device

KEY_INFO = b"duotap key 1"
IDENTITY_PAGES = 16
# A device is no use without them: money comes, journals go, readers are let in, peers are met.
USAGES_NEEDED = (
    certificate.USAGE_CERTIFICATES,
    certificate.USAGE_MONEY,
    certificate.USAGE_READERS,
    certificate.USAGE_ENCRYPTION,
)


class Factory:
    """Makes one device somebody's. `keyfile` has `read()` (32 bytes, b"" before the key is born)
    and `write(secret)`; `signer(secret)` makes the board's signer of that key."""

    def __init__(
        self, device: Device, entropy: Any, keyfile: Any, signer: Callable[[int], Any]
    ) -> None:
        self.device = device
        self._entropy = entropy
        self._keyfile = keyfile
        self._new_signer = signer

    def generate(self, asked: bytes) -> bytes:
        """CBOR [public key, possession] to CBOR [host entropy, challenge], 32 bytes each."""
        host_entropy, challenge = fields.byte_strings(asked, 2)
        fields.from_wire("hash", host_entropy)
        fields.from_wire("hash", challenge)
        device = self.device
        if device.certificate is not None:
            raise Refusal(status.WRONG_STATE, "has a certificate")
        if not device.signer.public_key():
            self._bear(host_entropy)
        public = device.signer.public_key()
        possession = messages.encode(
            messages.Possession(challenge, public, device.firmware),
            certificate.key_id(public),
            device.signer.sign,
        )
        return cbor.encode([public, possession])

    def _bear(self, host_entropy: bytes) -> None:
        """Own entropy, mixed with the host's: neither alone decides the key."""
        if not self._keyfile.read():
            own = self._entropy.read("key", p256.SEED_BYTES)
            mixed = hmac.expand(hmac.extract(host_entropy, own), KEY_INFO, p256.SEED_BYTES)
            secret = p256.secret_from_entropy(mixed)
            self._keyfile.write(secret.to_bytes(p256.SECRET_BYTES, "big"))
        self.device.use(self._new_signer(int.from_bytes(self._keyfile.read(), "big")))

    def install(self, asked: bytes) -> None:
        """Take CBOR [certificate, [root, root], [* keycert]] once; the same again does nothing."""
        found = cbor.decode(asked)
        if type(found) is not list or len(found) != 3:
            raise Malformed("not an identity")
        raw, roots, keycerts = found
        device = self.device
        fields.from_wire("bytes", raw)
        body = records.pack(records.IDENTITY, raw, roots, keycerts)
        if device.certificate is not None:
            if device.purse.identity() != body:
                raise Refusal(status.WRONG_STATE, "has another certificate")
            return
        self._check(raw, _listed(roots), _listed(keycerts))
        device.purse.check_room(IDENTITY_PAGES)
        device.purse.commit(records.IDENTITY, raw, roots, keycerts)
        device.adopt()

    def _check(self, raw: Any, roots: list[bytes], keycerts: list[bytes]) -> None:
        """Refuse an identity that is not this device's, or that does not lead to its roots."""
        device = self.device
        if len(roots) != 2:
            raise Malformed("two root keys")
        for root in roots:
            p256.load_public(root)
        trust = Trust(roots, device.signer.verify)
        usages = [trust.add(keycert).usage for keycert in keycerts]
        if [usage for usage in USAGES_NEEDED if usage not in usages]:
            raise Malformed("a working key is missing")
        found = trust.verify_certificate(raw, 0)
        if found.public != device.signer.public_key():
            raise Refusal(status.NOT_THIS_DEVICE, "certificate of another key")
        if found.firmware != device.firmware:
            raise Refusal(status.NOT_THIS_DEVICE, "certificate of another firmware")


def _listed(items: Any) -> list[bytes]:
    if type(items) is not list:
        raise Malformed("not a list")
    for item in items:
        fields.from_wire("bytes", item)
    return items
