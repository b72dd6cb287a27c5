# SPDX-License-Identifier: Apache-2.0
"""What a ledger keeps beside its accounts: whom the deny list lists, and which factory keys were
handed out. Shapes only; errors are those of `interface`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class DenyLists(NamedTuple):
    """The deny list of one epoch, signed; `set` is what the full one names, `delta` what changed,
    each empty if there is none (PROTOCOL.md §13)."""

    epoch: int
    listed: int
    full: bytes
    set: bytes
    delta: bytes


class DenyBook(Protocol):
    """Whom the deny list lists, and what was published."""

    def deny(self, device: bytes) -> None:
        """List a device from the next list on. NotFound."""

    def allow(self, device: bytes) -> None:
        """List it no more. Refused for one that is frozen or lost."""

    def denied(self) -> Collection[bytes]:
        """Whom the next list lists."""

    def publish(self) -> DenyLists:
        """Sign the list of today's epoch; the same again once it is there."""

    def newest(self) -> DenyLists | None:
        """What was published last."""


class FactoryBook(Protocol):
    """Factory keys that were handed out (PROTOCOL.md §3)."""

    def add(self, keycert: bytes) -> bytes:
        """Enter one; the root's statement about it. Refused if devices have no room for it."""

    def statements(self) -> Sequence[bytes]:
        """Those statements, in order: every device is to know them."""
