# SPDX-License-Identifier: Apache-2.0
"""The signer of a board with an ATECC608, rollback class bound: the element holds the purse key
and the mark of the last ticking record (PROTOCOL.md §8.3).

What no data sheet promises is that a block whose write was cut holds the old or the new bits. So
the mark has two slots, written in turn, each with a number and a check of its own: one of them is
always whole, and the one with the higher number counts. A tick that was the last thing before a
boot may have been cut so late that its slot reads whole today and not tomorrow: it is written once
more, in its place, before anything else. The other slot was whole when that tick began.

The secret of the key file is what pairs controller and element, not the purse key. Two keys come
from it: one that the element only ever compares with (CheckMac; it authorizes Sign), one for what
is written and read. An element on another board signs nothing and takes no mark; an old mark or an
old answer is not taken for a fresh one. What sits on the wires of a board that runs can still have
its own digests signed while the key is authorized (SECURITY.md). Knows no purse.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from drivers import atecc608_host as host
from drivers.atecc608 import BLOCK, DATA_ZONE, ENCRYPTED, Denied, Miscompare, slot_address
from duotap import hmac, status
from duotap.errors import Broken, Fault, Refusal

if TYPE_CHECKING:
    from typing import Any

    from drivers.atecc608 import Atecc608

# Slots; port/personal.py configures them.
PURSE, PAIRING, WIRE, MARKS = 0, 1, 2, (5, 6)

NUMBER_BYTES = 4
# Of a record's hash: whoever wants an older image to fit needs a second preimage of 160 bits.
HASH_BYTES = 20
CHECK_BYTES = 8
SECRET_BYTES = 32
UNLOCKED = 0x55  # of the bytes LockValue and LockConfig
# Each byte endures 400,000 writes (DS40002138A §9.2), and a tick writes one of two slots; told
# early enough to replace the device.
TICKS_MAX = 600_000


class KeylessBound:
    """Of a board before its key is born: the element verifies and cannot sign."""

    class_name = "none"

    def __init__(self, chip: Atecc608, sign_ms: int, verify_ms: int) -> None:
        self._chip = chip
        self.sign_ms = sign_ms
        self.verify_ms = verify_ms

    def public_key(self) -> bytes:
        """b"": there is none."""
        return b""

    def sign(self, digest: bytes) -> bytes:
        """r||s, low-S."""
        raise Broken("no key yet")

    def know(self, public: bytes) -> None:
        """The element keeps no tables: every key takes the same time."""

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> None:
        """Raises Refusal(9A0D) unless the holder of `public` signed `digest`."""
        chip = self._chip

        def work() -> None:
            chip.load(digest)
            chip.verify_plain(signature, public[1:])

        _verified(chip, work, public, signature)


class Pair:
    """A controller and its element, awake: `serial` as in the element's configuration."""

    def __init__(self, chip: Atecc608, secret: bytes, entropy: Any, serial: bytes) -> None:
        self.chip = chip
        self.serial = serial
        self.wire = hmac.expand(secret, b"duotap element wire", 32)
        self._pairing = hmac.expand(secret, b"duotap element pairing", 32)
        self._entropy = entropy

    def fresh(self, nbytes: int) -> bytes:
        """Our part of a nonce."""
        return bytes(self._entropy.read("element", nbytes))

    def nonce(self) -> bytes:
        """TempKey from both generators: neither side's old answers serve again."""
        own = self.fresh(20)
        return host.nonce(self.chip.nonce(own), own)

    def authorize(self) -> None:
        """The purse key may be used until the element sleeps."""
        other = bytes(host.OTHER_BYTES)
        response = host.checkmac(self.serial, self._pairing, self.nonce(), other)
        self.chip.checkmac(PAIRING, response, other)

    def keys(self) -> tuple[bytes, bytes]:
        """What is written into the slots PAIRING and WIRE, once."""
        return self._pairing, self.wire


class BoundSigner(KeylessBound):
    """Of an element that is personalized (port.personal)."""

    class_name = "bound"

    def __init__(self, pair: Pair, sign_ms: int, verify_ms: int) -> None:
        super().__init__(pair.chip, sign_ms, verify_ms)
        self._pair = pair
        self._number = self._place = 0
        self._public = b"\x04" + pair.chip.run(lambda: pair.chip.public_key(PURSE))

    def public_key(self) -> bytes:
        """SEC1 uncompressed, 65 bytes."""
        return self._public

    def sign(self, digest: bytes) -> bytes:
        """r||s; S is high or low (duotap.cose takes the low one). Raises Fault; Broken if this is
        another board's element."""
        chip = self._chip

        def work() -> bytes:
            self._pair.authorize()
            chip.load(digest)
            return chip.sign(PURSE)

        return chip.run(work)

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> None:
        """Raises Refusal(9A0D) unless the holder of `public` signed `digest`, and the element
        says so: its answer has a MAC over our nonce."""
        chip = self._chip

        def work() -> None:
            fresh = self._pair.fresh(32)
            chip.load_message(digest + fresh)
            found = chip.verify(signature, public[1:])
            if found != host.verify_mac(self._pair.wire, digest, fresh, signature):
                raise Fault("element: MAC of an answer")

        _verified(chip, work, public, signature)

    # The guard

    def accepts(self, ticks: int, ticked: tuple[bytes, bytes], pending: bool) -> bool:
        """Whether the newest whole mark is the last ticking record's, or, if its tick may have
        been cut, that of the one before; such a tick is made up for."""
        last, before = ticked[0][:HASH_BYTES], ticked[1][:HASH_BYTES]
        marks = [_opened(content) for content in self._chip.run(self._read_marks)]
        numbers = [number for number, _ in marks]
        self._place = 0 if numbers[0] >= numbers[1] else 1
        self._number = numbers[self._place]
        newest = marks[self._place][1]
        if newest == last:
            if pending:
                self._write_mark(last)
            return True
        if pending and newest == before:
            self.tick(last)
            return True
        return False

    def announce(self) -> None:
        """The record comes first: a mark without its record would fit no image."""

    def tick(self, record_hash: bytes) -> None:
        """Replace the older mark. Raises Broken."""
        self._number += 1
        self._place = 1 - self._place
        self._write_mark(record_hash)

    def ticks_left(self) -> int:
        """Until the slots have been written as often as they endure."""
        return TICKS_MAX - self._number

    def _write_mark(self, record_hash: bytes) -> None:
        pair, chip = self._pair, self._chip
        address = slot_address(MARKS[self._place])
        content = mark(self._number, record_hash)
        zone = DATA_ZONE | BLOCK | ENCRYPTED

        def work() -> bytes:
            temp_key = pair.nonce()
            chip.gendig(WIRE)
            temp_key = host.gendig(pair.serial, temp_key, WIRE, pair.wire)
            mac = host.write_mac(pair.serial, temp_key, zone, address, content)
            chip.write(zone, address, host.xor(content, temp_key), mac)
            return chip.read(DATA_ZONE | BLOCK, address)

        try:
            written = chip.run(work)
        except Fault:
            raise Broken("element: the mark is not written") from None
        if written != content:
            raise Broken("element: the mark does not take")

    def _read_marks(self) -> list[bytes]:
        """Both slots, and the element's MAC over what it has in them."""
        pair, chip = self._pair, self._chip
        found = [chip.read(DATA_ZONE | BLOCK, slot_address(slot)) for slot in MARKS]
        temp_key = pair.nonce()
        for slot, content in zip(MARKS, found):
            chip.gendig(slot)
            temp_key = host.gendig(pair.serial, temp_key, slot, content)
        if chip.mac(WIRE) != host.mac(pair.serial, pair.wire, temp_key, WIRE):
            raise Fault("element: MAC of the marks")
        return found


def signer(chip: Atecc608, secret: int, entropy: Any, sign_ms: int, verify_ms: int) -> Any:
    """The signer of a board with this element; `secret` is the key file's, 0 before there is one.

    Makes a blank element this board's. Raises Broken if it is another's, Fault if it is silent.
    """
    if not secret:
        return KeylessBound(chip, sign_ms, verify_ms)
    config = chip.run(chip.configuration)
    serial = config[0:4] + config[8:13]
    pair = Pair(chip, secret.to_bytes(SECRET_BYTES, "big"), entropy, serial)
    if UNLOCKED in config[86:88] or config[88] >> PURSE & 1:
        from port.personal import personalize  # late: once in a device's life

        personalize(pair)
    return BoundSigner(pair, sign_ms, verify_ms)


def mark(number: int, record_hash: bytes) -> bytes:
    """The 32 bytes of a slot: number, hash, check over both."""
    content = number.to_bytes(NUMBER_BYTES, "big") + record_hash[:HASH_BYTES]
    return content + _check(content)


def _opened(content: bytes) -> tuple[int, bytes]:
    """Number and hash of a slot; (-1, b"") if it is not whole."""
    body = content[: NUMBER_BYTES + HASH_BYTES]
    if content[len(body) :] != _check(body):
        return -1, b""
    return int.from_bytes(body[:NUMBER_BYTES], "big"), body[NUMBER_BYTES:]


def _check(content: bytes) -> bytes:
    return sha256(b"duotap mark" + content).digest()[:CHECK_BYTES]


def _verified(chip: Any, work: Any, public: bytes, signature: bytes) -> None:
    wrong = len(public) != 65 or public[:1] != b"\x04" or len(signature) != 64
    try:
        if not wrong:
            chip.run(work)
    except (Denied, Miscompare):
        wrong = True  # a key that is no point is denied
    if wrong:
        raise Refusal(status.SIGNATURE, "signature is not of this key")
