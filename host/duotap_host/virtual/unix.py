# SPDX-License-Identifier: Apache-2.0
"""A device as a process: the shipped .mpy files on a real MicroPython of a board's heap size.

The process boots from the LittleFS image in its virtual board's flash, reaches the board through
the channel and the host through a pseudo-terminal, whose path any serial program may open. A boot
can end in four ways, all told by `ended`:
1. the power is cut: this very process is killed, by its id;
2. the firmware or the watchdog asks for a reset: killed and started again;
3. main.py returns or raises: what it wrote to stderr is in `crash_text`;
4. the device is closed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from duotap_host.flash import image
from duotap_host.virtual.board import HARD_RESET, PWRON_RESET, VirtualBoard
from duotap_host.virtual.channel import Channel, Mirror
from duotap_host.virtual.device import VirtualDevice

# An RP2040 has about 180 KiB. Objects are up to twice as large here, and the firmware needs 196.
HEAP = "208k"
MODULES = image.ROOT / "boards" / "UNIX_SIM" / "modules"
ARCH = "x64"
STDERR_BYTES = 65536
STOP_S = 5.0  # a killed process that is not gone by then is a fault of the machine


class UnixDevice(VirtualDevice):
    """One board and the process that runs on it; `firmware` is what its flash is made with."""

    def __init__(
        self, board: VirtualBoard, firmware: image.Firmware | None = None, *, heap: str = HEAP
    ) -> None:
        super().__init__(board)
        self._heap = heap
        self._firmware = firmware or image.firmware(ARCH)
        self.console = self._terminal = Terminal(board.timeline.loop)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the device)
        board.on_power_lost = self._power_lost
        board.on_reset = self._restart
        board.files.burn(self._flashed(self._firmware))

    def _flashed(self, firmware: image.Firmware) -> bytes:
        """What the board's file system holds when it comes from the factory."""
        return image.littlefs_image(firmware, self.board.files.blocks)

    def _frozen(self) -> image.Firmware:
        """What this board has frozen; `_boot` among it starts everything."""
        return _modules()

    @property
    def path(self) -> str:
        """The terminal that a serial program may open instead of using `console`."""
        return self._terminal.path

    @property
    def pid(self) -> int:
        """The running process; 0 when there is none."""
        return self._process.pid if self._process else 0

    def complaints(self) -> str:
        """What it has written to stderr so far: tracebacks of tasks that ended by an error."""
        # Read in place: the process writes at the offset that the two have in common.
        return os.pread(self._stderr.fileno(), STDERR_BYTES, 0).decode(errors="replace")

    async def boot(self) -> None:
        self._start(PWRON_RESET)

    async def close(self) -> None:
        self.cut()
        self._terminal.close()
        self._stderr.close()

    def _start(self, cause: int) -> None:
        """Power on and start the interpreter with the channel and the terminal's far side."""
        self._terminal.flush()
        self.ended.clear()
        self.crash_text = ""
        self._stderr.seek(0)
        self._stderr.truncate()
        self.board.power_on(cause)
        mirror = Mirror(self.board.nor.snapshot())
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)  # its reads return what is there
        self._process = subprocess.Popen(
            [_interpreter(), "-X", f"heapsize={self._heap}", "-c", _bootstrap(self._frozen())],
            stdin=self._terminal.device_fd,
            stdout=self._terminal.device_fd,
            stderr=self._stderr,
            pass_fds=(theirs.fileno(), mirror.fd),
            env=_environment(theirs.fileno(), mirror.fd),
            start_new_session=True,  # a Ctrl-C at the host is not the board's
        )
        theirs.close()
        self._channel = Channel(self.board, ours, mirror)
        self._channel.on_gone = self._gone

    def _gone(self) -> None:
        """The process closed its end: it has ended by itself."""
        self._end()
        self.crash_text = self.complaints()
        self.board.note("stopped", self.crash_text.strip().rpartition("\n")[2])

    def _power_lost(self) -> None:
        self._end()

    def _restart(self) -> None:
        cause = self.board.reset_cause
        self._end()
        # A reset in the midst of a request: the frame is served to its end first.
        self.board.timeline.loop.call_soon(self._start, cause or HARD_RESET)

    def _end(self) -> None:
        """End exactly the process that this device started."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            self._process = None
        self.ended.set()


class Terminal:
    """A pseudo-terminal in raw mode: the device at the controlling side, the host at the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.device_fd, self._host_fd = os.openpty()
        tty.setraw(self._host_fd, termios.TCSANOW)
        os.set_blocking(self._host_fd, False)
        self.path = os.ttyname(self._host_fd)
        self._loop = loop

    async def read(self, nbytes: int = 4096) -> bytes:
        while True:
            try:
                return os.read(self._host_fd, nbytes)
            except BlockingIOError:
                await self._ready(self._loop.add_reader, self._loop.remove_reader)

    async def write(self, chunk: bytes) -> None:
        while chunk:
            try:
                chunk = chunk[os.write(self._host_fd, chunk) :]
            except BlockingIOError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer)

    def flush(self) -> None:
        """Drop what is under way in both directions: the cable is plugged anew."""
        termios.tcflush(self._host_fd, termios.TCIOFLUSH)
        termios.tcflush(self.device_fd, termios.TCIOFLUSH)

    def close(self) -> None:
        self._loop.remove_reader(self._host_fd)
        os.close(self._host_fd)
        os.close(self.device_fd)

    async def _ready(self, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        ready = asyncio.Event()
        add(self._host_fd, ready.set)
        try:
            await ready.wait()
        finally:
            remove(self._host_fd)


def _environment(channel_fd: int, flash_fd: int) -> dict[str, str]:
    return {**os.environ, "DUOTAP_CHANNEL": str(channel_fd), "DUOTAP_FLASH": str(flash_fd)}


def _interpreter() -> str:
    """The MicroPython that came with this Python."""
    found = Path(sys.executable).with_name("micropython")
    if not found.exists():
        raise FileNotFoundError("no micropython beside this Python: make setup")
    return str(found)


@lru_cache(maxsize=1)
def _modules() -> image.Firmware:
    return image.board_modules(MODULES, ARCH)


def _bootstrap(modules: image.Firmware) -> str:
    """Lay a board's modules into a folder named by their content; returns what to run."""
    folder = image.CACHE.parent / "UNIX_SIM" / modules.digest.hex()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in modules.files:
        (folder / name).write_bytes(content)
    return f"import sys\nsys.path[:] = [{str(folder)!r}, '.frozen']\nimport _boot\n_boot.start()\n"
