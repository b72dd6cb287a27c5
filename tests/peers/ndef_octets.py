# SPDX-License-Identifier: Apache-2.0
"""NDEF messages as octets (NFC Forum NDEF 1.0, RTD URI 1.0), to compare what programs read."""

from __future__ import annotations

PREFIXES = {"https://www.": 0x02, "http://": 0x03, "https://": 0x04}


def uri(address: str) -> bytes:
    """One URI record, short as long as it can be."""
    prefix = next((prefix for prefix in PREFIXES if address.startswith(prefix)), "")
    payload = bytes([PREFIXES.get(prefix, 0)]) + address.removeprefix(prefix).encode()
    if len(payload) < 256:
        return bytes([0xD1, 0x01, len(payload), 0x55]) + payload
    return b"\xc1\x01" + len(payload).to_bytes(4, "big") + b"\x55" + payload


# Empty record, one block, several blocks, several commands.
MESSAGES = (
    bytes.fromhex("d00000"),
    uri("https://example.org/x"),
    uri("https://example.org/" + "y" * 60),
    uri("https://www.example.org/" + "z" * 300),
)
