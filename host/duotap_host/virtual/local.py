# SPDX-License-Identifier: Apache-2.0
"""A device in this very Python: the shipped firmware on CPython and on the loop's time.

On a VirtualLoop it is deterministic. Its tasks are known by the context in which they were made,
so that a power cut ends all of them and nothing else; a boot can end in the four ways that are
listed in virtual/unix.py. Knows no protocol.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import traceback
from collections.abc import Callable, Coroutine
from functools import lru_cache
from tempfile import TemporaryDirectory
from typing import Any

from drivers.atecc608 import Atecc608
from duotap.errors import Broken, Fault, Refusal
from port import bound

from duotap_host import cipher
from duotap_host.flash import image
from duotap_host.virtual.board import PWRON_RESET, VirtualBoard
from duotap_host.virtual.cable import Cable
from duotap_host.virtual.costs import COMPUTING, RP2040_PORTABLE, ChargingSigner, Costs, Signer
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.machine import Reset, VirtualMachine
from duotap_host.virtual.nor import PowerCut

BOARD = image.ROOT / "boards" / "UNIX_SIM" / "modules" / "board.py"

Run = Callable[[Any], Coroutine[Any, Any, object]]

# What a peer is told to expect of an ATECC608: authorization and signature, verification.
ELEMENT_SIGN_MS, ELEMENT_VERIFY_MS = 215, 140

_owner: contextvars.ContextVar[LocalDevice] = contextvars.ContextVar("device")


class LocalDevice(VirtualDevice):
    """`run(parts)` is the firmware's main coroutine, the shipped product by default."""

    def __init__(
        self,
        board: VirtualBoard,
        run: Run | None = None,
        *,
        costs: Costs = RP2040_PORTABLE,
        digest: bytes | None = None,
    ) -> None:
        super().__init__(board)
        self._run = run or shipped
        self._costs = costs
        self._loop = board.timeline.loop
        self._tasks: set[asyncio.Task[Any]] = set()
        self.cable = Cable(board.clock)
        self.console = self.cable.host
        self.files = Files()
        self.files.kept[image.DIGEST_FILE] = digest or image.firmware().digest
        self.parts: Any = None
        self._machine = VirtualMachine(board)
        board.on_power_lost = self._power_lost
        board.on_reset = self._restart
        factory: Any = _own_task  # the loops' own types differ between versions of Python
        self._loop.set_task_factory(factory)

    async def boot(self) -> None:
        self._start(PWRON_RESET)

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, cause: int) -> None:
        """New parts over the same flash and files, and the main task in this device's context."""
        self.ended.clear()
        self.crash_text = ""
        self.cable.clear()
        self.board.power_on(cause)
        self._machine = VirtualMachine(self.board)
        self.files.check = self._machine.check
        self.parts = board_file().build(
            self._machine,
            clock=self.board.clock,
            console=self.cable.device,
            files=self.files,
            cipher=cipher.Aes,
            charged=self._charged,
        )
        if self.board.element is not None:
            self.parts.signer = self._element_signer
        context = contextvars.copy_context()
        context.run(_owner.set, self)
        main = self._main(self.parts)
        # Run there, so that the task factory sees whose task it makes.
        context.run(self._loop.create_task, main, context=context)

    async def _main(self, parts: Any) -> None:
        await self._run(parts)
        self._stopped("")

    def _charged(self, signer: Signer) -> ChargingSigner:
        return ChargingSigner(signer, self.board.clock, self._costs)

    def _element_signer(self, secret: int) -> Any:
        """What the file of a board with an ATECC608 would choose. Its time is the chip's own, and
        that of the bus."""
        chip = Atecc608(lambda hz: self._machine.I2C(0, freq=hz), self._wait_us)
        return bound.signer(chip, secret, self.parts.entropy, ELEMENT_SIGN_MS, ELEMENT_VERIFY_MS)

    def _wait_us(self, us: int) -> None:
        self.board.clock.charge(us, COMPUTING)

    def _power_lost(self) -> None:
        self._end()

    def _restart(self) -> None:
        self._end()
        self._loop.call_soon(self._start, self.board.reset_cause)

    def _stopped(self, crash_text: str) -> None:
        self._end()
        self.crash_text = crash_text
        self.board.note("stopped", crash_text.strip().rpartition("\n")[2])

    def _end(self) -> None:
        """Nothing of this boot has any effect from now on."""
        self._machine.alive = False
        for task in self._tasks:
            if task is not asyncio.current_task(self._loop):
                task.cancel()
        self.ended.set()

    def owns(self, task: asyncio.Task[Any]) -> None:
        """A task was made by this device."""
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        """A task ended: by itself, by the device's end, or by an error that nobody may miss.

        Refusals and Faults are raised to whoever awaits the task.
        """
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        expected = isinstance(error, Refusal | Fault | PowerCut | Reset)
        if error is not None and not expected and self._machine.alive:
            self._stopped("".join(traceback.format_exception(error)))


class Files:
    """A device's files (port.files) as a dictionary that outlives its boots."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self._folder: TemporaryDirectory[str] | None = None
        self.check: Callable[[], object] = lambda: None

    @property
    def folder(self) -> str:
        """Where sets of deny lists are kept, which are read piece by piece."""
        if self._folder is None:
            self._folder = TemporaryDirectory()
        return f"{self._folder.name}/"

    def has(self, name: str) -> bool:
        self.check()
        return name in self.kept

    def read(self, name: str) -> bytes:
        self.check()
        if name not in self.kept:
            raise Broken("a file of the device is missing")
        return self.kept[name]

    def write_once(self, name: str, content: bytes) -> None:
        if self.has(name):
            raise Broken("a file that is written once exists already")
        self.kept[name] = bytes(content)


async def shipped(parts: Any) -> None:
    """The product that this board is, as firmware/main.py starts it."""
    from main import assemble

    await assemble(parts).run()


@lru_cache(maxsize=1)
def board_file() -> Any:
    """boards/UNIX_SIM/modules/board.py, the very file that the Unix port runs."""
    spec = importlib.util.spec_from_file_location("duotap_unix_sim_board", BOARD)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(BOARD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _own_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **settings: Any
) -> asyncio.Task[Any]:
    """A task factory that tells a device of the tasks made in its context."""
    task = asyncio.Task(coro, loop=loop, **settings)
    device = _owner.get(None)
    if device is not None:
        device.owns(task)
    return task
