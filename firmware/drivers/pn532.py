# SPDX-License-Identifier: Apache-2.0
"""A PN532 and what both ends of the air need of it; `pn532_polling` and `pn532_listening` are the
two ends, functions of it as this file's methods are coroutines.

One command runs at a time; each can be cancelled, and after any Fault `setup()` brings the chip
back. It carries APDUs as bytes and reads none of them. Nothing is kept in the chip that `setup`
does not write: SetParameters outlives everything but power. UM0701-02 §7.2 and §7.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault

from drivers.pn532_link import Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from port.clock import Clock

    from drivers.pn532_link import Bus

FIELD_OFF = b"\x32\x01\x00"
IN_RELEASE_ALL = b"\x52\x00"
SEL_RES = 0x20  # ISO 14443-4

DATA_MAX = 262  # of one InDataExchange, TgGetData or TgSetData
RELEASE_MS = 200  # S(DESELECT) to a card that has gone, three times


class Pn532:
    """`nfcid1t()` gives the three bytes behind 08h in the UID of each `listen`."""

    def __init__(self, bus: Bus, clock: Clock, nfcid1t: Callable[[], bytes] | None = None) -> None:
        self.link = Link(bus, clock)
        self.firmware_version = b""
        self.baudrate = bus.baudrate_max  # what `setup` tries first
        self.nfcid1t = nfcid1t
        self.field_on = False
        self.type_a_only = False

    @property
    def quiet(self) -> bool:
        """Whether no byte of the chip can arrive: only then may flash be programmed.

        True from `get_apdu`'s return to `put_apdu`, and from `exchange`'s to the next command.
        """
        return self.link.quiet

    async def setup(self, baudrate: int | None = None) -> None:
        """From whatever state to known parameters, field off; Fault without a chip.

        The speed becomes `baudrate`, by default what the bus was made for, or the next lower one
        that its wires carry; that one from now on.
        """
        from drivers.pn532_setup import set_up

        if baudrate is not None:
            self.baudrate = baudrate
        await set_up(self)

    async def field_off(self) -> None:
        await self.link.command(FIELD_OFF)
        self.field_on = False


def status_of(body: memoryview) -> int:
    """The first byte; a response without one is the chip's fault, not ours."""
    if not len(body):
        raise Fault("the PN532 sends no status")
    return body[0]
