# SPDX-License-Identifier: Apache-2.0
"""Runs `duotap` beside a chip that is slower than real time: what it waits for may take longer."""

from __future__ import annotations

import asyncio
import sys

from duotap_host.cli.main import main

SLOWER = 50  # an emulated chip on a computer that is busy with more


class PatientLoop(asyncio.SelectorEventLoop):
    """Its seconds last longer."""

    def time(self) -> float:
        return super().time() / SLOWER


class Policy(asyncio.DefaultEventLoopPolicy):
    """Makes such loops."""

    _loop_factory = PatientLoop


if __name__ == "__main__":
    asyncio.set_event_loop_policy(Policy())
    main(sys.argv[1:])
