# SPDX-License-Identifier: Apache-2.0
"""ATECC608 secure element over I2C: packets, waking, polling, the commands a purse needs.

Sources: Microchip's ATECC608A-TFLXTLS data sheet DS40002138A, whose section numbers stand below
(§4 packets and status bytes, §5 commands, §7 I2C, §9 timing), and, for a chip that is configured
by its user, the ATECC508A complete data sheet DS20005927A. Knows no key and what no slot is for.

The chip does one command at a time and does not acknowledge while it works; it falls asleep on its
own 0.7 to 1.7 s after it was woken (tWATCHDOG), in the middle of anything, and forgets all that is
not in its EEPROM. So work is done in a `run`: wake, a few commands, sleep, all of it again after
a fault. A command can end in four ways:

1. its answer is returned;
2. `Miscompare`: a MAC or signature is not what it should be (status 01);
3. `Denied`: the chip will not do this (03 parse, 0F execution), now or ever;
4. Fault: bytes were lost, the watchdog came, or one of its self-checks failed; worth another try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken, DuotapError, Fault

if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    from port.wiring import I2c

    Found = TypeVar("Found")

ADDRESS = 0x60
WAKE_HZ = 100_000  # address 0 at this speed holds SDA low for 80 us; tWLO is 60 us (§9.3)
BUS_HZ = 400_000
WAKE_US = 1_500  # tWHI
POLL_US = 1_000
POLLS_MAX = 700  # the shortest watchdog: no answer comes later
TRIES = 3

# Word addresses (§7.2.1).
RESET, SLEEP, IDLE, COMMAND = 0, 1, 2, 3

# Opcodes (table 5-1).
CHECKMAC = 0x28
COUNTER = 0x24
GENDIG = 0x15
GENKEY = 0x40
INFO = 0x30
LOCK = 0x17
MAC = 0x08
NONCE = 0x16
RANDOM = 0x1B
READ = 0x02
SIGN = 0x41
VERIFY = 0x45
WRITE = 0x12

CONFIG_ZONE, DATA_ZONE = 0, 2
BLOCK = 0x80  # zone bit: 32 bytes instead of 4
# Zone bit of Write: the block is encrypted and has a MAC. Table 5-41 leaves it out; the maker's
# own driver sets it (cryptoauthlib, calib_write_enc), and that one has met chips.
ENCRYPTED = 0x40
BLOCK_BYTES = 32

# Status bytes (table 4-3).
MISCOMPARE = 0x01
AWAKE = 0x11
REFUSALS = b"\x03\x0f"
NAMES = (
    (0x03, "element: parse error"),
    (0x05, "element: ECC fault"),
    (0x07, "element: self test"),
    (0x08, "element: random generator"),
    (0x0F, "element: execution error"),
    (AWAKE, "element: woke up instead"),
    (0xEE, "element: watchdog"),
    (0xFF, "element: CRC of the command"),
)


class Miscompare(Broken):
    """A MAC or signature that the chip compared is not the right one (status 01)."""


class Denied(Broken):
    """The chip will not do this: parse or execution error (status 03, 0F)."""


def crc16(packet: bytes | bytearray | memoryview) -> bytes:
    """CRC-16, polynomial 8005, from 0, least significant bit of each byte first, sent low byte
    first; each byte of it has its bits in the usual order (§4.1)."""
    crc = 0
    for byte in packet:
        for bit in range(8):
            high = crc >> 15
            crc = crc << 1 & 0xFFFF
            if high != byte >> bit & 1:
                crc ^= 0x8005
    return bytes((crc & 0xFF, crc >> 8))


def slot_address(slot: int, block: int = 0) -> int:
    """Address of a 32-byte block in the data zone ("Address Encoding")."""
    return block << 8 | slot << 3


class Atecc608:
    """`bus(hz)` makes the machine.I2C of the chip's bus at a speed; `sleep_us` waits."""

    def __init__(self, bus: Callable[[int], I2c], sleep_us: Callable[[int], Any]) -> None:
        self._bus = bus
        self._sleep_us = sleep_us
        self._i2c = bus(BUS_HZ)

    def run(self, work: Callable[[], Found], tries: int = TRIES) -> Found:
        """`work()` with the chip awake; all of it again after a Fault. The chip sleeps
        afterwards: nobody finds it with a nonce loaded or a key authorized.

        Raises Fault after the last try, Miscompare, Denied.
        """
        for left in range(tries, 0, -1):
            try:
                self._wake()
                return work()
            except Fault:
                if left == 1:
                    raise
            finally:
                self._rest()
        raise Fault("element: no try")

    def _wake(self) -> None:
        try:
            self._bus(WAKE_HZ).writeto(0, b"")
        except OSError:
            pass  # nobody acknowledges address 0; the chip has seen SDA low
        self._i2c = self._bus(BUS_HZ)
        self._sleep_us(WAKE_US)
        try:
            awake = self._read() == bytes((AWAKE,))
        except OSError:
            awake = False
        if not awake:
            raise Fault("element: does not wake")

    def _rest(self) -> None:
        try:
            self._i2c.writeto(ADDRESS, bytes((SLEEP,)))
        except OSError:
            pass  # it sleeps already, or it is busy and its watchdog will do it

    def command(self, opcode: int, param1: int, param2: int, payload: bytes = b"") -> bytes:
        """Send a packet (§4.1.1) and poll for its answer: what is between count and CRC."""
        packet = bytes((7 + len(payload), opcode, param1, param2 & 0xFF, param2 >> 8)) + payload
        try:
            self._i2c.writeto(ADDRESS, bytes((COMMAND,)) + packet + crc16(packet))
        except OSError:
            raise Fault("element: not there, or busy") from None
        answer = self._poll()
        if len(answer) == 1 and answer[0]:
            raise _error(answer[0])
        return answer

    def _poll(self) -> bytes:
        """Wait until the chip acknowledges again (§7.5): it works as long as it takes."""
        for _ in range(POLLS_MAX):
            self._sleep_us(POLL_US)
            try:
                return self._read()
            except OSError:
                continue
        raise Fault("element: no answer")

    def _read(self) -> bytes:
        """One output packet. Raises OSError while the chip is busy, Fault for a damaged one."""
        self._i2c.writeto(ADDRESS, bytes((RESET,)))
        count = self._i2c.readfrom(ADDRESS, 1)
        size = count[0]
        if not 4 <= size <= 75:
            raise Fault("element: answer of no length")
        packet = count + self._i2c.readfrom(ADDRESS, size - 1)
        if crc16(packet[:-2]) != packet[-2:]:
            raise Fault("element: CRC of the answer")
        return packet[1:-2]

    # Commands (§5). What they need before them is the caller's to know.

    def revision(self) -> bytes:
        """Info: 4 bytes."""
        return self.command(INFO, 0, 0)

    def random(self) -> bytes:
        """32 bytes of the chip's generator; a pattern before the configuration is locked."""
        return self.command(RANDOM, 0, 0)

    def nonce(self, number: bytes) -> bytes:
        """Load TempKey with a hash over 20 bytes of ours and 32 of the chip's, which it gives."""
        return self.command(NONCE, 0x00, 0, number)

    def load(self, digest: bytes) -> None:
        """TempKey, 32 bytes, in the clear."""
        self.command(NONCE, 0x03, 0, digest)

    def load_message(self, digest_and_nonce: bytes) -> None:
        """The message digest buffer, 64 bytes."""
        self.command(NONCE, 0x63, 0, digest_and_nonce)

    def gendig(self, slot: int) -> None:
        """Hash a data slot into TempKey."""
        self.command(GENDIG, DATA_ZONE, slot)

    def mac(self, slot: int) -> bytes:
        """32 bytes: a slot's key over TempKey (of random source) and the serial number."""
        return self.command(MAC, 0x41, slot)

    def checkmac(self, slot: int, response: bytes, other: bytes) -> None:
        """Show knowledge of a slot's key over TempKey (of random source). Raises Miscompare."""
        self.command(CHECKMAC, 0x01, slot, bytes(32) + response + other)

    def genkey(self, slot: int) -> bytes:
        """A new private key in the slot; 64 bytes of public key."""
        return self.command(GENKEY, 0x04, slot)

    def public_key(self, slot: int) -> bytes:
        """64 bytes, computed from the slot's private key."""
        return self.command(GENKEY, 0x00, slot)

    def sign(self, slot: int) -> bytes:
        """r | s over the digest in TempKey; S is high or low."""
        return self.command(SIGN, 0x80, slot)

    def verify(self, signature: bytes, public: bytes) -> bytes:
        """32 bytes of MAC by the IO protection key over digest, nonce (both in the message digest
        buffer) and signature. Raises Miscompare, Denied for a key that is no point."""
        return self.command(VERIFY, 0xA2, 0x0004, signature + public)

    def verify_plain(self, signature: bytes, public: bytes) -> None:
        """Of the digest in TempKey, with an answer that anybody on the bus may have made."""
        self.command(VERIFY, 0x02, 0x0004, signature + public)

    def counter(self, number: int, step: bool = False) -> int:
        """One of the two monotonic counters, 0 to 2,097,151; `step` raises it by one first."""
        return int.from_bytes(self.command(COUNTER, 1 if step else 0, number), "little")

    def read(self, zone: int, address: int) -> bytes:
        """4 bytes, or 32 with BLOCK in the zone, in the clear."""
        return self.command(READ, zone, address)

    def write(self, zone: int, address: int, content: bytes, mac: bytes = b"") -> None:
        """4 bytes, or 32 with BLOCK in the zone; ENCRYPTED takes a MAC of 32 (§5.1.10.2)."""
        self.command(WRITE, zone, address, content + mac)

    def lock(self, mode: int, summary: int) -> None:
        """For ever: 0 the configuration, 1 the data zone, 2 | slot << 2 a slot; `summary` is the
        CRC of the zone or slot, 0 with bit 7 of the mode, which asks for none."""
        self.command(LOCK, mode, summary)

    def configuration(self) -> bytes:
        """128 bytes (§2.1)."""
        return b"".join([self.read(CONFIG_ZONE | BLOCK, block << 3) for block in range(4)])


def _error(status: int) -> DuotapError:
    if status == MISCOMPARE:
        return Miscompare("element: miscompare")
    for value, name in NAMES:
        if value == status:
            return Denied(name) if status in REFUSALS else Fault(name)
    return Fault("element: unknown status")
