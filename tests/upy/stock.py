# SPDX-License-Identifier: Apache-2.0
"""A device whose flash was written by our UF2 for a stock RP2040, booted as that interpreter does.

The interpreter is the Unix port, since the chip's own, emulated, takes minutes (tests/chip):
`machine` and `rp2` are thin layers that refuse what the chip refuses, the boot order, the mount of
the file system and all of the firmware are the real ones. Without the machine code for Thumb.
"""

from __future__ import annotations

from duotap_host.demo.stage_unix import UnixStage
from duotap_host.flash import image, rp2040, stock, uf2
from duotap_host.flash.geometry import RP2040
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.unix import ARCH, UnixDevice
from upy.interpreter import ROOT
from upy.stand_in import interpreter

STOCK = ROOT / "boards" / "UNIX_SIM" / "stock_rp2040"
STOCK_HEAP = "288k"
# At its first boot a board blanks its journal: the process does so over the channel.
FIRST_BOOT_S = 120.0
SIMULATED = ROOT / "boards" / "UNIX_SIM" / "modules"


def board_name(kind: str) -> str:
    return f"{kind.upper()}_RP2040"


def lines_of(board: str) -> dict[int, str]:
    """GPIO numbers and what is wired there, by the board's pins.csv."""
    rows = (ROOT / "boards" / board / "pins.csv").read_text().split()
    pairs = [row.split(",") for row in rows]
    return {int(gpio.removeprefix("GPIO")): name for name, gpio in pairs}


def flashed(firmware: image.Firmware) -> bytes:
    """The file system's part of the UF2 with this firmware."""
    pages = uf2.decode(rp2040.combined(rp2040.interpreter(interpreter()), firmware))
    files = sorted((at, page) for at, page in pages.items() if at >= RP2040.files_at)
    return b"".join(page for _, page in files)


class StockDevice(UnixDevice):
    """`board` has a flash of the geometry RP2040 and no region for the journal. Its heap holds the
    thin layers and the table of 16 KiB too, on words of 64 bits."""

    def __init__(self, board: VirtualBoard) -> None:
        super().__init__(board, heap=STOCK_HEAP)

    def _flashed(self, firmware: image.Firmware) -> bytes:
        return flashed(image.firmware(ARCH, board_name(self.board.kind)))

    def _frozen(self) -> image.Firmware:
        found = {f"{path.stem}.mpy": path for path in STOCK.glob("*.py")}
        found["simulated.mpy"] = SIMULATED / "machine.py"
        found["channel.mpy"] = SIMULATED / "channel.py"
        files = {name: image.compile_file(path, path.name, ARCH) for name, path in found.items()}
        lines = f"LINES = {lines_of(board_name(self.board.kind))!r}\n"
        files["lines.mpy"] = image.compile_text(lines, "lines.py", ARCH)
        return image.Firmware(tuple(sorted(files.items())))

    def journal_bytes(self) -> bytes:
        return stock.journal(self.board.files.content(), RP2040)


class StockStage(UnixStage):
    """The story's devices as stock RP2040."""

    form = "stock RP2040"

    async def add(self, name: str, kind: str) -> VirtualDevice:
        board = VirtualBoard(
            self.timeline,
            self.field,
            kind=kind,
            name=name,
            seed=self._seed,
            files_blocks=RP2040.files_blocks,
            journal_blocks=1,
        )
        device = self.devices[name] = StockDevice(board)
        self.sheet.watch(board)
        await self.first_boot(device)
        return device

    async def first_boot(self, device: VirtualDevice) -> None:
        await device.boot()
        await device.shows("new", FIRST_BOOT_S)
