# SPDX-License-Identifier: Apache-2.0
"""What is left of a device in its flash: key, files and journal, though its file system may be
half written, without its firmware, or not one any more.

The journal is told by its own hashes, the key by its CRC-32 and by the certificate in the journal,
wherever it lies. It repairs nothing, and a secret leaves it only for the image that is made around
the journal (`flash/rebuilt.py`).
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from duotap import records
from duotap.certificate import Certificate, decode_certificate, key_id
from duotap.errors import DuotapError
from duotap.journal import Journal
from duotap.purse import Purse
from littlefs import LittleFSError

from duotap_host.flash import image, stock
from duotap_host.flash.geometry import BLOCK_BYTES, Geometry
from duotap_host.flash.journal_files import CRC_BYTES, NUMBER_BYTES, NUMBERS_FILE
from duotap_host.flash.stock import NotReadable
from duotap_host.issuer.es256 import public_bytes

KEY_FILE = "purse.key"  # port.keyfile: 32 bytes and their CRC-32
SECRET_BYTES = 32
CODE = (".mpy", ".py")
# Of the image itself, or a file that was not whole yet (port.files).
OURS = (image.DIGEST_FILE, NUMBERS_FILE)
HALF_WRITTEN = ".new"


class Left(NamedTuple):
    """`files` are what the device has written itself, by name; `blocks` where the journal's
    sectors lie in the file system, none where it has a place of its own.

    `certificate` is None where the journal names none; `balance` in minor units.
    """

    files: dict[str, bytes]
    blocks: tuple[int, ...]
    journal: bytes
    certificate: Certificate | None
    balance: int
    damaged: bool
    mounts: bool

    @property
    def device(self) -> bytes:
        """Its id, b"" where nobody knows."""
        return key_id(self.certificate.public) if self.certificate else b""

    @property
    def has_key(self) -> bool:
        return KEY_FILE in self.files


def look(files: bytes, geometry: Geometry, journal: bytes | None = None) -> Left:
    """Look through a dump of the file system, and of the journal where that has a place of its
    own. NotReadable if the journal's sectors cannot be told from the rest."""
    found, mounts = _files(files, geometry)
    blocks: tuple[int, ...] = ()
    if journal is None:
        blocks = _blocks(files, geometry)
        journal = b"".join(files[at * BLOCK_BYTES : (at + 1) * BLOCK_BYTES] for at in blocks)
    certificate, balance, damaged = _purse(journal)
    if certificate is not None:
        secret = _secret(files, found.get(KEY_FILE, b""), certificate.public)
        found.pop(KEY_FILE, None)
        if secret:
            found[KEY_FILE] = secret
    return Left(found, blocks, journal, certificate, balance, damaged, mounts)


def _files(dump: bytes, geometry: Geometry) -> tuple[dict[str, bytes], bool]:
    """What lies beside the firmware, as far as it can be read."""
    found = {}
    try:
        fs = stock.mounted(dump, geometry)
        names = [n for n in fs.listdir("/") if not n.endswith((*CODE, HALF_WRITTEN))]
    except (NotReadable, LittleFSError):
        return {}, False
    for name in names:
        try:
            with fs.open(name, "rb") as file:
                found[name] = bytes(file.read())
        except (LittleFSError, OSError):
            continue  # a folder, or a file that is lost
    return {name: content for name, content in found.items() if name not in OURS}, True


def _blocks(dump: bytes, geometry: Geometry) -> tuple[int, ...]:
    """From the list that came with the image, wherever it lies."""
    try:
        return stock.journal_blocks(dump, geometry)
    except (NotReadable, LittleFSError):
        pass
    size = geometry.listed_blocks * NUMBER_BYTES
    for at in range(0, len(dump), BLOCK_BYTES):
        numbers = dump[at : at + size]
        if zlib.crc32(numbers).to_bytes(CRC_BYTES, "big") == dump[at + size :][:CRC_BYTES]:
            return stock.numbers_in(numbers)
    raise NotReadable("where the journal's sectors lie is lost")


def _purse(journal: bytes) -> tuple[Certificate | None, int, bool]:
    """Certificate, balance, and whether the journal is damaged."""
    if not journal:
        return None, 0, False
    purse = Purse(Journal(_Held(journal)))
    try:
        purse.boot()
        identity = purse.identity()
        if not identity:
            return None, 0, purse.journal.damaged
        raw = records.unpack(records.IDENTITY, identity)[0]
        certificate = decode_certificate(raw).message
    except DuotapError:
        return None, 0, True
    return certificate, purse.state.balance(), purse.journal.damaged


def _secret(dump: bytes, kept: bytes, public: bytes) -> bytes:
    """The content of the key file whose key is the certificate's; b"" if it is lost."""
    if _opens(kept, public):
        return kept
    size = SECRET_BYTES + CRC_BYTES
    for at in range(len(dump) - size):
        if zlib.crc32(dump[at : at + SECRET_BYTES]).to_bytes(CRC_BYTES, "big") == (
            dump[at + SECRET_BYTES : at + size]
        ) and _opens(dump[at : at + size], public):
            return dump[at : at + size]
    return b""


def _opens(content: bytes, public: bytes) -> bool:
    secret = int.from_bytes(content[:SECRET_BYTES], "big")
    try:
        key = ec.derive_private_key(secret, ec.SECP256R1())
    except ValueError:
        return False
    return public_bytes(key.public_key()) == public


class _Held:
    """A journal's flash in memory: what recovery completes, it completes here."""

    def __init__(self, content: bytes) -> None:
        self._content = bytearray(content)

    def readblocks(self, n: int, buf: bytearray | memoryview, off: int = 0) -> None:
        at = n * BLOCK_BYTES + off
        buf[:] = self._content[at : at + len(buf)]

    def writeblocks(self, n: int, buf: bytes | bytearray | memoryview, off: int) -> None:
        at = n * BLOCK_BYTES + off
        for place, byte in enumerate(bytes(buf), at):
            self._content[place] &= byte

    def ioctl(self, op: int, arg: int) -> int | None:
        return {4: len(self._content) // BLOCK_BYTES, 5: BLOCK_BYTES}.get(op, 0)
