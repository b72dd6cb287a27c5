# SPDX-License-Identifier: Apache-2.0
"""The stage of processes: each device a real MicroPython in real time, of a board's heap size."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from duotap_host.demo.stage import Stage, T
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.costs import FREE
from duotap_host.virtual.unix import UnixDevice


class UnixStage(Stage):
    """What computing costs here is this computer's own time, and is not told apart."""

    form = "MicroPython"
    costs = FREE

    @staticmethod
    def run(story: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(story)

    def make(self, board: VirtualBoard) -> UnixDevice:
        return UnixDevice(board)
