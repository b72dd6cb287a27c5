# SPDX-License-Identifier: Apache-2.0
"""The three families of error: Refusal (ends at the wire as a status word), Fault (the transport
failed, a retry is allowed) and Broken (an invariant does not hold, stop).

No error carries a secret: a reason is a constant of the source, never bytes of a key or message.
"""

from __future__ import annotations


class DuotapError(Exception):
    """Root of every error that firmware raises on purpose; `reason` is a short English text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refusal(DuotapError):
    """A request that is not served; `sw` is its status word (PROTOCOL.md §5)."""

    def __init__(self, sw: int, reason: str) -> None:
        super().__init__(reason)
        self.sw = sw


class Malformed(Refusal):
    """Foreign bytes that are not what they claim to be (status word 6A80, ISO 7816-4 table 6)."""

    def __init__(self, reason: str) -> None:
        super().__init__(0x6A80, reason)


class Fault(DuotapError):
    """The transport failed; nothing was decided and the same step may be tried again."""


class Timeout(Fault):
    """Nothing came within the time allowed."""


class Crowded(Fault):
    """More than one counterpart is there, and only one can be spoken to."""


class Broken(DuotapError):
    """An invariant of this device does not hold; it stops rather than guess."""
