# SPDX-License-Identifier: Apache-2.0
"""A virtual ATECC608 on an I2C bus: waking, sleeping, watchdog, packets, execution times.

ATECC608A-TFLXTLS data sheet DS40002138A §4 (packets, status bytes), §7 (I2C), §9.3 (timing). What
a command does is in atecc608_commands.py, what the memory is in atecc608_eeprom.py. Time is what
`now_us()` says; the chip makes none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from drivers.atecc608 import (
    ADDRESS,
    AWAKE,
    CHECKMAC,
    COMMAND,
    COUNTER,
    GENDIG,
    GENKEY,
    IDLE,
    INFO,
    LOCK,
    MAC,
    NONCE,
    RANDOM,
    READ,
    RESET,
    SIGN,
    SLEEP,
    VERIFY,
    WAKE_US,
    WRITE,
    crc16,
)

from duotap_host.virtual.atecc608_commands import SHA, Commands, Status
from duotap_host.virtual.atecc608_eeprom import Eeprom

# Longest execution times in ms, clock divider M0: what the maker's own driver waits for
# (MicrochipTech/cryptoauthlib, lib/calib/calib_execution.c, device_execution_time_608_m0), since
# the table of the data sheet itself is given out under a non-disclosure agreement only.
TIMES_MS = {
    CHECKMAC: 40,
    COUNTER: 25,
    GENDIG: 25,
    GENKEY: 115,
    INFO: 5,
    LOCK: 35,
    MAC: 55,
    NONCE: 20,
    RANDOM: 23,
    READ: 5,
    SHA: 36,
    SIGN: 115,
    VERIFY: 105,
    WRITE: 45,
}
WATCHDOG_US = 1_300_000  # typical; 0.7 to 1.7 s (§9.3, tWATCHDOG)
WAKE_LOW_US = 60  # tWLO
BITS_LOW = 8  # of address 0
PACKET_MIN, PACKET_MAX = 7, 151
AWAKE_TIME_MS = 1

ASLEEP, IDLING, LISTENING = "asleep", "idle", "awake"


class VirtualAtecc608:
    """`now_us()` is the time; `seed` fixes serial number, keys and random numbers.

    `log` has every packet that was executed: opcode, parameters, status byte (0 for an answer).
    """

    def __init__(
        self,
        now_us: Callable[[], int],
        seed: bytes = b"",
        *,
        times_ms: dict[int, int] | None = None,
        watchdog_us: int = WATCHDOG_US,
    ) -> None:
        self._now_us = now_us
        self._seed = hashlib.sha256(b"atecc608" + seed).digest()
        self._drawn = 0
        self._times_ms = times_ms or TIMES_MS
        self._watchdog_us = watchdog_us
        self.eeprom = Eeprom(self._seed[:6])
        self._commands = Commands(self.eeprom, self.draw)
        self.log: list[tuple[int, int, int, int]] = []
        self.busy_us = 0  # spent on commands so far
        self.garble: Callable[[bytes], bytes] = bytes  # what the bus makes of an answer
        self.power_on()

    def power_on(self) -> None:
        self.eeprom.power_on()
        self._commands.forget()
        self._state = ASLEEP
        self._ready_us = self._woken_us = 0
        self._output = b""
        self._at = 0

    def draw(self, nbytes: int) -> bytes:
        """The chip's generator; goes on over a loss of power."""
        stream = b""
        while len(stream) < nbytes:
            self._drawn += 1
            stream += hashlib.sha256(self._seed + self._drawn.to_bytes(8, "big")).digest()
        return stream[:nbytes]

    # The bus

    def i2c_write(self, address: int, content: bytes, hz: int) -> bool:
        """One write with its stop condition; False when the chip does not acknowledge."""
        if address == 0:
            if WAKE_LOW_US * hz <= BITS_LOW * 1_000_000:
                self._wake()
            return False
        if address != ADDRESS or not self._listens():
            return False
        if content:
            self._word(content[0], content[1:])
        return True

    def i2c_read(self, address: int, nbytes: int) -> bytes:
        """Empty when the chip does not acknowledge; past the end of the answer come ones."""
        if address != ADDRESS or not self._listens():
            return b""
        part = self._output[self._at : self._at + nbytes]
        self._at += len(part)
        return part + b"\xff" * (nbytes - len(part))

    def _listens(self) -> bool:
        now_us = self._now_us()
        if self._state == LISTENING and now_us >= self._woken_us + self._watchdog_us:
            self._sleep()
        return self._state == LISTENING and now_us >= self._ready_us

    def _wake(self) -> None:
        if self._state == LISTENING and self._now_us() < self._woken_us + self._watchdog_us:
            return  # SDA is an ordinary line then
        if self._state == LISTENING:
            self._sleep()
        self._state = LISTENING
        self._woken_us = self._now_us()
        self._ready_us = self._woken_us + WAKE_US
        self._answer(bytes((AWAKE,)))

    def _sleep(self) -> None:
        self._state = ASLEEP
        self._commands.forget()

    def _word(self, address: int, content: bytes) -> None:
        if address == RESET:
            self._at = 0
        elif address == SLEEP:
            self._sleep()
        elif address == IDLE:
            self._state = IDLING
        elif address == COMMAND:
            self._execute(content)

    # Packets

    def _execute(self, packet: bytes) -> None:
        """Count, opcode, two parameters, data, CRC. The answer is read when the time is over."""
        opcode = packet[1] if len(packet) > 1 else 0
        took_ms = AWAKE_TIME_MS
        whole = PACKET_MIN <= len(packet) <= PACKET_MAX and packet[0] == len(packet)
        if not whole or crc16(packet[:-2]) != packet[-2:]:
            answer, status = b"\xff", 0xFF
        else:
            param2 = packet[3] | packet[4] << 8
            try:
                answer, status = self._commands.do(opcode, packet[2], param2, packet[5:-2]), 0
                took_ms = self._times_ms[opcode]
            except Status as error:
                answer, status = bytes((error.code,)), error.code
                took_ms = self._times_ms.get(opcode, AWAKE_TIME_MS) if status == 1 else 1
            self.log.append((opcode, packet[2], param2, status))
        self._ready_us = self._now_us() + took_ms * 1000
        self.busy_us += took_ms * 1000
        self._answer(answer)

    def _answer(self, content: bytes) -> None:
        packet = bytes((len(content) + 3,)) + content
        self._output = self.garble(packet + crc16(packet))
        self._at = 0
