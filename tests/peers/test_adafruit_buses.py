# SPDX-License-Identifier: Apache-2.0
"""Adafruit's library, which nobody here wrote, on the virtual PN532's I2C and SPI, in front of a
card with the shipped driver.
"""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from duet import radio_pair
from duet.radio_pair import I2C_IRQ, OK, SELECT, SPI, Radio, Side, play
from duotap_host.virtual.pn532_i2c import I2cPort
from duotap_host.virtual.pn532_spi import FLIPPED, SpiPort
from peers.running_field import script


async def answer(side: Side, word: str, rest: list[str]) -> str:
    """What the wires of `side` say to one line of the library's."""
    port = side.port
    said = "ack"
    if word == "sleep":
        await asyncio.sleep(int(rest[0]) / 1e6)
    elif isinstance(port, I2cPort) and word == "write":
        said = "ack" if port.write(bytes.fromhex(rest[0].strip("-"))) else "nack"
    elif isinstance(port, I2cPort) and word == "read":
        said = port.read(int(rest[0])).hex() or "nack"
    elif isinstance(port, SpiPort) and word == "select":
        port.select(int(rest[0]))
    elif isinstance(port, SpiPort) and word == "transfer":
        octets = bytes.fromhex(rest[0]).translate(FLIPPED)
        said = port.transfer(octets).translate(FLIPPED).hex()
    await side.clock.sleep_ms(1)
    return said


def played(bus: str, *commands: str) -> dict[str, str]:
    """What the library has found."""
    found: dict[str, str] = {}

    async def story(radio: Radio) -> None:
        reader, card = radio.side("reader"), radio.side("card")
        radio.card(card, lambda _: OK)
        await card.clock.sleep_ms(100)
        command, environment = script("adafruit_bus", bus, *commands)
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            while line := process.stdout.readline():
                word, *rest = line.split()
                if word == "found":
                    found[rest[0]] = rest[1]
                process.stdin.write(await answer(reader, word, rest) + "\n")
                process.stdin.flush()
        assert process.returncode == 0

    play(story)
    return found


@pytest.mark.parametrize(("bus", "chip"), [("i2c", I2C_IRQ), ("spi", SPI)])
def test_adafruit_reads_on_its_bus(bus: str, chip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a chip that does not acknowledge for none: on I2C this one stretches the clock."""
    monkeypatch.setattr(radio_pair, "BUS", chip)
    found = played(bus, SELECT.hex())
    assert found["version"] == "32010607"
    assert found["uid"].startswith("08")
    assert found[SELECT.hex()].startswith("009000")
