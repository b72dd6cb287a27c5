# SPDX-License-Identifier: Apache-2.0
"""Everything that a card or a stand is made of, as a board's `board.build()` hands it over.

Attributes only, so that each board fills them in its own way. Knows no product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable

    from drivers.battery import Battery
    from drivers.buttons import Buttons
    from drivers.buzzer import Buzzer
    from drivers.keypad import Keypad
    from drivers.light import Light
    from drivers.ssd1306 import Ssd1306

    from port.clock import Clock
    from port.entropy import Entropy
    from port.wiring import BlockDevice, Watchdog

CARD = "card"
STAND = "stand"

# Where the flashed image keeps the digest of what was flashed.
DIGEST_FILE = "firmware.digest"
# How the digest of a development build begins (port.development, PROTOCOL.md §3).
DEVELOPMENT = b"DEV\0"


class Parts:
    """A card has `buttons` ("pay", "up", "ok"), a stand `keypad` and a light to be seen."""

    kind: str  # CARD or STAND
    clock: Clock
    radio_bus: Callable[[], Any]  # makes the PN532's HSU, I2C or SPI
    display: Ssd1306
    buttons: Buttons
    keypad: Keypad
    buzzer: Buzzer
    light: Light
    battery: Battery
    journal_store: BlockDevice
    files: Any  # port.files.Files or of its shape
    entropy: Entropy
    cipher: Callable[[bytes], Any]  # makes an AES of a key (port.cipher.Aes or of its shape)
    console: Any  # port.console.Console or of its shape
    wdt: Watchdog
    firmware_digest: bytes
    signer: Callable[[int], Any]  # makes the one signer of the secret, when there is one
    reset: Callable[[], None]
