# SPDX-License-Identifier: Apache-2.0
"""The host's end of the channel: does what a device's process asks of its virtual board.

Frames are kind (1 byte), length (2 bytes, little-endian), content; the kinds are those of
boards/UNIX_SIM/modules/machine.py. Requests are answered in their order; bytes of the UART and
levels of pins are reported as they come. Knows no firmware and starts no process.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from duotap_host.virtual.board import VirtualBoard, pin_name
from duotap_host.virtual.nor import IOCTL_BLOCK_ERASE, SECTOR, PowerCut
from duotap_host.virtual.region import Region

ANSWER = b"a"
UART_BYTES = b"x"
PIN_LEVEL = b"l"
HEAD_BYTES = 3
AGAIN_US = 200  # two bytes at 115200 baud
PIECE_BYTES = 65536
UART_PIECE_BYTES = 256
# The board's own ring is in the device's process; the model's is never the narrow place.
TX_RING_BYTES = 65536


class Mirror:
    """A file in memory that holds what the flash holds: the process reads it without asking."""

    def __init__(self, content: bytes) -> None:
        self.fd = os.memfd_create("flash")
        os.pwrite(self.fd, content, 0)

    def update(self, region: Region, block: int) -> None:
        """Copy one sector that was programmed or erased."""
        sector = bytearray(SECTOR)
        region.readblocks(block, sector)
        os.pwrite(self.fd, sector, (region.first + block) * SECTOR)

    def close(self) -> None:
        os.close(self.fd)


class Channel:
    """Serves one process over `sock`; `on_gone` is told when the process has closed its end."""

    def __init__(self, board: VirtualBoard, sock: socket.socket, mirror: Mirror) -> None:
        self._board = board
        self._sock = sock
        self._mirror = mirror
        self._loop = board.timeline.loop
        self._received = bytearray()
        self._pins: list[str] = []
        self._kinds: dict[int, Callable[[bytes], bytes | None]] = {
            ord("B"): self._describe,
            ord("P"): self._pin_open,
            ord("p"): self._pin_drive,
            ord("I"): self._i2c_write,
            ord("i"): self._i2c_read,
            ord("X"): self._spi_transfer,
            ord("A"): self._adc_read,
            ord("N"): self._flash_region,
            ord("G"): self._flash_program,
            ord("E"): self._flash_erase,
            ord("S"): self._entropy,
            ord("U"): self._uart_init,
            ord("u"): self._uart_write,
            ord("W"): self._pwm_set,
            ord("D"): self._watchdog_start,
            ord("d"): self._watchdog_feed,
            ord("R"): self._reset,
        }
        self.on_gone: Callable[[], object] = lambda: None
        sock.setblocking(False)
        self._loop.add_reader(sock, self._readable)
        board.on_pin = self._pin_changed
        board.line.device.on_activity(self._uart_arrived)

    def close(self) -> None:
        """Stop serving; what the board reports from now on goes nowhere."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()
            self._mirror.close()
            self._board.on_pin = lambda _name, _level: None
            self._board.line.device.on_activity(lambda: None)

    # Frames

    def _readable(self) -> None:
        try:
            piece = self._sock.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            piece = b""
        if not piece:
            self._loop.remove_reader(self._sock)
            self.on_gone()
            return
        self._received += piece
        while self._sock.fileno() >= 0 and self._frame():
            pass

    def _frame(self) -> bool:
        """Serve the first frame if it is whole."""
        if len(self._received) < HEAD_BYTES:
            return False
        end = HEAD_BYTES + int.from_bytes(self._received[1:HEAD_BYTES], "little")
        if len(self._received) < end:
            return False
        kind, content = self._received[0], bytes(self._received[HEAD_BYTES:end])
        del self._received[:end]
        try:
            answer = self._kinds[kind](content)
        except PowerCut:
            self._board.cut()  # in the middle of this operation: nobody waits for the answer
            return False
        if answer is not None:
            self._send(ANSWER, answer)
        return True

    def _send(self, kind: bytes, content: bytes) -> None:
        """The device reads at every turn: the socket has room, or nobody is there."""
        if self._sock.fileno() >= 0:
            try:
                self._sock.sendall(kind + len(content).to_bytes(2, "little") + content)
            except (BlockingIOError, ConnectionError):
                self._loop.remove_reader(self._sock)

    # Reports

    def _uart_arrived(self) -> None:
        """Pass on what is there, and look again: a timer of real time may be early by a byte."""
        self._uart_pass_on()
        self._board.timeline.after(AGAIN_US, self._uart_pass_on)

    def _uart_pass_on(self) -> None:
        while chunk := self._board.line.device.read(UART_PIECE_BYTES):
            self._send(UART_BYTES, b"\0" + chunk)

    def _pin_changed(self, name: str, level: int) -> None:
        for index, opened in enumerate(self._pins):
            if opened == name:
                self._send(PIN_LEVEL, bytes((index, level)))

    # Requests

    def _describe(self, _content: bytes) -> bytes:
        board = self._board
        return board.unique_id + bytes((board.reset_cause,)) + f"{board.kind} {board.bus}".encode()

    def _pin_open(self, content: bytes) -> bytes:
        try:
            name = pin_name(content[2:].decode())
        except ValueError:
            return b""
        self._pins.append(name)
        return bytes((len(self._pins) - 1, self._board.pins.level(name)))

    def _pin_drive(self, content: bytes) -> bytes:
        self._board.pins.drive(self._pins[content[0]], content[1])
        return b""

    def _i2c_write(self, content: bytes) -> bytes:
        return bytes((self._board.i2c_write(content[0], content[1:]),))

    def _i2c_read(self, content: bytes) -> bytes:
        return self._board.i2c_read(content[0], _number(content[1:3]))

    def _spi_transfer(self, content: bytes) -> bytes:
        return self._board.spi_transfer(content)

    def _adc_read(self, content: bytes) -> bytes:
        return self._board.read_adc(self._pins[content[0]]).to_bytes(2, "little")

    def _flash_region(self, content: bytes) -> bytes:
        region = self._region(content)
        return region.first.to_bytes(2, "little") + region.blocks.to_bytes(2, "little")

    def _flash_program(self, content: bytes) -> bytes:
        block, offset = _number(content[1:3]), _number(content[3:5])
        region = self._region(content)
        region.writeblocks(block, content[5:], offset)
        self._mirror.update(region, block)
        return b""

    def _flash_erase(self, content: bytes) -> bytes:
        block = _number(content[1:3])
        region = self._region(content)
        region.ioctl(IOCTL_BLOCK_ERASE, block)
        self._mirror.update(region, block)
        return b""

    def _entropy(self, content: bytes) -> bytes:
        return self._board.entropy(content[2:].decode(), _number(content[:2]))

    def _region(self, content: bytes) -> Region:
        return {b"f": self._board.files, b"j": self._board.journal}[content[:1]]

    # Orders

    def _uart_init(self, content: bytes) -> None:
        uart = self._board.line.device
        uart.init(_number(content[1:5]), rxbuf=_number(content[5:7]), txbuf=TX_RING_BYTES)

    def _uart_write(self, content: bytes) -> None:
        self._board.line.device.write(content[1:])

    def _pwm_set(self, content: bytes) -> None:
        pin = self._pins[content[0]]
        self._board.set_pwm(pin, _number(content[1:5]), _number(content[5:7]))

    def _watchdog_start(self, content: bytes) -> None:
        self._board.watchdog_start(_number(content))

    def _watchdog_feed(self, _content: bytes) -> None:
        self._board.watchdog_feed()

    def _reset(self, _content: bytes) -> None:
        self._board.reset()


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")
