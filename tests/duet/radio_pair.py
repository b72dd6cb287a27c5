# SPDX-License-Identifier: Apache-2.0
"""Two boards with a PN532 each in one field: shipped driver, virtual chip, virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from drivers.pn532_hsu import Hsu
from drivers.pn532_i2c import I2c
from drivers.pn532_polling import Poller
from drivers.pn532_spi import Spi
from duotap_host.virtual import timeline
from duotap_host.virtual.clock import VirtualClock
from duotap_host.virtual.field import Field
from duotap_host.virtual.mishaps import Rule
from duotap_host.virtual.pn532_bus import IrqLine
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_hsu import HsuPort
from duotap_host.virtual.pn532_i2c import I2cPort, I2cWires
from duotap_host.virtual.pn532_spi import SelectLine, SpiPort, SpiWires
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.uart import UartLine
from pn532_listener import Listener
from whole_pn532 import WholePn532

T = TypeVar("T")
SELECT = bytes.fromhex("00a4040007d276000085010100")
READ = bytes.fromhex("00b0000000")  # answered by 258 bytes in five blocks
OK = b"\x90\x00"
BODY = bytes(range(256))


HSU, I2C, I2C_IRQ, SPI, SPI_IRQ = "hsu", "i2c", "i2c with irq", "spi", "spi with irq"
BUSES = (HSU, I2C, I2C_IRQ, SPI, SPI_IRQ)
BUS = HSU  # of every side; the fixture `bus` runs a test with each of them


class Side:
    """A board: clock, bus, chip and driver. `line` is there on HSU only."""

    line: UartLine
    port: HsuPort | I2cPort | SpiPort

    def __init__(self, field: Field, time: Timeline, name: str, seed: int = 0) -> None:
        uid = random.Random(f"{name} {seed}")
        self.name = name
        self.clock = VirtualClock(time, start_us=(1 << 30) - 300_000)  # ticks wrap on the way
        self.chip = VirtualPn532(time, field, name, seed=seed)
        self.bus = {HSU: self._hsu, I2C: self._i2c, SPI: self._spi}[BUS.split()[0]](time)
        self.pn532 = WholePn532(self.bus, self.clock, lambda: uid.randbytes(3))
        self.listener = Listener(self.pn532)

    def _hsu(self, time: Timeline) -> Hsu:
        self.line = UartLine(time, self.clock)
        self.port = port = HsuPort(self.chip)
        self.line.far.on_receive(lambda chunk, byte_us: port.feed(chunk, byte_us))
        port.on_output(self.line.far.send)
        port.on_baudrate(self.line.far.set_baudrate)
        return Hsu(self.line.device, self.clock)

    def _i2c(self, time: Timeline) -> I2c:
        """With IRQ the chip also stretches the clock and keeps what was not fetched."""
        irq = BUS == I2C_IRQ
        self.port = port = I2cPort(self.chip, self.clock, stretches=irq, keeps=irq)
        return I2c(I2cWires(port), self.clock, IrqLine(port) if irq else None)

    def _spi(self, time: Timeline) -> Spi:
        """With IRQ the wires also send the least significant bit first by themselves."""
        irq = BUS == SPI_IRQ
        self.port = port = SpiPort(self.chip, self.clock, keeps=irq)
        wires = SpiWires(port, SpiWires.LSB if irq else SpiWires.MSB)
        line = IrqLine(port) if irq else None
        return Spi(wires, SelectLine(port), self.clock, line, msb_first=not irq)


class Radio:
    """One field with any number of sides; the first is the poller of most tests."""

    def __init__(self, rules: Sequence[Rule] = (), seed: int = 0) -> None:
        self.time = Timeline(asyncio.get_running_loop())
        self.field = Field(self.time, rules)
        self.seed = seed
        self.tasks: list[asyncio.Task[Any]] = []

    def side(self, name: str) -> Side:
        side = Side(self.field, self.time, name, self.seed)
        self.field.enter(side.chip)
        return side

    def card(self, side: Side, answer: Callable[[bytes], Any]) -> None:
        """Let `side` be set up and listen from now on, one session after another."""
        self.tasks.append(asyncio.create_task(_listen(side, answer), name=side.name))

    async def select(self, side: Side, within_ms: int = 3000) -> Poller:
        """Look for one card as a stand does, with the field off between two looks."""
        for _ in range(within_ms // 50):
            targets = await side.pn532.list_passive()
            if len(targets) == 1:
                return Poller(side.pn532, targets[0])
            await side.pn532.release()
            await side.clock.sleep_ms(20)
        raise AssertionError("no card came")

    def blocks(self, *kinds: str) -> list[str]:
        """The log as lines `> kind hex fate`, of these kinds or all."""
        return [
            f"{'>' if passage.downlink else '<'} {passage.kind} {passage.frame.hex()}"
            + ("" if passage.fate == "passed" else f" {passage.fate}")
            for passage in self.field.log
            if not kinds or passage.kind in kinds
        ]

    def close(self) -> None:
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.result()
            task.cancel()


async def _listen(side: Side, answer: Callable[[bytes], Any]) -> None:
    await side.pn532.setup()
    while True:
        await side.listener.session(answer)


def play(
    story: Callable[[Radio], Coroutine[Any, Any, T]], rules: Sequence[Rule] = (), seed: int = 0
) -> T:
    """Run `story(radio)` on virtual time; a card task that failed fails the story."""

    async def main() -> T:
        radio = Radio(rules, seed)
        try:
            return await story(radio)
        finally:
            radio.close()

    return timeline.run(main())


class Card:
    """Answers SELECT and READ and remembers every APDU it has executed."""

    def __init__(self) -> None:
        self.executed: list[bytes] = []

    def answer(self, apdu: bytes) -> bytes:
        self.executed.append(apdu)
        return BODY + OK if apdu == READ else OK


def echo(apdu: bytes) -> bytes:
    """As many bytes as P1 and P2 say, and 9000."""
    return bytes(range(256)) * 4 if len(apdu) < 4 else bytes(apdu[2] << 8 | apdu[3]) + OK


async def touch(radio: Radio, answer: Callable[[bytes], Any] = echo) -> tuple[Side, Side, Poller]:
    """A stand that has selected a card which answers with `answer`."""
    stand, card = radio.side("stand"), radio.side("card")
    radio.card(card, answer)
    await stand.pn532.setup()
    return stand, card, await radio.select(stand)


async def meet(radio: Radio, card: Card) -> tuple[Side, Side, Poller]:
    stand, listener = radio.side("stand"), radio.side("card")
    radio.card(listener, card.answer)
    await stand.pn532.setup()
    return stand, listener, await radio.select(stand)


async def recover(radio: Radio, stand: Side, card: Card) -> None:
    """From here a new touch works as the first one did."""
    await stand.pn532.release()
    poller = await radio.select(stand)
    assert await poller.transceive(SELECT) == OK
    assert await poller.transceive(READ) == BODY + OK
    await poller.close()
