# SPDX-License-Identifier: Apache-2.0
"""What can go wrong when a board is flashed; each text is one line for a person."""

from __future__ import annotations


class FlashError(Exception):
    """A board is not flashed."""


class NotUsable(FlashError):
    """This interpreter, board or drive cannot be used; nothing was written."""


class FlashFailed(FlashError):
    """The board did not take all of it. What it holds is not to be relied on: do it again."""


class JournalAtRisk(FlashError):
    """What would be overwritten may be a purse that is not deposited; nothing was written."""
