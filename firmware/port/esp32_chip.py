# SPDX-License-Identifier: Apache-2.0
"""What the boards with an ESP32 have in common: journal partition, generator, signer, ADC.

Chips are handed in; it knows no pin and imports no `machine`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from duotap.errors import Broken

from port.entropy import Entropy
from port.keyfile import NAME as KEY_FILE
from port.signer import KeylessSigner, SoftwareSigner

if TYPE_CHECKING:
    from typing import Any, Callable

    from port.wiring import BlockDevice

# What a peer is told to expect: an RP2040's times, which an ESP32 at 240 MHz stays below.
SIGN_MS, VERIFY_MS = 130, 675

REFERENCE_MV = 3300  # full scale, as drivers/battery.py expects it
FULL_SCALE = 65535


def journal(partitions: list[BlockDevice], files: Any) -> BlockDevice:
    """The one partition named `journal`, blank if there is no key yet. Raises Broken without."""
    if len(partitions) != 1:
        raise Broken("the partition table has no journal")
    if not files.has(KEY_FILE):
        from port.blank import make_blank

        make_blank(partitions[0])
    return partitions[0]


def entropy() -> Entropy:
    """Of the hardware generator. It is fed by noise of the ADC or the radio only while one of
    them runs (ESP32 Technical Reference Manual §24.3), so provisioning mixes in the host's."""
    return Entropy(lambda purpose, nbytes: os.urandom(nbytes))


def signer(entropy: Entropy) -> Callable[[int], Any]:
    """Makes the one signer of a secret (0: before there is a key)."""

    def make(secret: int) -> Any:
        if secret:
            return SoftwareSigner(secret, entropy, SIGN_MS, VERIFY_MS)
        return KeylessSigner(SIGN_MS, VERIFY_MS)

    return make


class Calibrated:
    """An ADC in the steps of an even one: the chip's own is bent, and its fuses say how."""

    def __init__(self, adc: Any) -> None:
        self._adc = adc

    def read_u16(self) -> int:
        """0 to 65535 for 0 to REFERENCE_MV at the pin."""
        millivolts = int(self._adc.read_uv()) // 1000
        return min(FULL_SCALE, millivolts * FULL_SCALE // REFERENCE_MV)
