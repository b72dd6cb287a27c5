# SPDX-License-Identifier: Apache-2.0
"""Devices of the three rollback classes over a flash that is photographed after each operation,
and that can lose power at each of them and at each move of their guard.
"""

from __future__ import annotations

from typing import Any

from duet.makers import FIRMWARE, Flash, Key, Maker, Mint, Stream
from duotap import certificate, records, tap
from duotap.applet import Applet
from duotap.device import Device
from duotap.journal import Journal
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.purse import Purse
from duotap_host.virtual.efuse import VirtualFuses
from duotap_host.virtual.nor import Mix, PowerCut
from host.element_bench import ElementBench
from port.fused import FusedSigner
from port.signer import SoftwareSigner

NONE, COUNT, BOUND = "none", "count", "bound"
CLASSES = (NONE, COUNT, BOUND)
BLOCKS = 24
FUSES = 64


class WatchedFlash(Flash):
    """Photographs itself after each operation; `cut` operations go well, the next one is torn."""

    def __init__(self) -> None:
        super().__init__(BLOCKS)
        self.images: list[bytes] = []
        self.operations = 0
        self.cut = -1

    def writeblocks(self, n: int, buf: Any, off: int) -> None:
        torn = self._tears()
        super().writeblocks(n, bytes(buf[: len(buf) // 2]) if torn else buf, off)
        self._done(torn)

    def ioctl(self, op: int, arg: int) -> int | None:
        if op != 6:
            return super().ioctl(op, arg)
        if self._tears():
            raise PowerCut  # an erase that has not begun
        found = super().ioctl(op, arg)
        self._done(False)
        return found

    def _tears(self) -> bool:
        self.operations += 1
        self.cut -= 1
        return self.cut == -1

    def _done(self, torn: bool) -> None:
        self.images.append(bytes(self.cells))
        if torn:
            raise PowerCut


class Watched(Maker):
    """A device of a class; `moves` counts what its guard did."""

    def __init__(self, mint: Mint, name: str, kind: str, **changes: Any) -> None:
        self.mint, self.name, self.kind = mint, name, kind
        self.flash = WatchedFlash()
        self.stream = Stream(name.encode())
        self.fuses = VirtualFuses(FUSES)
        self.element = ElementBench(name.encode())
        self.moves = 0
        self.cut_move: tuple[int, bool] | None = None
        self.key = Key(name)
        Journal(self.flash).format()
        self.boot()
        changes["rollback_class"] = CLASSES.index(kind)
        changes["ticks"] = FUSES if kind == COUNT else None
        public = self.device.signer.public_key()
        raw = mint.certify(public, certificate.ROLE_PERSON, **changes)
        self.purse.commit(
            records.IDENTITY, raw, [mint.root.public, mint.next_root.public], mint.keycerts
        )
        self.device.adopt()

    def _signer(self) -> Any:
        if self.kind == BOUND:
            signer = self.element.signer()
        elif self.kind == COUNT:
            signer = FusedSigner(self.key.secret, self.stream, 130, 675, self.fuses)
        else:
            return SoftwareSigner(self.key.secret, self.stream, 130, 675)
        self._watch(signer)
        return signer

    def _watch(self, signer: Any) -> None:
        """Count moves, and cut the planned one before or inside its write."""
        move = "tick" if self.kind == BOUND else "announce"
        do = getattr(signer, move)

        def moved(*arguments: Any) -> None:
            if self.cut_move is not None and self.cut_move[0] == self.moves:
                taken = self.cut_move[1]
                self.fuses.plan_cut(taken)
                self.element.chip.eeprom.plan_cut(0, Mix(self.moves + taken))
            self.moves += 1
            do(*arguments)

        setattr(signer, move, moved)

    def boot(self) -> None:
        self.fuses.power_on()
        self.element.power_on()
        self.flash.cut, self.cut_move = -1, None
        self.purse = Purse(Journal(self.flash))
        self.purse.boot()
        self.device = Device(self.purse, self._signer(), FIRMWARE)
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        self.applet = Applet(self.payer)
        self.tap = tap.Tap(self.payee)

    def restore(self, image: bytes) -> bool:
        """Boot an image; whether it is accepted."""
        self.flash.cells[:] = image
        self.boot()
        return not self.purse.stopped()
