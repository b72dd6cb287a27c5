# SPDX-License-Identifier: Apache-2.0
"""The memory of a virtual ATECC608: configuration, slots, their permissions and their wear.

ATECC508A complete data sheet DS20005927A (zones, SlotConfig, KeyConfig, locks); ATECC608A-TFLXTLS
data sheet DS40002138A §2.1 and §9.2 (sizes, write endurance). No public data sheet of the family
says a word of a block whose write was cut: here it holds whatever the plan leaves (`plan_cut`),
and a block that was written more often than it endures any bits. Knows no bus and no command.
"""

from __future__ import annotations

import random

from drivers.atecc608 import crc16

from duotap_host.virtual.nor import Mix, PowerCut, Tear

BLOCK = 32
SLOTS = 16
ENDURANCE = 400_000  # writes of each byte, at 85 C
COUNTER_MAX = 2_097_151
UNLOCKED = 0x55

CONFIG_BYTES = 128
SLOT_CONFIG_AT = 20
COUNTERS_AT = 52
LOCK_VALUE_AT = 86
LOCK_CONFIG_AT = 87
SLOT_LOCKED_AT = 88
CHIP_OPTIONS_AT = 90
KEY_CONFIG_AT = 96
# Write never reaches these: serial number and revision, UserExtra and the two locks, which have
# commands of their own.
READ_ONLY = (range(16), range(84, 88))


def slot_bytes(slot: int) -> int:
    """Slots 0-7 have 36 bytes, slot 8 416, the others 72 (§2.1)."""
    return 36 if slot < 8 else 416 if slot == 8 else 72


class Eeprom:
    """An unlocked chip; `serial` gives the six bytes of its number that differ."""

    def __init__(self, serial: bytes) -> None:
        self.config = bytearray(CONFIG_BYTES)
        self.config[0:4] = b"\x01\x23" + serial[:2]
        self.config[4:8] = b"\x00\x00\x60\x02"
        self.config[8:13] = serial[2:6] + b"\xee"
        self.config[14], self.config[16] = 1, 0xC0
        self.config[SLOT_LOCKED_AT : SLOT_LOCKED_AT + 2] = b"\xff\xff"
        self.config[LOCK_VALUE_AT] = self.config[LOCK_CONFIG_AT] = UNLOCKED
        self.slots = [bytearray(b"\xff" * slot_bytes(slot)) for slot in range(SLOTS)]
        self.private: dict[int, int] = {}  # scalars of private keys
        self.counters = [0, 0]
        self.wear: dict[tuple[int, int], int] = {}  # slot and block: writes
        self.writes = 0  # operations of any kind since the chip was made
        self._cut: tuple[int, Tear] | None = None

    @property
    def serial(self) -> bytes:
        """Nine bytes."""
        return bytes(self.config[0:4] + self.config[8:13])

    @property
    def config_locked(self) -> bool:
        return self.config[LOCK_CONFIG_AT] != UNLOCKED

    @property
    def values_locked(self) -> bool:
        return self.config[LOCK_VALUE_AT] != UNLOCKED

    def slot_locked(self, slot: int) -> bool:
        word = int.from_bytes(self.config[SLOT_LOCKED_AT : SLOT_LOCKED_AT + 2], "little")
        return not word >> slot & 1

    def slot_config(self, slot: int) -> int:
        at = SLOT_CONFIG_AT + 2 * slot
        return int.from_bytes(self.config[at : at + 2], "little")

    def key_config(self, slot: int) -> int:
        at = KEY_CONFIG_AT + 2 * slot
        return int.from_bytes(self.config[at : at + 2], "little")

    def chip_options(self) -> int:
        return int.from_bytes(self.config[CHIP_OPTIONS_AT : CHIP_OPTIONS_AT + 2], "little")

    def is_private(self, slot: int) -> bool:
        return bool(self.key_config(slot) & 1)

    def key(self, slot: int) -> bytes:
        """What GenDig, MAC and CheckMac take of a slot."""
        return bytes(self.slots[slot][:BLOCK])

    # Writing: each is an operation that a planned cut may tear

    def plan_cut(self, operations: int, tear: Tear) -> None:
        """So many writes still go well; the one after them is torn, and the power is gone."""
        self._cut = self.writes + operations, tear

    def power_on(self) -> None:
        self._cut = None

    def write_config(self, at: int, content: bytes) -> None:
        self._write(self.config, at, content)

    def write_slot(self, slot: int, at: int, content: bytes) -> None:
        worn = (slot, at // BLOCK)
        self.wear[worn] = self.wear.get(worn, 0) + 1
        room = len(self.slots[slot]) - at
        if self.wear[worn] > ENDURANCE:
            old = bytes(self.slots[slot][at : at + len(content)])
            content = Mix(self.wear[worn]).left(old, content)
        self._write(self.slots[slot], at, content[:room])

    def write_private(self, slot: int, scalar: int) -> None:
        """GenKey. A cut leaves a key that nobody knows the public half of."""
        try:
            self._write(bytearray(BLOCK), 0, bytes(BLOCK))
        except PowerCut:
            self.private[slot] = scalar ^ 1 << random.Random(scalar).randrange(250)
            raise
        self.private[slot] = scalar

    def lock_slot(self, slot: int) -> None:
        word = int.from_bytes(self.config[SLOT_LOCKED_AT : SLOT_LOCKED_AT + 2], "little")
        self.write_config(SLOT_LOCKED_AT, (word & ~(1 << slot)).to_bytes(2, "little"))

    def lock(self, at: int) -> None:
        self.write_config(at, b"\x00")

    def step(self, counter: int) -> None:
        """Counters are kept twice inside the chip: a cut leaves the old or the new number."""
        self._write(bytearray(1), 0, b"\x00")
        self.counters[counter] += 1

    def _write(self, memory: bytearray, at: int, content: bytes) -> None:
        operation, tear = self._cut or (-1, None)
        end = at + len(content)
        if tear is not None and operation == self.writes:
            memory[at:end] = tear.left(bytes(memory[at:end]), content)
            raise PowerCut
        memory[at:end] = content
        self.writes += 1

    # Summaries for Lock

    def summary(self, slot: int | None) -> int:
        """CRC over the configuration, or over all slots of the data zone, or over one."""
        content = b"".join(self.slots) + bytes(64)
        if slot is not None:
            content = bytes(self.config) if slot < 0 else bytes(self.slots[slot])
        return int.from_bytes(crc16(content), "little")
