# SPDX-License-Identifier: Apache-2.0
"""A small firmware for trying a board: each byte on the console is an order.

Runs on the Unix port and in process, like the shipped products, and knows no protocol.
"""

from __future__ import annotations

import asyncio

PAGE = 256
SETTLE_MS = 100  # the screen is drawn and the buttons are watched


class Bench:
    def __init__(self, parts):
        self.parts = parts
        self.bus = parts.radio_bus()
        self.fed = True
        self.orders = {
            b"e": self.echo_uart,
            b"f": self.program,
            b"k": lambda: parts.files.write_once("key", parts.entropy.read("key", 32)),
            b"K": lambda: self.tell(parts.files.read("key")),
            b"n": lambda: self.tell(parts.entropy.read("noise", 16)),
            b"r": parts.reset,
            b"w": self.starve,
            b"x": lambda: 1 // 0,
            b"l": self.loop,
            b"v": self.set_radio_up,
            b"m": self.memory,
        }

    def tell(self, chunk):
        self.parts.console.write(bytes((len(chunk),)) + chunk)

    def echo_uart(self):
        chunk = self.bus.uart.read()
        if chunk:
            self.bus.uart.write(chunk)
        self.tell(b"")

    def set_radio_up(self):
        """Tells the chip's version, and the speed of its bus in units of 100 baud."""
        from drivers.pn532 import Pn532

        async def version():
            pn532 = Pn532(self.bus, self.parts.clock)
            await pn532.setup()
            self.tell(pn532.firmware_version + (self.bus.baudrate // 100).to_bytes(2, "big"))

        self.task = asyncio.create_task(version())

    def program(self):
        """Two pages of the journal's sector 3; says so after the second."""
        for page in (1, 2):
            self.parts.journal_store.writeblocks(3, bytes((0xA0 + page,)) * PAGE, page * PAGE)
        self.tell(b"programmed")

    def starve(self):
        self.fed = False
        self.tell(b"")

    def loop(self):
        """Compute for ever, looking at nothing."""
        self.tell(b"")
        while self.fed:
            pass

    def memory(self):
        import gc

        gc.collect()
        self.tell(b"%d" % getattr(gc, "mem_free", lambda: 0)())

    async def presses(self):
        keys = self.parts.keypad if self.parts.kind == "stand" else self.parts.buttons
        typed = ""
        while True:
            key = await keys.next()
            typed += key if isinstance(key, str) else key[0] + ("!" if key[1] else "")
            self.parts.display.text(typed, 0, 48)
            self.parts.display.show()

    async def run(self):
        display = self.parts.display
        display.start()
        display.centre("BENCH", 0, 3)
        display.text(f"{self.parts.kind} {self.parts.battery.percent()}%", 0, 30)
        display.show()
        self.parts.buzzer.sound("ok")
        self.parts.light.show("ready")
        self.watch = asyncio.create_task(self.presses())
        await self.parts.clock.sleep_ms(SETTLE_MS)
        self.tell(b"ready")
        while True:
            if self.fed:
                self.parts.wdt.feed()
            order = self.parts.console.read(1)
            if order:
                self.orders[order]()
            await self.parts.clock.sleep_ms(2)


async def run(parts):
    await Bench(parts).run()
