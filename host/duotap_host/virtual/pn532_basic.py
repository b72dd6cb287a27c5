# SPDX-License-Identifier: Apache-2.0
"""Commands of the virtual PN532 that touch no other antenna: identity, registers, power, speed.

UM0701-02 §7.2. What each radio half keeps is its own; `GetGeneralStatus` asks both.
"""

from __future__ import annotations

from duotap_host.virtual.pn532_command import OK, Command, Entry

FIRMWARE_VERSION = bytes.fromhex("32010607")  # IC PN532, version 1.6, all three card families

NAD_USED = 0x01
DID_USED = 0x02
AUTO_ATR_RES = 0x04
AUTO_RATS = 0x10
PICC_14443_4 = 0x20
NO_AMBLES = 0x40
RESET_FLAGS = AUTO_ATR_RES | AUTO_RATS | PICC_14443_4

CIU_MODE = 0x6301
TX_MODE = 0x6302
RX_MODE = 0x6303
TX_CONTROL = 0x6304
CIU_FIFO = 0x6339
NO_MODE_DETECTOR = 0x3F  # CIU_Mode: only type A is answered while listening
CRC_ON = 0x80
RESET_REGISTERS = {CIU_MODE: 0x3B, TX_CONTROL: 0x80, 0x6305: 0x40, 0x633C: 0x10}

BAUDRATES = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1288000)
DIAGNOSE_MAX = 263
HEALTHY = (0x01, 0x02, 0x07)  # ROM, RAM, antenna
ATTENTION = 0x06  # is the ISO 14443-4 target still there
GENERATE_IRQ = b"\x01"  # of PowerDown: the host is told of a wake


def _diagnose(command: Command) -> None:
    """Communication line test echoes; ROM, RAM and antenna tests find nothing wrong."""
    test = command.params[0]
    if test == 0x00:
        command.respond(command.params)
    elif test == ATTENTION:
        command.chip.initiator.attend(command)
    elif test in HEALTHY:
        command.respond(bytes([OK]))
    else:
        command.syntax_error()


def _get_firmware_version(command: Command) -> None:
    command.respond(FIRMWARE_VERSION)


def _get_general_status(command: Command) -> None:
    chip = command.chip
    outside = int(chip.field.powers(chip))
    targets = chip.initiator.known()
    entries = b"".join(bytes([tg, 0x00, 0x00, 0x00]) for tg in targets)
    command.respond(bytes([OK, outside, len(targets)]) + entries + b"\x80")


def _read_register(command: Command) -> None:
    chip, params = command.chip, command.params
    values = bytearray()
    for at in range(0, len(params) - 1, 2):
        address = params[at] << 8 | params[at + 1]
        value = chip.registers.get(address, 0x00)
        if address == TX_CONTROL:
            value = value & ~0x03 | (0x03 if chip.field.has_carrier(chip) else 0x00)
        values.append(value)
    command.respond(bytes(values))


def _write_register(command: Command) -> None:
    params = command.params
    for at in range(0, len(params) - 2, 3):
        command.chip.registers[params[at] << 8 | params[at + 1]] = params[at + 2]
    command.respond()


def _set_serial_baud_rate(command: Command) -> None:
    code = command.params[0]
    if code < len(BAUDRATES):
        chip = command.chip
        command.respond(b"", lambda: chip.expect_baudrate(BAUDRATES[code]))
    else:
        command.respond()


def _set_parameters(command: Command) -> None:
    chip, flags = command.chip, command.params[0]

    def apply() -> None:
        chip.bare_frames = bool(flags & NO_AMBLES)

    chip.flags = flags
    command.respond(b"", apply)


def _sam_configuration(command: Command) -> None:
    command.chip.low_vbat = False
    command.respond()


def _power_down(command: Command) -> None:
    chip, wakers = command.chip, command.params[0]
    tells = command.params[1:] == GENERATE_IRQ
    command.respond(bytes([OK]), lambda: chip.power_down(wakers, tells=tells))


COMMANDS = {
    0x00: Entry(_diagnose, 1, DIAGNOSE_MAX),
    0x02: Entry(_get_firmware_version, 0, 0),
    0x04: Entry(_get_general_status, 0, 0),
    0x06: Entry(_read_register, 2, 262),
    0x08: Entry(_write_register, 3, 262),
    0x10: Entry(_set_serial_baud_rate, 1, 1),
    0x12: Entry(_set_parameters, 1, 1),
    0x14: Entry(_sam_configuration, 1, 3),
    0x16: Entry(_power_down, 1, 2),
}
