# SPDX-License-Identifier: Apache-2.0
"""What the commands of a virtual ATECC608 do, and when they refuse.

ATECC608A-TFLXTLS data sheet DS40002138A §5 (commands, formulas); ATECC508A complete data sheet
DS20005927A (SlotConfig, KeyConfig, TempKey, Lock). Modes that no driver here uses are parse
errors. The formulas are written from the tables, not taken from the firmware's driver: both must
say the same. Knows no bus and no time.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from duotap import cose
from duotap.errors import Refusal

from duotap_host.issuer import es256
from duotap_host.virtual.atecc608_eeprom import (
    BLOCK,
    COUNTER_MAX,
    LOCK_CONFIG_AT,
    LOCK_VALUE_AT,
    READ_ONLY,
    Eeprom,
)

SHA = 0x47
MISCOMPARE, PARSE, EXECUTION = 0x01, 0x03, 0x0F
ORDER = int.from_bytes(cose.ORDER, "big")

# Bits of SlotConfig and KeyConfig (DS20005927A).
SIGN_EXTERNAL, NO_MAC, ENCRYPT_READ, IS_SECRET = 0x0001, 0x0010, 0x0040, 0x0080
WRITE_GENKEY, WRITE_ENCRYPT, WRITE_NEVER = 0x2000, 0x4000, 0x8000
PUB_INFO, LOCKABLE, REQ_RANDOM, REQ_AUTH = 0x0002, 0x0020, 0x0040, 0x0080
IO_KEY_ENABLED = 0x0002


class Status(Exception):
    """A command that ends with a status byte instead of its answer."""

    def __init__(self, code: int) -> None:
        super().__init__(f"status {code:02x}")
        self.code = code


class TempKey:
    """The volatile register and what is known of where its value came from."""

    def __init__(self, value: bytes, *, random: bool) -> None:
        self.value = value
        self.random = random
        self.gendig: int | None = None  # slot that was hashed in last
        self.no_mac = False


class Commands:
    """Over one memory; `draw(n)` is the chip's generator."""

    def __init__(self, eeprom: Eeprom, draw: Callable[[int], bytes]) -> None:
        self._eeprom = eeprom
        self._draw = draw
        self._table = {
            0x28: (self._checkmac, (77,)),
            0x24: (self._counter, (0,)),
            0x15: (self._gendig, (0, 4)),
            0x40: (self._genkey, (0,)),
            0x30: (self._revision, (0,)),
            0x17: (self._lock, (0,)),
            0x08: (self._mac, (0, 32)),
            0x16: (self._nonce, (20, 32, 64)),
            0x1B: (self._random, (0,)),
            0x02: (self._read, (0,)),
            SHA: (self._sha, tuple(range(65))),
            0x41: (self._sign, (0,)),
            0x45: (self._verify, (128,)),
            0x12: (self._write, (4, 32, 64)),
        }
        self.forget()

    def forget(self) -> None:
        """All that is volatile is gone: the chip slept."""
        self._temp: TempKey | None = None
        self._message = b""  # message digest buffer
        self._authorized: int | None = None  # slot whose key CheckMac was shown
        self._hashing: bytes | None = None

    def do(self, opcode: int, param1: int, param2: int, data: bytes) -> bytes:
        """The answer. Raises Status."""
        if opcode not in self._table:
            raise Status(PARSE)
        action, lengths = self._table[opcode]
        if len(data) not in lengths:
            raise Status(PARSE)
        return action(param1, param2, data)

    # What several commands ask for

    def _taken(self, *, random: bool | None = None) -> TempKey:
        """TempKey, used up. Execution error unless it is valid, and of this source."""
        temp, self._temp = self._temp, None
        if temp is None or (random is not None and temp.random != random):
            raise Status(EXECUTION)
        return temp

    def _slot(self, param2: int) -> int:
        if param2 > 15:
            raise Status(PARSE)
        return param2

    def _usable(self, slot: int) -> None:
        """ReqAuth: the key named by AuthKey was shown since the chip woke."""
        key_config = self._eeprom.key_config(slot)
        if key_config & REQ_AUTH and self._authorized != key_config >> 8 & 15:
            raise Status(EXECUTION)

    def _symmetric(self, slot: int, temp: TempKey) -> bytes:
        """The slot's 32 bytes for a digest or MAC over `temp`."""
        eeprom = self._eeprom
        if not eeprom.values_locked or eeprom.is_private(slot):
            raise Status(EXECUTION)
        if eeprom.key_config(slot) & REQ_RANDOM and not temp.random:
            raise Status(EXECUTION)
        self._usable(slot)
        return eeprom.key(slot)

    def _serial(self) -> tuple[bytes, bytes, bytes, bytes]:
        """SN[8], SN[4:8], SN[0:2], SN[2:4]."""
        serial = self._eeprom.serial
        return serial[8:9], serial[4:8], serial[0:2], serial[2:4]

    # Small ones

    def _revision(self, mode: int, param2: int, data: bytes) -> bytes:
        if mode:
            raise Status(PARSE)
        return bytes(self._eeprom.config[4:8])

    def _random(self, mode: int, param2: int, data: bytes) -> bytes:
        if mode > 1 or param2:
            raise Status(PARSE)
        if not self._eeprom.config_locked:
            return b"\xff\xff\x00\x00" * 8
        return self._draw(32)

    def _nonce(self, mode: int, param2: int, data: bytes) -> bytes:
        if mode in (0, 1) and len(data) == 20 and param2 == 0:
            drawn = self._random(0, 0, b"")
            self._temp = TempKey(
                sha256(drawn + data + bytes((0x16, mode, 0))).digest(), random=True
            )
            return drawn
        if mode == 0x03 and len(data) == 32:
            self._temp = TempKey(data, random=False)
        elif mode in (0x43, 0x63) and len(data) == (64 if mode & 0x20 else 32):
            self._message = data
        else:
            raise Status(PARSE)
        return b"\x00"

    def _counter(self, mode: int, param2: int, data: bytes) -> bytes:
        if mode > 1 or param2 > 1:
            raise Status(PARSE)
        if mode:
            if self._eeprom.counters[param2] >= COUNTER_MAX:
                raise Status(EXECUTION)
            self._eeprom.step(param2)
        return self._eeprom.counters[param2].to_bytes(4, "little")

    def _sha(self, mode: int, param2: int, data: bytes) -> bytes:
        if mode == 0 and not data:
            self._hashing = b""
            return b"\x00"
        if self._hashing is None or mode not in (1, 2) or (mode == 1 and len(data) != 64):
            raise Status(PARSE)
        self._hashing += data
        if mode == 1:
            return b"\x00"
        whole, self._hashing = self._hashing, None
        return sha256(whole).digest()

    # Digests and MACs

    def _gendig(self, mode: int, param2: int, data: bytes) -> bytes:
        slot = self._slot(param2)
        no_mac = bool(self._eeprom.slot_config(slot) & NO_MAC)
        if mode != 2 or bool(data) != no_mac:
            raise Status(PARSE)
        temp = self._taken()
        content = self._symmetric(slot, temp)
        head = content + (data or bytes((0x15, mode, slot, 0)))
        last, _, first, _ = self._serial()
        made = TempKey(
            sha256(head + last + first + bytes(25) + temp.value).digest(), random=temp.random
        )
        made.gendig, made.no_mac = slot, temp.no_mac or no_mac
        self._temp = made
        return b"\x00"

    def _mac(self, mode: int, param2: int, data: bytes) -> bytes:
        slot = self._slot(param2)
        if mode & ~0x45 or len(data) != (0 if mode & 1 else 32):
            raise Status(PARSE)
        temp = self._taken(random=not mode & 4) if mode & 1 else TempKey(data, random=False)
        if temp.no_mac or self._eeprom.slot_config(slot) & NO_MAC:
            raise Status(EXECUTION)
        key = self._symmetric(slot, temp)
        last, middle, first, second = self._serial()
        if not mode & 0x40:
            middle, second = bytes(4), bytes(2)
        tail = bytes((0x08, mode, slot, 0)) + bytes(11) + last + middle + first + second
        return sha256(key + temp.value + tail).digest()

    def _checkmac(self, mode: int, param2: int, data: bytes) -> bytes:
        slot = self._slot(param2)
        if mode not in (0x01, 0x05):
            raise Status(PARSE)
        response, other = data[32:64], data[64:]
        self._authorized = None
        temp = self._taken(random=mode == 0x01)
        key = self._symmetric(slot, temp)
        last, _, first, _ = self._serial()
        tail = other[:4] + bytes(8) + other[4:7] + last + other[7:11] + first + other[11:13]
        if sha256(key + temp.value + tail).digest() != response:
            raise Status(MISCOMPARE)
        self._authorized = slot
        return b"\x00"

    # P-256

    def _genkey(self, mode: int, param2: int, data: bytes) -> bytes:
        slot, eeprom = self._slot(param2), self._eeprom
        if mode not in (0x00, 0x04):
            raise Status(PARSE)
        if not eeprom.config_locked or not eeprom.is_private(slot):
            raise Status(EXECUTION)
        if mode == 0x04:
            may = not eeprom.values_locked or eeprom.slot_config(slot) & WRITE_GENKEY
            if not may or eeprom.slot_locked(slot):
                raise Status(EXECUTION)
            self._usable(slot)
            eeprom.write_private(slot, int.from_bytes(self._draw(40), "big") % (ORDER - 1) + 1)
        elif not eeprom.key_config(slot) & PUB_INFO or slot not in eeprom.private:
            raise Status(EXECUTION)
        return es256.public_bytes(self._private(slot).public_key())[1:]

    def _private(self, slot: int) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._eeprom.private[slot], ec.SECP256R1())

    def _sign(self, mode: int, param2: int, data: bytes) -> bytes:
        slot, eeprom = self._slot(param2), self._eeprom
        if mode not in (0x80, 0xA0):
            raise Status(PARSE)
        digest = self._message[:32] if mode & 0x20 else self._taken(random=False).value
        may = eeprom.slot_config(slot) & SIGN_EXTERNAL and slot in eeprom.private
        if not may or len(digest) != 32 or not eeprom.config_locked:
            raise Status(EXECUTION)
        self._usable(slot)
        r, s = decode_dss_signature(self._private(slot).sign(digest, es256.ALGORITHM))
        if self._draw(1)[0] & 1:  # the chip knows no low S
            s = ORDER - s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _verify(self, mode: int, param2: int, data: bytes) -> bytes:
        if mode & ~0xA0 != 0x02 or param2 != 4:
            raise Status(PARSE)
        signature, public = data[:64], data[64:]
        if mode & 0x20:
            digest, nonce = self._message[:32], self._message[32:]
        else:
            digest, nonce = self._taken().value, self._message[:32]
        if len(digest) != 32 or (mode & 0x80 and len(nonce) != 32):
            raise Status(EXECUTION)
        try:
            es256.verify(b"\x04" + public, digest, signature)
        except Refusal as refusal:
            point = refusal.sw == 0x6A80
            raise Status(EXECUTION if point else MISCOMPARE) from None
        if not mode & 0x80:
            return b"\x00"
        options = self._eeprom.chip_options()
        if not options & IO_KEY_ENABLED or not self._eeprom.values_locked:
            raise Status(EXECUTION)
        key = self._eeprom.key(options >> 12)
        tail = bytes((0x45, mode, param2 & 0xFF, param2 >> 8))
        return sha256(key + digest + nonce + signature + tail).digest()

    # Memory

    def _place(self, zone: int, param2: int, size: int) -> tuple[int, int]:
        """Slot (-1: configuration) and offset in it."""
        at = (param2 & 7) * 4
        if size == BLOCK and at:
            raise Status(PARSE)
        if zone == 0:
            place = -1, (param2 >> 3 & 3) * BLOCK + at
            room = 128
        elif zone == 2:
            place = param2 >> 3 & 15, (param2 >> 8) * BLOCK + at
            room = len(self._eeprom.slots[place[0]])
        else:
            raise Status(PARSE)
        if place[1] >= room:
            raise Status(PARSE)
        return place

    def _read(self, mode: int, param2: int, data: bytes) -> bytes:
        size = BLOCK if mode & 0x80 else 4
        slot, at = self._place(mode & 0x7F, param2, size)
        if slot < 0:
            return bytes(self._eeprom.config[at : at + size])
        secret = self._eeprom.slot_config(slot) & (IS_SECRET | ENCRYPT_READ)
        if secret or not self._eeprom.values_locked or self._eeprom.is_private(slot):
            raise Status(EXECUTION)
        return bytes(self._eeprom.slots[slot][at : at + size]).ljust(size, b"\x00")

    def _write(self, mode: int, param2: int, data: bytes) -> bytes:
        size = BLOCK if mode & 0x80 else 4
        slot, at = self._place(mode & 0x3F, param2, size)
        # Whether bit 6 goes with a MAC the maker's sheet and library say differently: both pass.
        if len(data) not in ((BLOCK, 2 * BLOCK) if size == BLOCK else (4,)):
            raise Status(PARSE)
        if mode & 0x40 and len(data) != 2 * BLOCK:
            raise Status(PARSE)
        if slot < 0:
            self._write_config(at, data)
        else:
            self._write_slot(slot, at, data, mode, param2)
        return b"\x00"

    def _write_config(self, at: int, data: bytes) -> None:
        touched = range(at, at + len(data))
        if len(data) > BLOCK or self._eeprom.config_locked:
            raise Status(EXECUTION)
        if any(place in area for place in touched for area in READ_ONLY):
            raise Status(EXECUTION)
        self._eeprom.write_config(at, data)

    def _write_slot(self, slot: int, at: int, data: bytes, mode: int, param2: int) -> None:
        eeprom, slot_config = self._eeprom, self._eeprom.slot_config(slot)
        if not eeprom.config_locked or eeprom.is_private(slot) or eeprom.slot_locked(slot):
            raise Status(EXECUTION)
        if eeprom.values_locked and slot_config & (WRITE_NEVER | WRITE_GENKEY):
            raise Status(EXECUTION)
        encrypt = bool(slot_config & WRITE_ENCRYPT) and eeprom.values_locked
        if encrypt != (len(data) == 2 * BLOCK) or (not eeprom.values_locked and len(data) == 4):
            raise Status(EXECUTION)
        if encrypt:
            data = self._decrypted(slot_config >> 8 & 15, data, mode, param2)
        eeprom.write_slot(slot, at, data)

    def _decrypted(self, write_key: int, data: bytes, mode: int, param2: int) -> bytes:
        """The content of an encrypted write, once its MAC is right."""
        temp = self._taken()
        if temp.gendig != write_key or temp.no_mac:
            raise Status(EXECUTION)
        pairs = zip(data[:BLOCK], temp.value, strict=True)
        content = bytes(one ^ other for one, other in pairs)
        last, _, first, _ = self._serial()
        head = temp.value + bytes((0x12, mode, param2 & 0xFF, param2 >> 8)) + last + first
        if sha256(head + bytes(25) + content).digest() != data[BLOCK:]:
            raise Status(MISCOMPARE)
        return content

    def _lock(self, mode: int, param2: int, data: bytes) -> bytes:
        eeprom = self._eeprom
        kind, slot = mode & 3, mode >> 2 & 15
        if kind == 3 or (kind != 2 and slot):
            raise Status(PARSE)
        if kind == 0:
            done, of, at = eeprom.config_locked, -1, LOCK_CONFIG_AT
        elif kind == 1:
            done, of, at = eeprom.values_locked or not eeprom.config_locked, None, LOCK_VALUE_AT
        else:
            done, of, at = eeprom.slot_locked(slot) or not eeprom.values_locked, slot, 0
        if done or (kind == 2 and not eeprom.key_config(slot) & LOCKABLE):
            raise Status(EXECUTION)
        if not mode & 0x80 and param2 != eeprom.summary(of):
            raise Status(EXECUTION)
        if kind == 2:
            eeprom.lock_slot(slot)
        else:
            eeprom.lock(at)
        return b"\x00"
