# SPDX-License-Identifier: Apache-2.0
"""What the issuer has told devices apart from money, keys and the deny list: policies,
memberships, resets (PROTOCOL.md §7). Signed, public, and kept as files; a visit hands them over.

The newest of each subject takes the place of the one before, of which no device needs to hear any
more. It signs nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from duotap import messages
from duotap.fold import subject

KINDS = (messages.Policy, messages.Membership, messages.Reset)
SUFFIX = ".statement"


class Bulletin:
    """Statements in a directory, which may not be there yet."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, raw: bytes) -> None:
        """Keep a statement from now on. Malformed if it is none of KINDS."""
        message = messages.decode(raw, *KINDS).message
        kind, about = subject(message)
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{kind}-{about.hex() or 'all'}{SUFFIX}"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(raw)
        os.replace(fresh, path)

    def number(self) -> int:
        """Above that of all resets: the next one's."""
        numbers = [getattr(message, "number", 0) for _, message in self._all()]
        return max(numbers, default=0) + 1

    def due(self, device: bytes) -> list[bytes]:
        """What concerns this device, resets first: they decide which epochs are newer."""
        found = [
            (getattr(message, "number", 1 << 30), raw)
            for raw, message in self._all()
            if getattr(message, "device", None) in (None, device)
        ]
        return [raw for _, raw in sorted(found)]

    def _all(self) -> list[tuple[bytes, messages.Policy]]:
        raws = [path.read_bytes() for path in sorted(self._directory.glob(f"*{SUFFIX}"))]
        return [(raw, messages.decode(raw, *KINDS).message) for raw in raws]
