# SPDX-License-Identifier: Apache-2.0
"""`machine` of the PC as a board: the stock classes over a channel to a virtual board.

Shadows the built-in module of the Unix port, which has no UART, I2C, PWM, ADC or WDT. Signatures:
MicroPython 1.26, port rp2. Levels of pins and bytes of UARTs are reported by the virtual board as
they change, and flash is read from a file that the virtual board keeps equal to it, so that
neither polling nor loading costs a round trip. What another board takes from `rp2.Flash` or
`os.urandom` comes from `flash` and `entropy` here.
"""

import io
import os
import time

from channel import Channel

# Requests, answered.
BOARD = 0x42
PIN_OPEN = 0x50
PIN_DRIVE = 0x70
I2C_WRITE = 0x49
I2C_READ = 0x69
SPI_TRANSFER = 0x58
ADC_READ = 0x41
FLASH_REGION = 0x4E
FLASH_PROGRAM = 0x47
FLASH_ERASE = 0x45
ENTROPY = 0x53
# Orders, not answered.
UART_INIT = 0x55
UART_WRITE = 0x75
PWM_SET = 0x57
WDT_START = 0x44
WDT_FEED = 0x64
RESET = 0x52
# Reports of the virtual board.
UART_BYTES = 0x78
PIN_LEVEL = 0x6C

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3

# A feed is passed on at most this often: the loop feeds at each turn, time-outs are seconds.
FEED_MS = 100

BLOCK_BYTES = 4096

MP_STREAM_POLL = 3
MP_STREAM_POLL_RD = 1
MP_STREAM_POLL_WR = 4

_levels = {}
_received = {}


def _taken(kind, content):
    if kind == UART_BYTES:
        if content[0] in _received:  # before it is opened a UART loses what comes
            ring, limit = _received[content[0]]
            ring.extend(content[1 : 1 + limit - len(ring)])
    elif kind == PIN_LEVEL:
        _levels[content[0]] = content[1]


_channel = Channel(_taken)
_content = open(int(os.getenv("DUOTAP_FLASH")), "rb")  # noqa: SIM115  (open as long as it runs)
# unique_id (8 bytes), cause of the last reset, what the board is and its radio's bus: "card hsu".
_board = bytes(_channel.ask(BOARD))


def _u16(value):
    return bytes((value & 0xFF, value >> 8 & 0xFF))


def _u32(value):
    return _u16(value) + _u16(value >> 16)


def unique_id():
    return _board[:8]


def reset_cause():
    return _board[8]


def kind():
    """What this virtual board was built as: `card` or `stand`."""
    return str(_board[9:], "ascii").split()[0]


def radio():
    """The bus of this virtual board's PN532: `hsu`, `i2c` or `spi`."""
    return str(_board[9:], "ascii").split()[1]


def reset():
    _channel.send(RESET)
    while True:  # until the virtual board ends this process
        _channel.wait()
        _channel.look()


def entropy(purpose, nbytes):
    """Bytes of the board's hardware generator; a seeded one gives each purpose its own stream."""
    return bytes(_channel.ask(ENTROPY, _u16(nbytes), purpose.encode()))


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1
    PULL_DOWN = 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        answer = _channel.ask(PIN_OPEN, bytes((mode & 0xFF, pull & 0xFF)), id.encode())
        if not answer:
            raise ValueError("unknown pin")
        self.index = answer[0]
        _levels[self.index] = answer[1]
        if value is not None:
            self.value(value)

    def value(self, x=None):
        if x is None:
            _channel.look()
        else:
            # Levels that this changes elsewhere are reported before the answer.
            _channel.ask(PIN_DRIVE, bytes((self.index, 1 if x else 0)))
            _levels[self.index] = 1 if x else 0
        return _levels[self.index]

    def __call__(self, *x):
        return self.value(*x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class UART(io.IOBase):
    def __init__(self, id, baudrate=115200, **settings):
        self.id = id
        self._ring = bytearray()
        self._rxbuf = 256
        self.init(baudrate, **settings)

    def init(self, baudrate=115200, *, rxbuf=0, **settings):
        self._rxbuf = rxbuf or self._rxbuf
        _received[self.id] = (self._ring, self._rxbuf)
        _channel.send(UART_INIT, bytes((self.id,)), _u32(baudrate), _u16(self._rxbuf))

    def deinit(self):
        self._ring[:] = b""
        _received[self.id] = (self._ring, 0)

    def any(self):
        _channel.look()
        return len(self._ring)

    def read(self, nbytes=-1):
        count = self.any()
        if 0 <= nbytes < count:
            count = nbytes
        if count == 0:
            return None
        chunk = bytes(self._ring[:count])
        self._ring[:count] = b""
        return chunk

    def readinto(self, buf, nbytes=-1):
        chunk = self.read(len(buf) if nbytes < 0 else min(nbytes, len(buf)))
        if chunk is None:
            return None
        buf[: len(chunk)] = chunk
        return len(chunk)

    def write(self, buf):
        _channel.send(UART_WRITE, bytes((self.id,)), buf)
        return len(buf)

    def ioctl(self, request, flags):
        if request != MP_STREAM_POLL:
            return -22
        ready = MP_STREAM_POLL_WR
        if self.any():
            ready |= MP_STREAM_POLL_RD
        return ready & flags


class I2C:
    def __init__(self, id, *, scl=None, sda=None, freq=400000, timeout=50000):
        self.id = id

    def writeto(self, addr, buf, stop=True):
        if not _channel.ask(I2C_WRITE, bytes((addr,)), buf)[0]:
            raise OSError(5)
        return len(buf)

    def readfrom(self, addr, nbytes, stop=True):
        answer = _channel.ask(I2C_READ, bytes((addr,)), _u16(nbytes))
        if len(answer) != nbytes:
            raise OSError(5)
        return bytes(answer)

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self.readfrom(addr, len(buf))

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes((memaddr,)) + bytes(buf))

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        self.writeto(addr, bytes((memaddr,)), False)
        return self.readfrom(addr, nbytes)


class SPI:
    MSB = 0
    LSB = 1

    def __init__(self, id, baudrate=1000000, *, firstbit=MSB, **settings):
        if firstbit != SPI.MSB:
            raise ValueError("MSB only")

    def read(self, nbytes, write=0):
        return bytes(_channel.ask(SPI_TRANSFER, bytes((write,)) * nbytes))

    def readinto(self, buf, write=0):
        buf[:] = self.read(len(buf), write)

    def write(self, buf):
        _channel.ask(SPI_TRANSFER, buf)

    def write_readinto(self, write_buf, read_buf):
        read_buf[:] = bytes(_channel.ask(SPI_TRANSFER, write_buf))


class PWM:
    def __init__(self, dest, *, freq=0, duty_u16=0):
        self._pin = dest.index
        self._freq = freq
        self._duty = duty_u16
        self._set()

    def freq(self, value=None):
        if value is None:
            return self._freq
        self._freq = value
        self._set()

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self._duty = value
        self._set()

    def deinit(self):
        self.duty_u16(0)

    def _set(self):
        _channel.send(PWM_SET, bytes((self._pin,)), _u32(self._freq), _u16(self._duty))


class ADC:
    def __init__(self, id):
        self._pin = id.index

    def read_u16(self):
        answer = _channel.ask(ADC_READ, bytes((self._pin,)))
        return answer[0] | answer[1] << 8


class WDT:
    def __init__(self, id=0, timeout=5000):
        _channel.send(WDT_START, _u32(timeout))
        self._fed = time.ticks_ms()

    def feed(self):
        now = time.ticks_ms()
        if time.ticks_diff(now, self._fed) >= FEED_MS:
            self._fed = now
            _channel.send(WDT_FEED)


class Flash:
    """A region of the NOR flash, with the extended block protocol of `os.AbstractBlockDev`."""

    def __init__(self, region):
        self._region = region.encode()[:1]
        answer = _channel.ask(FLASH_REGION, self._region)
        self._first = answer[0] | answer[1] << 8
        self._blocks = answer[2] | answer[3] << 8

    def readblocks(self, n, buf, off=0):
        _content.seek((self._first + n) * BLOCK_BYTES + off)
        _content.readinto(buf)

    def writeblocks(self, n, buf, off=None):
        if off is None:
            self.ioctl(6, n)
            off = 0
        _channel.ask(FLASH_PROGRAM, self._region, _u16(n), _u16(off), buf)

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK_BYTES
        if op == 6:
            _channel.ask(FLASH_ERASE, self._region, _u16(arg))
            return 0
        return 0 if op == 3 else None


_regions = {}


def flash(region):
    """The region `files` (LittleFS) or `journal`."""
    if region not in _regions:
        _regions[region] = Flash(region)
    return _regions[region]
