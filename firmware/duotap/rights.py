# SPDX-License-Identifier: Apache-2.0
"""Who at the cable may read this device: after a press, after the shift PIN, or with a permit of
the issuer (PROTOCOL.md §5, right P).

A permit names a reader's key and is signed by a *readers* key; the reader signs the device's own
nonce, which counts once. Rights end with the session, a press when the app says so. What is read
is sealed to the ledger in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import certificate, fields, hmac, messages, status
from duotap.errors import Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device

NONCE_BYTES = 16
PIN_TRIES = 3  # then the device must be switched off and on: minutes for each thousand guesses


class Standing:
    """What outlives a session: a press of "sync", and how often the shift PIN may be tried."""

    def __init__(self) -> None:
        self.pressed = False
        self.pin_tries = PIN_TRIES


class Rights:
    """What has been shown in this session; `reader` is the id of the permitted one, or empty."""

    def __init__(
        self, device: Device, entropy: Any, pin: bytes, standing: Standing | None = None
    ) -> None:
        self.device = device
        self._entropy = entropy
        self._pin = pin
        self.standing = Standing() if standing is None else standing
        self.begin()

    def begin(self) -> None:
        """A new session: whoever is there now has shown nothing yet. A press stays."""
        self._nonce = b""
        self.reader = b""
        self._verified = False

    def check(self) -> None:
        """Refuse whoever has shown nothing (6982), and a device without a certificate (6985)."""
        self.device.own()
        if not (self.standing.pressed or self._verified or self.reader):
            raise Refusal(status.NOT_PERMITTED, "press sync first")

    def challenge(self) -> bytes:
        """A nonce for the next EXTERNAL AUTHENTICATE."""
        self._nonce = self._entropy.read("nonce", NONCE_BYTES)
        return self._nonce

    def authenticate(self, asked: bytes) -> None:
        """CBOR [permit, challenge]: a permitted reader signed the nonce of this session."""
        nonce, self._nonce = self._nonce, b""
        device = self.device
        device.own()
        permit_raw, challenge_raw = fields.byte_strings(asked, 2)
        permit = messages.decode(permit_raw, messages.Permit)
        challenge = messages.decode(challenge_raw, messages.Challenge)
        if challenge.message.device != device.id:
            raise Refusal(status.NOT_THIS_DEVICE, "challenge of another device")
        if not nonce or not hmac.equal(nonce, challenge.message.nonce):
            raise Refusal(status.NOT_PERMITTED, "not the nonce that was given")
        epoch = device.purse.state.epoch
        device.trust.verify(permit, certificate.USAGE_READERS, epoch)
        if permit.message.expiry <= epoch:
            raise Refusal(status.EXPIRED, "permit is expired")
        messages.verify(challenge, permit.message.reader, device.signer.verify)
        self.reader = challenge.kid

    def verify(self, pin: bytes) -> None:
        """The shift PIN. A wrong one takes a try, and away what an earlier one gave."""
        self._verified = False
        standing = self.standing
        if not self._pin or not standing.pin_tries:
            raise Refusal(status.NOT_PERMITTED, "no shift PIN is taken")
        standing.pin_tries -= 1
        if not hmac.equal(self._pin, pin):
            raise Refusal(status.NOT_PERMITTED, "wrong shift PIN")
        standing.pin_tries = PIN_TRIES
        self._verified = True
