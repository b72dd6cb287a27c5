# SPDX-License-Identifier: Apache-2.0
"""The host's half of what an ATECC608 computes with SHA-256: nonce, digest, and the three MACs.

Each function gives the 32 bytes that the chip computes, from the table of ATECC608A-TFLXTLS data
sheet DS40002138A that it names. `serial` is the chip's serial number, 9 bytes. Knows no bus.
"""

from __future__ import annotations

from hashlib import sha256

from drivers.atecc608 import GENDIG, MAC, NONCE, VERIFY, WRITE

OTHER_BYTES = 13


def nonce(chip: bytes, host: bytes) -> bytes:
    """TempKey after Nonce in random mode: 32 bytes of the chip's, 20 of the host's."""
    return sha256(chip + host + bytes((NONCE, 0x00, 0x00))).digest()


def gendig(serial: bytes, temp_key: bytes, slot: int, content: bytes) -> bytes:
    """TempKey after GenDig of a data slot (§5.3.3); `content`: its first 32 bytes."""
    head = content + bytes((GENDIG, 0x02, slot, 0x00))
    return sha256(head + _serial(serial) + bytes(25) + temp_key).digest()


def mac(serial: bytes, key: bytes, temp_key: bytes, slot: int) -> bytes:
    """MAC over TempKey of random source, with the serial number (§5.3.5.2)."""
    head = key + temp_key + bytes((MAC, 0x41, slot, 0x00)) + bytes(11) + serial[8:]
    return sha256(head + serial[4:8] + serial[:2] + serial[2:4]).digest()


def checkmac(serial: bytes, key: bytes, temp_key: bytes, other: bytes) -> bytes:
    """What CheckMac wants over TempKey (§5.3.2), with 13 bytes of our choice."""
    head = key + temp_key + other[:4] + bytes(8) + other[4:7] + serial[8:]
    return sha256(head + other[7:11] + serial[:2] + other[11:13]).digest()


def write_mac(serial: bytes, temp_key: bytes, zone: int, address: int, content: bytes) -> bytes:
    """Input MAC of an encrypted write (§5.1.10.2); `content` in the clear."""
    head = temp_key + bytes((WRITE, zone, address & 0xFF, address >> 8))
    return sha256(head + _serial(serial) + bytes(25) + content).digest()


def verify_mac(key: bytes, digest: bytes, host: bytes, signature: bytes) -> bytes:
    """Validating MAC of Verify, external, from the message digest buffer (§5.2.5.1)."""
    return sha256(key + digest + host + signature + bytes((VERIFY, 0xA2, 0x04, 0x00))).digest()


def xor(one: bytes, other: bytes) -> bytes:
    """Of 32 bytes each: the encryption of a written block."""
    number = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return number.to_bytes(32, "big")


def _serial(serial: bytes) -> bytes:
    return serial[8:] + serial[:2]
