# SPDX-License-Identifier: Apache-2.0
"""A device tells the cable whether its radio chip answers, and the doctor says what to do."""

from __future__ import annotations

import pytest
from duotap_host import doctor
from duotap_host.device.client import RADIO_ANSWERS, RADIO_SILENT, Client
from duotap_host.doctor import Verdict
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.pn532_hsu import HsuPort
from port.cable import LINGER_MS
from upy.forms import LOCAL, UNIX, play

WAIT_MS = 3000  # every attempt of the driver is over by then


@pytest.mark.parametrize("form", [LOCAL, UNIX])
def test_a_chip_that_answers(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        await device.shows("new")
        await device.board.clock.sleep_ms(WAIT_MS)
        hello = await Client(device.console).connect()
        assert hello.radio == RADIO_ANSWERS

    play(story, form)


def test_a_chip_whose_wire_breaks() -> None:
    """The chip is set up anew after each session at the cable."""

    async def story(device: VirtualDevice) -> None:
        await device.shows("new")
        assert isinstance(device.board.port, HsuPort)
        device.board.port.on_output(lambda _said: None)
        await Client(device.console).connect()
        await device.board.clock.sleep_ms(LINGER_MS + WAIT_MS)
        hello = await Client(device.console).connect()
        assert hello.radio == RADIO_SILENT
        told = doctor._radio(hello.radio)
        assert told.verdict is Verdict.FAIL
        assert "switches" in told.remedy

    play(story, LOCAL)
