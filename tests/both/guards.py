# SPDX-License-Identifier: Apache-2.0
"""Guards of classes count and bound as plain as can be, and a device under one of them.

`Fuses` and `Mark` outlive boots and restored images; both can be cut before and after they move.
"""

from board_flash import ERASED, PAGE, SECTOR, Flash
from duotap import record
from duotap.device import Device
from duotap.guard import TICKING
from duotap.journal import Journal
from duotap.purse import Purse
from issuing import FIRMWARE, Bench, PaperSigner


class Cut(BaseException):
    """The power went."""


class TornFlash(Flash):
    """`cut_after` programmed pages go well, of the next one the first `done` bytes; -1: no cut.
    An erase that is cut has not begun."""

    def __init__(self, blocks):
        super().__init__(blocks)
        self.cut_after, self.done = -1, 0

    def writeblocks(self, n, buf, off):
        if self._cuts():
            old = self.pages.get((n * SECTOR + off) // PAGE, ERASED)
            super().writeblocks(n, bytes(buf[: self.done]) + old[self.done :], off)
            raise Cut
        super().writeblocks(n, buf, off)

    def ioctl(self, op, arg):
        if op == 6 and self._cuts():
            raise Cut
        return super().ioctl(op, arg)

    def _cuts(self):
        self.cut_after -= 1
        return self.cut_after == -1


class Fuses:
    """Bits that are only ever set."""

    class_name = "count"

    def __init__(self, bits=64):
        self.bits, self.burnt = bits, 0
        self.cut = -1  # moves that go well before the next one is cut
        self.moved = True  # whether the one that is cut has moved

    def move(self):
        cut = self.cut == 0
        self.cut -= 1
        if not cut or self.moved:
            self.burnt += 1
        if cut:
            raise Cut

    def accepts(self, ticks, ticked, pending):
        return ticks == self.burnt

    def announce(self):
        self.move()

    def tick(self, record_hash):
        pass

    def ticks_left(self):
        return self.bits - self.burnt


class Mark:
    """One hash that is replaced at once; the slots of an ATECC608 have tests of their own."""

    class_name = "bound"

    def __init__(self):
        self.hash = record.NO_HASH
        self.cut = -1
        self.moved = True

    def accepts(self, ticks, ticked, pending):
        last, before = ticked
        if self.hash == before and pending:
            self.tick(last)
        return self.hash == last

    def announce(self):
        pass

    def tick(self, record_hash):
        cut = self.cut == 0
        self.cut -= 1
        if not cut or self.moved:
            self.hash = record_hash
        if cut:
            raise Cut

    def ticks_left(self):
        return 1 << 20


class GuardedSigner(PaperSigner):
    """Signs on paper; the guard is its own."""

    def __init__(self, key, guard):
        super().__init__(key)
        self.class_name = guard.class_name
        self.accepts, self.announce, self.tick = guard.accepts, guard.announce, guard.tick
        self.ticks_left = guard.ticks_left


class Guarded(Bench):
    """A device whose purse has a guard; `restore` is what a thief of its flash can do."""

    def __init__(self, flash, issuer, guard, name=b"device"):
        self.guard = guard
        super().__init__(flash, issuer, name)

    def boot(self):
        self.purse = Purse(Journal(self.flash))
        self.purse.boot()
        self.device = Device(self.purse, GuardedSigner(self.key, self.guard), FIRMWARE)

    @property
    def guarding(self):
        """What the purse knows of its guard."""
        return self.purse._guard

    def ticks(self):
        """Ticking records in the flash."""
        return len([kind for _, kind, _ in self.purse.journal.walk(1) if kind in TICKING])

    def image(self):
        return dict(self.flash.pages)

    def restore(self, image):
        """An older image, and the power is back."""
        self.flash.pages = dict(image)
        self.flash.cut_after = self.guard.cut = -1
        self.boot()
