# SPDX-License-Identifier: Apache-2.0
"""An issuer with keys of paper or of P-256, and the plainest device that it certifies."""

from hashlib import sha256

from duotap import cbor, certificate, messages, records
from duotap.certificate import Certificate, KeyCert
from duotap.device import Device
from duotap.fields import Limits, NoButton
from duotap.journal import Journal
from duotap.purse import Purse
from paper_key import PaperKey, verify
from port import late

FIRMWARE = sha256(b"firmware").digest()
LIMITS = Limits(100_000, 50_000, 100, 200_000, 50_000, 500_000)
LOAD_CAP = 60_000
EXPIRY = 1_000  # of certificates and working keys
PERMIT_EXPIRY = 90
USAGES = range(1, 6)


class Issuer:
    """Two roots, one working key of each usage, a reader with its permit."""

    def __init__(self, key=PaperKey, name=b"issuer"):
        self.root, self.next_root = key(name + b" root"), key(name + b" next root")
        self.keys = {usage: key(name + bytes([usage])) for usage in USAGES}
        self.keycerts = [self.keycert(self.keys[usage].public, usage) for usage in USAGES]
        self.reader = key(name + b" reader")
        self.permit = self.permitted(self.reader, PERMIT_EXPIRY)

    def keycert(self, public, usage, expiry=EXPIRY):
        fields = KeyCert(public[1:9], public, usage, expiry, None)
        return certificate.encode_keycert(fields, self.root.kid, self.root.sign)

    def permitted(self, reader, expiry):
        return self._sign(certificate.USAGE_READERS, messages.Permit(expiry, reader.public))

    def _sign(self, usage, message):
        return messages.encode(message, self.keys[usage].kid, self.keys[usage].sign)

    def money(self, message):
        return self._sign(certificate.USAGE_MONEY, message)

    def lists(self, message):
        return self._sign(certificate.USAGE_LISTS, message)

    def by_root(self, message):
        return messages.encode(message, self.root.kid, self.root.sign)

    def load(self, device, number, amount, scope=0):
        return self.money(messages.Load(((scope, amount),), device, number, ()))

    def certify(self, public, role=certificate.ROLE_PERSON, firmware=FIRMWARE):
        """A device's certificate; `public` also gives its serial."""
        name = "Noodle Bar" if role == certificate.ROLE_STAND else None
        fields = Certificate(
            *(public[1:9], public, role, certificate.CLASS_NONE, 7, None, name, (), LIMITS),
            *(NoButton(0, 0, 0), LOAD_CAP, True, EXPIRY, firmware, None),
        )
        key = self.keys[certificate.USAGE_CERTIFICATES]
        return certificate.encode_certificate(fields, key.kid, key.sign)

    def roots(self):
        return [self.root.public, self.next_root.public]

    def identity(self, certified):
        """Data of INSTALL."""
        return cbor.encode([certified, self.roots(), self.keycerts])

    def authentication(self, device, nonce, permit=b"", reader=None):
        """Data of EXTERNAL AUTHENTICATE."""
        reader = reader or self.reader
        challenge = messages.encode(messages.Challenge(device, nonce), reader.kid, reader.sign)
        return cbor.encode([permit or self.permit, challenge])


class PaperSigner:
    """A signer of firmware/port with a key of paper."""

    class_name = "none"
    sign_ms = 130
    verify_ms = 675

    def __init__(self, key):
        self.key = key

    def public_key(self):
        return self.key.public if self.key else b""

    def sign(self, digest):
        return self.key.sign(digest)

    def verify(self, public, digest, signature):
        verify(public, digest, signature)

    def know(self, public):
        pass


class Stream:
    """Entropy that is the same in each run."""

    def __init__(self, seed=b"seed"):
        self.seed = seed
        self.count = 0

    def read(self, purpose, nbytes):
        self.count += 1
        text = self.seed + purpose.encode() + self.count.to_bytes(4, "big")
        return (sha256(text).digest() + sha256(b"more" + text).digest())[:nbytes]


class Bench:
    """A certified device over flash in memory; `boot` builds all above the flash anew."""

    def __init__(self, flash, issuer, name=b"device", role=certificate.ROLE_PERSON):
        self.issuer = issuer
        self.key = PaperKey(name)
        self.flash = flash
        self.boot()
        self.certified = issuer.certify(self.key.public, role)
        self.purse.commit(records.IDENTITY, self.certified, issuer.roots(), issuer.keycerts)
        self.device.adopt()

    def boot(self):
        self.purse = self.device = self.statements = None  # room for what comes
        self.purse = Purse(Journal(self.flash))
        self.purse.boot()
        late.drop("duotap.recovery")  # as a board does (port.unit)
        self.device = Device(self.purse, PaperSigner(self.key), FIRMWARE)

    def kinds(self):
        """Types of all records in the journal."""
        return [kind for _, kind, _ in self.purse.journal.walk(1)]


def refused(sw, action, *arguments):
    """Tell whether the call ends in a Refusal with this status word."""
    try:
        action(*arguments)
    except Exception as error:
        if getattr(error, "sw", None) is None:
            raise
        return error.sw == sw
    return False
