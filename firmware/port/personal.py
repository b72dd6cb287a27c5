# SPDX-License-Identifier: Apache-2.0
"""Making a blank ATECC608 the element of one board: configuration, pairing keys, the purse key,
and the locks that none of it comes back from. Needed once in a device's life: imported late.

Each step looks first whether it was done, so that a cut anywhere is made up for by the next run
with the same secret. Bits: ATECC508A complete data sheet DS20005927A, "SlotConfig", "KeyConfig";
ChipOptions: ATECC608A. Knows no purse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.atecc608 import BLOCK, CONFIG_ZONE, DATA_ZONE, crc16, slot_address
from duotap.errors import Broken

from port.bound import MARKS, PAIRING, PURSE, UNLOCKED, WIRE, mark

if TYPE_CHECKING:
    from typing import Any

    from drivers.atecc608 import Atecc608

    from port.bound import Pair

LOCK_VALUE_AT, LOCK_CONFIG_AT = 86, 87
SLOT_CONFIG_AT, SLOT_LOCKED_AT, CHIP_OPTIONS_AT, KEY_CONFIG_AT = 20, 88, 90, 96
CONFIG_BYTES = 128
# What decides who may do what; all else stays as it left the factory.
AREAS = ((SLOT_CONFIG_AT, 32), (SLOT_LOCKED_AT, 4), (KEY_CONFIG_AT, 32))

LOCK_CONFIG, LOCK_DATA, LOCK_SLOT = 0x00, 0x81, 0x82 | PURSE << 2

# (slot, SlotConfig, KeyConfig)
SLOTS = (
    # Private key of P-256: signs digests from outside after CheckMac of PAIRING, is made by GenKey
    # until its slot is locked, and its public half may always be had.
    (PURSE, 0x2081, 0x01B3),
    # Secret, never written nor read, not for MAC: what the element says of it to nobody, nobody
    # can say back. Nonces must be random.
    (PAIRING, 0x8090, 0x005C),
    # Secret, never written nor read; nonces must be random. It is the IO protection key too.
    (WIRE, 0x8080, 0x005C),
    # Public; written with a MAC by WIRE only.
    (MARKS[0], 0x4000 | WIRE << 8, 0x001C),
    (MARKS[1], 0x4000 | WIRE << 8, 0x001C),
)
OTHER_SLOT_CONFIG, OTHER_KEY_CONFIG = 0x8080, 0x001C  # never written, never read
CHIP_OPTIONS = WIRE << 12 | 0x0002  # IO protection by the key in slot WIRE


def wanted() -> bytes:
    """The configuration, 128 bytes, right in AREAS."""
    config = bytearray(CONFIG_BYTES)
    for slot in range(16):
        _put(config, slot, OTHER_SLOT_CONFIG, OTHER_KEY_CONFIG)
    for slot, slot_config, key_config in SLOTS:
        _put(config, slot, slot_config, key_config)
    config[SLOT_LOCKED_AT : SLOT_LOCKED_AT + 2] = b"\xff\xff"
    config[CHIP_OPTIONS_AT : CHIP_OPTIONS_AT + 2] = CHIP_OPTIONS.to_bytes(2, "little")
    return bytes(config)


def _put(config: bytearray, slot: int, slot_config: int, key_config: int) -> None:
    at = SLOT_CONFIG_AT + 2 * slot
    config[at : at + 2] = slot_config.to_bytes(2, "little")
    at = KEY_CONFIG_AT + 2 * slot
    config[at : at + 2] = key_config.to_bytes(2, "little")


def personalize(pair: Pair) -> None:
    """Do what is missing. Raises Broken for an element that somebody else configured, Fault."""
    chip = pair.chip
    config = chip.run(chip.configuration)
    if config[LOCK_CONFIG_AT] == UNLOCKED:
        _configure(chip, config)
    elif not is_ours(config):
        raise Broken("element: configured by somebody else")
    if config[LOCK_VALUE_AT] == UNLOCKED:
        _fill(pair)
    if config[SLOT_LOCKED_AT] >> PURSE & 1:
        _bear(pair)


def is_ours(config: bytes) -> bool:
    """Whether a configuration gives the slots the rights that they need here; which slot is locked
    is looked at apart."""
    ours = wanted()
    areas = ((SLOT_CONFIG_AT, 32), (CHIP_OPTIONS_AT, 2), (KEY_CONFIG_AT, 32))
    return not [at for at, size in areas if config[at : at + size] != ours[at : at + size]]


def _configure(chip: Atecc608, config: bytes) -> None:
    ours = wanted()
    for start, size in AREAS:
        for at in range(start, start + size, 4):
            if config[at : at + 4] != ours[at : at + 4]:
                _write(chip, CONFIG_ZONE, at >> 5 << 3 | at >> 2 & 7, ours[at : at + 4])
    written = chip.run(chip.configuration)
    if not is_ours(written):
        raise Broken("element: the configuration does not take")
    summary = int.from_bytes(crc16(written), "little")
    chip.run(lambda: chip.lock(LOCK_CONFIG, summary), 1)


def _fill(pair: Pair) -> None:
    """Keys and the first mark, in the clear: nothing of it is worth anything yet."""
    pairing, wire = pair.keys()
    contents = (
        (PAIRING, pairing),
        (WIRE, wire),
        (MARKS[0], mark(0, bytes(32))),
        (MARKS[1], bytes(32)),
    )
    for slot, content in contents:
        _write(pair.chip, DATA_ZONE | BLOCK, slot_address(slot), content)
    pair.chip.run(lambda: pair.chip.lock(LOCK_DATA, 0), 1)


def _bear(pair: Pair) -> None:
    """A key of an earlier run, whose slot a cut left unlocked, gives way: nobody has seen it."""

    def work() -> None:
        pair.authorize()
        pair.chip.genkey(PURSE)
        pair.chip.lock(LOCK_SLOT, 0)

    pair.chip.run(work)


def _write(chip: Any, zone: int, address: int, content: bytes) -> None:
    chip.run(lambda: chip.write(zone, address, content))
