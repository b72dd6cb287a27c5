# SPDX-License-Identifier: Apache-2.0
"""How a device gets its key and its certificate (PROTOCOL.md §5, right F)."""

from board_flash import Flash
from duotap import cbor, certificate, cose, messages, records, status
from duotap.device import Device
from duotap.factory import Factory
from duotap.journal import Journal
from duotap.purse import Purse
from issuing import FIRMWARE, USAGES, Issuer, Stream, refused
from port.signer import KeylessSigner, SoftwareSigner
from real_key import RealKey

CHALLENGE = bytes(range(32))
ISSUER = Issuer(RealKey)


class Drawer:
    """A key file in memory."""

    secret = b""

    def read(self):
        return self.secret

    def write(self, secret):
        assert not self.secret and len(secret) == 32
        self.secret = secret


class Signer(SoftwareSigner):
    """Verifies every key alike: here each is verified once, and a table takes 7 KiB to make."""

    def know(self, public):
        pass


class Blank:
    """A device from the shelf; `boot` builds all above flash and key file anew."""

    def __init__(self, seed=b"seed"):
        self.flash = Flash(20)
        self.keyfile = Drawer()
        self.entropy = Stream(seed)
        self.boot()

    def boot(self):
        self.factory = self.device = None  # room for what comes
        purse = Purse(Journal(self.flash))
        purse.boot()
        secret = int.from_bytes(self.keyfile.secret, "big")
        self.device = Device(purse, self.signer(secret), FIRMWARE)
        self.factory = Factory(self.device, self.entropy, self.keyfile, self.signer)

    def signer(self, secret):
        if not secret:
            return KeylessSigner(130, 675)
        return Signer(secret, self.entropy, 130, 675)

    def generate(self, host=bytes(32), challenge=CHALLENGE):
        return cbor.decode(self.factory.generate(cbor.encode([host, challenge])))

    def identity(self):
        """Of this device, by the issuer."""
        return ISSUER.identity(ISSUER.certify(self.generate()[0]))

    def is_new(self):
        return self.device.purse.journal.next_sequence == 1


def test_the_key_is_born_on_the_device():
    blank = Blank()
    public, possession = blank.generate()
    signed = messages.decode(possession, messages.Possession)
    assert signed.message == messages.Possession(CHALLENGE, public, FIRMWARE)
    messages.verify(signed, public, blank.device.signer.verify)
    assert signed.kid == cose.key_id(public)
    assert blank.is_new()


def test_the_secret_is_nowhere_but_in_the_key_file():
    blank = Blank()
    answer = blank.factory.generate(cbor.encode([bytes(32), CHALLENGE]))
    blank.factory.install(blank.identity())
    secret = blank.keyfile.secret
    assert secret not in answer
    for page in blank.flash.pages.values():
        assert secret not in page


def test_asked_again_it_proves_the_same_key():
    blank = Blank()
    public, _ = blank.generate()
    blank.boot()
    again, possession = blank.generate(bytes([7]) * 32, bytes(32))
    assert again == public
    assert messages.decode(possession, messages.Possession).message.challenge == bytes(32)


def test_neither_entropy_decides_alone():
    keys = [
        Blank().generate()[0],
        Blank().generate(bytes([1]) * 32)[0],
        Blank(b"other").generate()[0],
    ]
    assert len(set(keys)) == 3
    assert Blank().generate()[0] == keys[0]


def test_installed_once_and_for_all():
    blank = Blank()
    identity = blank.identity()
    blank.factory.install(identity)
    assert blank.device.id == cose.key_id(blank.device.signer.public_key())
    blank.factory.install(identity)
    other = ISSUER.identity(
        ISSUER.certify(blank.device.signer.public_key(), certificate.ROLE_STAND)
    )
    assert refused(status.WRONG_STATE, blank.factory.install, other)
    assert refused(status.WRONG_STATE, blank.generate)
    blank.boot()
    blank.factory.install(identity)
    assert [kind for _, kind, _ in blank.device.purse.journal.walk(1)] == [records.IDENTITY]


def test_who_may_not_be_installed():
    blank = Blank()
    public, _ = blank.generate()
    install = blank.factory.install
    right = ISSUER.certify(public)
    another = ISSUER.certify(RealKey(b"another").public)
    assert refused(status.NOT_THIS_DEVICE, install, ISSUER.identity(another))
    firmware = ISSUER.certify(public, firmware=bytes(32))
    assert refused(status.NOT_THIS_DEVICE, install, ISSUER.identity(firmware))
    stranger = Issuer(RealKey, b"stranger")
    assert refused(status.SIGNATURE, install, ISSUER.identity(stranger.certify(public)))
    assert refused(status.SIGNATURE, install, stranger.identity(right))
    mixed = cbor.encode([right, ISSUER.roots(), stranger.keycerts])
    assert refused(status.SIGNATURE, install, mixed)
    assert blank.is_new()
    install(ISSUER.identity(right))


def test_what_is_no_identity():
    blank = Blank()
    public, _ = blank.generate()
    right, roots = ISSUER.certify(public), ISSUER.roots()
    off_curve = b"\x04" + bytes(63) + b"\x01"
    few = [ISSUER.keycert(ISSUER.keys[usage].public, usage) for usage in USAGES[:-1]]
    for odd in (
        b"",
        cbor.encode([right, roots]),
        cbor.encode([right, roots[:1], ISSUER.keycerts]),
        cbor.encode([right, [off_curve, off_curve], ISSUER.keycerts]),
        cbor.encode([right, roots, few]),
        cbor.encode([right, roots, 7]),
        cbor.encode([7, roots, ISSUER.keycerts]),
        cbor.encode([right, [1, 2], ISSUER.keycerts]),
        cbor.encode([ISSUER.keycerts[0], roots, ISSUER.keycerts]),
    ):
        assert refused(status.MALFORMED, blank.factory.install, odd)
    assert blank.is_new()


def test_a_key_is_asked_for_with_entropy_and_challenge():
    generate = Blank().factory.generate
    for odd in ([CHALLENGE], [CHALLENGE, b""], [b"", CHALLENGE], [1, 2], CHALLENGE):
        assert refused(status.MALFORMED, generate, cbor.encode(odd))
