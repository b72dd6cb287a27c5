# SPDX-License-Identifier: Apache-2.0
"""What the boards with an RP2040 have in common: where the journal lies, and the signer.

Chips are handed in; it knows no pin and imports no `machine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.p256 import compute_with

from port import late
from port.keyfile import NAME as KEY_FILE
from port.signer import KeylessSigner, SoftwareSigner

if TYPE_CHECKING:
    from typing import Any, Callable

    from port.wiring import BlockDevice

# What a peer is told to expect, with Thumb instructions and with portable integers.
THUMB_MS = (30, 100)
PORTABLE_MS = (130, 675)


def journal(reserved: BlockDevice | None, flash: BlockDevice, files: Any) -> BlockDevice:
    """The journal's flash: what a custom build has `reserved`, or the listed blocks of a stock
    build, whose file system lies on all of `flash`. Blank if there is no key yet."""
    store = reserved or _listed(flash, files)
    if not files.has(KEY_FILE):
        from port.blank import make_blank

        make_blank(store)
    late.drop("port.places", "port.blank")
    return store


def _listed(flash: BlockDevice, files: Any) -> BlockDevice:
    from port.places import read
    from port.sectors import Sectors

    return Sectors(flash, read(files))


def signer(entropy: Any) -> Callable[[int], Any]:
    """Makes the one signer of a secret (0: before there is a key)."""
    sign_ms, verify_ms = THUMB_MS if _compute_with_thumb() else PORTABLE_MS

    def make(secret: int) -> Any:
        if secret:
            return SoftwareSigner(secret, entropy, sign_ms, verify_ms)
        return KeylessSigner(sign_ms, verify_ms)

    return make


def _compute_with_thumb() -> bool:
    """Whether the image brought the machine code: one for another interpreter has none."""
    try:
        import port.thumb_p256 as runner
    except ImportError:
        return False
    from port.thumb_group import ThumbGroup

    compute_with(ThumbGroup(runner))
    return True
