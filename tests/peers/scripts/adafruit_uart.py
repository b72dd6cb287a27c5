# SPDX-License-Identifier: Apache-2.0
"""Adafruit's library on a serial port: version, sleep, finding a card, APDUs.

`adafruit_uart.py PATH APDU...`
"""

from __future__ import annotations

import sys

import serial
from adafruit_pn532.adafruit_pn532 import _COMMAND_INDATAEXCHANGE
from adafruit_pn532.uart import PN532_UART

ANSWER_MAX = 255
QUIET_S = 0.1  # the library reads more than there is and takes what has come by then


def main(path: str, *commands: str) -> None:
    with serial.Serial(path, 115200, timeout=QUIET_S) as port:
        pn532 = PN532_UART(port)
        print("version", bytes(pn532.firmware_version).hex())
        pn532.SAM_configuration()
        print("asleep", pn532.power_down())
        uid = pn532.read_passive_target(timeout=2)
        print("uid", uid.hex() if uid else None)
        for command in commands:
            exchange = [1, *bytes.fromhex(command)]
            answer = pn532.call_function(
                _COMMAND_INDATAEXCHANGE, params=exchange, response_length=ANSWER_MAX, timeout=2
            )
            print(command, answer.hex() if answer else None)


main(*sys.argv[1:])
