# SPDX-License-Identifier: Apache-2.0
"""The stage in process: all devices in this Python, on virtual time, with modelled costs."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from duotap_host.demo.stage import Stage, T
from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.costs import RP2040_PORTABLE
from duotap_host.virtual.local import LocalDevice


class LocalStage(Stage):
    """Deterministic: one seed is one run."""

    form = "in process"
    costs = RP2040_PORTABLE

    @staticmethod
    def run(story: Coroutine[Any, Any, T]) -> T:
        return timeline.run(story)

    def make(self, board: VirtualBoard) -> LocalDevice:
        return LocalDevice(board, costs=self.costs)
