# SPDX-License-Identifier: Apache-2.0
"""Ids of transfers and findings: what happens once has an id that says what it is.

16 bytes of SHA-256 over a domain, which no other use of the hash shares, and the parts, each with
its length. It knows no rows.
"""

from __future__ import annotations

import hashlib
import os

ID_BYTES = 16
LENGTH_BYTES = 4


def digest(domain: str, *parts: bytes | str | int) -> bytes:
    """32 bytes; equal only for the same domain and parts."""
    sha = hashlib.sha256()
    for part in (f"duotap {domain} 1", *parts):
        raw = str(part).encode() if isinstance(part, (str, int)) else part
        sha.update(len(raw).to_bytes(LENGTH_BYTES, "big"))
        sha.update(raw)
    return sha.digest()


def derived(domain: str, *parts: bytes | str | int) -> bytes:
    """An id that is the same whenever the same thing is posted again."""
    return digest(domain, *parts)[:ID_BYTES]


def random_id() -> bytes:
    """An id of something that may happen any number of times."""
    return os.urandom(ID_BYTES)
