# SPDX-License-Identifier: Apache-2.0
"""The id of a device as people copy it: from a screen, a finding or a label."""

from __future__ import annotations

from duotap_host.ledger.ids import ID_BYTES
from duotap_host.ledger.interface import Foreign


def device_id(text: str) -> bytes:
    """ID_BYTES of 32 hexadecimal digits. Foreign."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != ID_BYTES:
        raise Foreign(f"{text} is not the id of a device: that is {2 * ID_BYTES} hex digits")
    return found
