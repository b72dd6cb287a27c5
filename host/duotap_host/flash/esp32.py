# SPDX-License-Identifier: Apache-2.0
"""An ESP32 gets a stock MicroPython, our partition table and one LittleFS, through esptool.

The interpreter is a file that the user downloaded: ESP32_GENERIC as it is flashed at 0x1000, with
boot loader, the stock partition table and the program in it; ours takes that table's place. The
only module that speaks to esptool, by its public commands (`esptool.cmds`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from esptool import cmds, loader
from esptool.logger import TemplateLogger, log
from esptool.util import FatalError
from serial import SerialException

from duotap_host.flash import image, linked, partitions
from duotap_host.flash.failures import FlashFailed, NotUsable
from duotap_host.flash.geometry import BLOCK_BYTES, ESP32
from duotap_host.flash.image import Firmware
from duotap_host.flash.rp2040 import VERSION, VERSION_MIN

IMAGE_AT = 0x1000
IMAGE_MAGIC = 0xE9
CHIP_ID_AT, CHIP_ID = 12, b"\0\0"  # of an ESP32, in the extended header of an image
CHIP = "ESP32"
BAUDRATE = 460800

Progress = Callable[[str, int, int], object]  # what, bytes so far, bytes in all


class Piece(NamedTuple):
    """Bytes for a place in flash."""

    name: str
    at: int
    content: bytes


def pieces(interpreter: bytes, board: str, firmware: Firmware, files: bytes = b"") -> list[Piece]:
    """What is written for a board, by address; `files` in the place of a new file system. Raises
    NotUsable, PartitionError."""
    rows = partitions.read_csv(linked.BOARDS / board / "partitions.csv")
    program = next(row for row in rows if row.kind == partitions.TYPES["app"])
    checked(interpreter, program)
    table = partitions.TABLE_AT - IMAGE_AT
    content = (
        interpreter[:table]
        + partitions.encode(rows)
        + interpreter[table + partitions.TABLE_BYTES :]
    )
    files = files or image.stock_image(firmware, ESP32)
    return [Piece("MicroPython", IMAGE_AT, content), Piece("files", ESP32.files_at, files)]


def checked(interpreter: bytes, program: partitions.Partition) -> str:
    """The version of a download that fits. Raises NotUsable."""
    if interpreter[:1] != bytes((IMAGE_MAGIC,)):
        raise NotUsable("this is no image for an ESP32 that is flashed at 0x1000")
    if interpreter[CHIP_ID_AT : CHIP_ID_AT + 2] != CHIP_ID:
        raise NotUsable("this image is for another chip than the ESP32")
    table = interpreter[partitions.TABLE_AT - IMAGE_AT :][: partitions.TABLE_BYTES]
    theirs = [row for row in partitions.decode(table) if row.kind == program.kind]
    if [row.offset for row in theirs] != [program.offset]:
        raise NotUsable("its program does not lie where the stock ESP32_GENERIC has it")
    found = VERSION.search(interpreter)
    if found is None:
        raise NotUsable("there is no MicroPython in this image")
    version = found[0].decode()
    if (int(found[1]), int(found[2])) < VERSION_MIN:
        raise NotUsable(f"{version} is too old: 1.26 or newer is needed")
    if len(interpreter) + IMAGE_AT > program.offset + program.size:
        raise NotUsable(f"{version} is too large for the partition of its program")
    return version


class Board:
    """An ESP32 in its ROM's boot loader. `stub=False` speaks to the ROM itself, without resetting
    the chip by the serial port's control lines."""

    def __init__(self, port: Any, stub: bool = True) -> None:
        self._port = port
        self._stub = stub

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        mode = "default-reset" if self._stub else "no-reset"
        found = None
        try:
            found = cmds.detect_chip(self._port, connect_mode=mode, connect_attempts=3)
            if found.CHIP_NAME != CHIP:
                raise FlashFailed(f"there is an {found.CHIP_NAME}, not an {CHIP}")
            if self._stub:
                found = cmds.run_stub(found)
                found.change_baud(BAUDRATE)
            cmds.attach_flash(found)
            # esptool would wait for a lost line and write on; who holds the cable says when.
            found.WRITE_FLASH_ATTEMPTS = 1
            yield found
        except (FatalError, SerialException, OSError) as error:
            raise FlashFailed(" ".join(str(error).split())) from None
        finally:
            if found is not None:
                found._port.close()

    def is_blank(self, at: int, size: int) -> bool:
        """Whether flash is erased there, by its MD5. Raises FlashFailed."""
        blank = hashlib.md5(b"\xff" * size, usedforsecurity=False).hexdigest()
        with self._connected() as found:
            return bool(found.flash_md5sum(at, size) == blank)

    def read(self, at: int, size: int, progress: Progress) -> bytes:
        """Flash from there on, of whole blocks. What its MD5 shows to be blank is not asked for.
        Raises FlashFailed."""
        with self._connected() as found:
            content = bytearray(b"\xff" * size)
            left = [(0, size)]
            while left:
                start, length = left.pop()
                blank = hashlib.md5(b"\xff" * length, usedforsecurity=False).hexdigest()
                if found.flash_md5sum(at + start, length) == blank:
                    continue
                if length == BLOCK_BYTES:
                    content[start : start + length] = found.read_flash(at + start, length)
                    progress("flash", start + length, size)
                    continue
                half = length // BLOCK_BYTES // 2 * BLOCK_BYTES
                left += [(start + half, length - half), (start, half)]
            return bytes(content)

    def write(self, parts: list[Piece], progress: Progress) -> None:
        """Write and verify by hash; what is there already is not written again. FlashFailed."""
        whole = sum(len(part.content) for part in parts)
        with self._connected() as found:
            done = 0
            for part in parts:
                _quiet.step = partial(_step, progress, part.name, done, whole)
                place = [(part.at, part.content)]
                cmds.write_flash(found, place, flash_size="keep", skip_flashed=True)
                done += len(part.content)
                progress(part.name, done, whole)
            if self._stub:
                found.hard_reset()


def _step(progress: Progress, name: str, before: int, whole: int, size: int) -> None:
    progress(name, before + size, whole)


def blank_journal() -> Piece:
    """What takes a journal away for good."""
    blank = b"\xff" * (ESP32.journal_blocks * BLOCK_BYTES)
    return Piece("blank journal", ESP32.journal_at, blank)


def has_journal(board: Board) -> bool:
    """Whether anything lies where a journal does. FlashFailed."""
    return not board.is_blank(ESP32.journal_at, ESP32.journal_blocks * BLOCK_BYTES)


class _Quiet(TemplateLogger):  # type: ignore[misc]  # esptool has no types
    """esptool's words go nowhere; the bytes that it counts go to `step`."""

    def __init__(self) -> None:
        self.step: Callable[[int], object] = lambda _size: None

    def print(self, *args: Any, **kwargs: Any) -> None: ...
    def note(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...
    def stage(self, finish: bool = False) -> None: ...
    def set_verbosity(self, verbosity: str) -> None: ...

    def progress_bar(self, cur_iter: int, total_iters: int, *_: Any, **__: Any) -> None:
        self.step(cur_iter)


# Whether anybody traces the line or not, esptool words every byte of it: 12 s of each MB.
loader.HexFormatter.__str__ = lambda _self: ""

# esptool has one logger in a process: boards that are flashed at once need a process each.
_quiet = _Quiet()
log.set_logger(_quiet)
