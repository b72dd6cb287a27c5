# SPDX-License-Identifier: Apache-2.0
"""The boot loader in an ESP32's ROM, at the end of a serial line: what esptool speaks to without
its stub. Behind it lie the flash and the registers that esptool looks at.

Frames are SLIP; a request is direction 0, command, length, checksum, then data; an answer repeats
the command, carries a value, and ends with four status bytes (Espressif, "Serial Protocol"). What
the ROM refuses it refuses here: an unknown command, a short one, a wrong checksum, a block out of
turn, a place outside the flash. `unplug_after` bytes in either direction, the line is gone; where
that is before the answer to a command is out, so was the power while the flash was busy with it.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable

from duotap_host.virtual.nor import Mix

FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
SYNC, WRITE_REG, READ_REG = 0x08, 0x09, 0x0A
SPI_SET_PARAMS, SPI_ATTACH, READ_FLASH, CHANGE_BAUDRATE = 0x0B, 0x0D, 0x0E, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END, FLASH_MD5 = 0x10, 0x11, 0x12, 0x13
DATA = (FLASH_DATA, DEFL_DATA)

INVALID, FAILED, CHECKSUM = 0x05, 0x06, 0x07  # reasons of the ROM
CHECKSUM_SEED = 0xEF
SECTOR = 4096
BLOCK_MAX = 0x4000
SYNC_ANSWERS = 8

CHIP_MAGIC_REG, CHIP_MAGIC = 0x40001000, 0x00F01D83
UART_CLKDIV_REG = 0x3FF40014
CLKDIV = 40_000_000 // 115_200
SPI_CMD_REG, SPI_USR2_REG, SPI_W0_REG = 0x3FF42000, 0x3FF42024, 0x3FF42080
SPI_USR = 1 << 18
RDID = 0x9F
FLASH_ID = 0x1640EF  # Winbond, 4 MB, as a register holds it

END, ESC, ESC_END, ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"


class Unplugged(Exception):
    """The cable was pulled: nothing is sent or heard any more."""


class Refused(Exception):
    """The ROM's answer is a failure; the argument is its reason."""


class Esp32Rom:
    """`feed` what the host sends, get what it is answered; `flash` stays when the line goes."""

    def __init__(self, flash_bytes: int = 4 << 20) -> None:
        self.flash = bytearray(b"\xff" * flash_bytes)
        self.passed = 0  # bytes in both directions
        self.unplug_after = -1
        self.restarts = 0
        self.errors: list[int] = []
        self._commands: dict[int, Callable[[bytes], bytes]] = {
            FLASH_BEGIN: self._begin,
            FLASH_DATA: self._take,
            FLASH_END: self._end,
            DEFL_BEGIN: self._begin_packed,
            DEFL_DATA: self._take_packed,
            DEFL_END: self._end,
            SYNC: self._sync,
            READ_REG: self._read_register,
            WRITE_REG: self._write_register,
            SPI_SET_PARAMS: lambda content: self._nothing(content, 24),
            SPI_ATTACH: lambda content: self._nothing(content, 8),
            CHANGE_BAUDRATE: lambda content: self._nothing(content, 8),
            READ_FLASH: self._read,
            FLASH_MD5: self._md5,
        }
        self.power_on()

    def power_on(self) -> None:
        """Reset into the boot loader, with a cable that holds."""
        self.unplug_after = -1
        self.passed = 0
        self._frame: bytes | None = None
        self._registers = {CHIP_MAGIC_REG: CHIP_MAGIC, UART_CLKDIV_REG: CLKDIV}
        self._value = 0
        self._at = self._left = self._sequence = self._block = 0
        self._busy = range(0), b""  # what the last command changed in flash, and from what
        self._unpacker = zlib.decompressobj()

    def feed(self, received: bytes) -> bytes:
        """Answer bytes of the host. Raises Unplugged at the byte where the cable is pulled."""
        sent = bytearray()
        *ended, rest = received.split(END)
        for piece in ended:
            self._pass(len(piece) + len(END))
            frame, self._frame = self._frame, b""
            if frame is not None and frame + piece:  # before the first END there is no frame
                sent += self._serve(_unslip(frame + piece))
        self._pass(len(rest))
        if self._frame is not None:
            self._frame += rest
        return bytes(sent)

    def _serve(self, frame: bytes) -> bytes:
        self._busy = range(0), b""
        answer = self._answer(frame)
        if 0 <= self.unplug_after < self.passed + len(answer):
            self._tear()
        self._pass(len(answer))
        return answer

    def _pass(self, count: int) -> None:
        self.passed += count
        if 0 <= self.unplug_after < self.passed:
            raise Unplugged

    def _tear(self) -> None:
        """Of what the last command changed, one sector is torn, those after it are left."""
        place, old = self._busy
        sectors = range(place.start, place.stop, SECTOR)
        if sectors:
            at = sectors[self.passed % len(sectors)]
            end = min(at + SECTOR, place.stop)
            new = bytes(self.flash[at:end])
            before = old[at - place.start : end - place.start]
            self.flash[at:end] = Mix(self.passed).left(before, new)
            self.flash[end : place.stop] = old[end - place.start :]

    def _answer(self, frame: bytes) -> bytes:
        if len(frame) < 8 or frame[0] != 0:
            return b""  # noise
        command, length, checksum = struct.unpack_from("<xBHI", frame)
        content = frame[8:]
        self._value = 0
        try:
            if len(content) != length or command not in self._commands:
                raise Refused(INVALID)
            if command in DATA and _checksum(content[16:]) != checksum:
                raise Refused(CHECKSUM)
            result, status = self._commands[command](content), bytes(4)
        except Refused as refused:
            reason = int(refused.args[0])
            self.errors.append(reason)
            result, status = b"", bytes((1, reason, 0, 0))
        body = result + status
        answer = _slip(struct.pack("<BBHI", 1, command, len(body), self._value) + body)
        return answer * (SYNC_ANSWERS if command == SYNC else 1)

    # Commands

    def _nothing(self, content: bytes, size: int) -> bytes:
        _words(content, size // 4)
        return b""

    def _sync(self, content: bytes) -> bytes:
        if content != b"\x07\x07\x12\x20" + 32 * b"\x55":
            raise Refused(INVALID)
        self._value = 0x20120707
        return b""

    def _read_register(self, content: bytes) -> bytes:
        (address,) = _words(content, 1)
        self._value = self._registers.get(address, 0)
        return b""

    def _write_register(self, content: bytes) -> bytes:
        address, value, mask, _delay = _words(content, 4)
        if address == SPI_CMD_REG and value & SPI_USR:
            command = self._registers.get(SPI_USR2_REG, 0) & 0xFF
            self._registers[SPI_W0_REG] = FLASH_ID if command == RDID else 0
            return b""
        self._registers[address] = value & mask
        return b""

    def _begin(self, content: bytes) -> bytes:
        size, blocks, block, offset = _words(content, 4)
        self._erase(offset, size, block)
        self._left = blocks
        return b""

    def _begin_packed(self, content: bytes) -> bytes:
        size, blocks, block, offset = _words(content, 4)
        self._erase(offset, size, block)
        self._left = blocks
        self._unpacker = zlib.decompressobj()
        return b""

    def _erase(self, offset: int, size: int, block: int) -> None:
        """Whole sectors, as flash is erased."""
        end = -(-(offset + size) // SECTOR) * SECTOR
        if offset % SECTOR or end > len(self.flash) or not 0 <= block <= BLOCK_MAX:
            raise Refused(FAILED)
        self._busy = range(offset, end), bytes(self.flash[offset:end])
        self.flash[offset:end] = b"\xff" * (end - offset)
        self._at, self._sequence, self._block = offset, 0, block

    def _take(self, content: bytes) -> bytes:
        data = self._next(content)
        if len(data) != self._block:
            raise Refused(INVALID)
        self._program(data)
        return b""

    def _take_packed(self, content: bytes) -> bytes:
        try:
            self._program(self._unpacker.decompress(self._next(content)))
        except zlib.error:
            raise Refused(FAILED) from None
        return b""

    def _next(self, content: bytes) -> bytes:
        if len(content) < 16:
            raise Refused(INVALID)
        size, sequence = struct.unpack_from("<II", content)
        if sequence != self._sequence or not self._left or size != len(content) - 16:
            raise Refused(FAILED)
        self._sequence += 1
        self._left -= 1
        return content[16:]

    def _program(self, data: bytes) -> None:
        """Programming clears bits; what was erased takes any value."""
        end = self._at + len(data)
        if end > len(self.flash):
            raise Refused(FAILED)
        self._busy = range(self._at, end), bytes(self.flash[self._at : end])
        old = int.from_bytes(self.flash[self._at : end], "big")
        new = old & int.from_bytes(data, "big")
        self.flash[self._at : end] = new.to_bytes(len(data), "big")
        self._at = end

    def _end(self, content: bytes) -> bytes:
        (stay,) = _words(content, 1)
        self.restarts += not stay
        return b""

    def _read(self, content: bytes) -> bytes:
        offset, size = _words(content, 2)
        if size > 64 or offset + size > len(self.flash):
            raise Refused(FAILED)
        return bytes(self.flash[offset : offset + size]).ljust(64, b"\0")

    def _md5(self, content: bytes) -> bytes:
        offset, size, _, _ = _words(content, 4)
        if offset + size > len(self.flash):
            raise Refused(FAILED)
        digest = hashlib.md5(self.flash[offset : offset + size], usedforsecurity=False)
        return digest.hexdigest().encode()


def _words(content: bytes, count: int) -> tuple[int, ...]:
    if len(content) != 4 * count:
        raise Refused(INVALID)
    return struct.unpack(f"<{count}I", content)


def _checksum(data: bytes) -> int:
    state = CHECKSUM_SEED
    for byte in data:
        state ^= byte
    return state


def _slip(content: bytes) -> bytes:
    return END + content.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


def _unslip(frame: bytes) -> bytes:
    return frame.replace(ESC_END, END).replace(ESC_ESC, ESC)
