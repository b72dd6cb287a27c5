# SPDX-License-Identifier: Apache-2.0
"""A radio that polls and has a link to show (drivers.nfc.Radio): phones find it between two looks
for cards. Imported late (port.late): few devices have such a link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.nfc import Radio

# Between two looks of a device that has a link to show: phones look every 0.3 to 0.5 s. The jitter
# keeps two such devices from looking at each other in step for ever.
PHONE_MS, JITTER_MS = 500, 200


class Nobody:
    """What answers while there is no applet: nothing is here."""

    def begin(self) -> None: ...
    def work(self) -> None: ...
    def leave(self) -> None: ...

    def answer(self, command: bytes) -> bytes:
        """Unknown class, application or instruction."""
        if command[:1] != b"\x00":  # ISO 7816-4 §11.2.2: SELECT is 00 A4
            return b"\x6e\x00"
        return b"\x6a\x82" if command[1:2] == b"\xa4" else b"\x6d\x00"


async def be_found(radio: Radio) -> None:
    """Listen for about as long as a phone needs to look."""
    from drivers.nfc_listening import be_card  # what a card has in any case

    jitter_ms = radio.owner.nfcid1t()[0] * JITTER_MS // 255
    await be_card(radio, Nobody(), PHONE_MS + jitter_ms)
