# SPDX-License-Identifier: Apache-2.0
"""Every way through ticks whose writes are cut, and every way a cut block may read afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from duotap_host.virtual.nor import Mix, PowerCut, Prefix
from host.element_bench import ElementBench
from port import bound

HASHES = [bytes(32)] + [bytes([number]) * 32 for number in range(1, 5)]
OLD, NEW, OTHER = range(3)
JUNK = b"\xa5" * 32
BENCH = ElementBench(b"cuts")
SIGNER = BENCH.signer()
BORN = [bytes(content) for content in BENCH.chip.eeprom.slots]


class Device:
    """Flash that holds ticking records 0 to `last`, over an element that outlives it."""

    def __init__(self) -> None:
        self.bench, self.signer, self.last = BENCH, SIGNER, 0
        for slot, content in enumerate(BORN):
            self.bench.chip.eeprom.slots[slot][:] = content
        self.bench.chip.eeprom.wear.clear()
        self.bench.power_on()
        self.weak: dict[int, tuple[bytes, bytes]] = {}  # slot: what it held, what it should
        assert self.accepts(0)

    def accepts(self, image: int, pending: bool = True) -> bool:
        """Boot with this image."""
        before = HASHES[image - 1] if image else bytes(32)
        return bool(self.signer.accepts(image, (HASHES[image], before), pending))

    def slots(self) -> list[bytes]:
        return [bytes(self.bench.chip.eeprom.slots[slot][:32]) for slot in bound.MARKS]

    def cut_at(self, left: int) -> None:
        """The next write is cut and leaves this."""
        tear = {OLD: Prefix(0), NEW: Prefix(32), OTHER: Mix(7)}[left]
        self.bench.chip.eeprom.plan_cut(0, tear)

    def after(self, before: list[bytes], cut: bool) -> None:
        """Note which slot was written, and whether well."""
        for place, (old, now) in enumerate(zip(before, self.slots(), strict=True)):
            slot = bound.MARKS[place]
            if cut and place == self.signer._place:
                should = bound.mark(self.signer._number, HASHES[self.last])
                self.weak[slot] = (self.weak.get(slot, (old,))[0], should)
            elif now != old or (not cut and place == self.signer._place):
                self.weak.pop(slot, None)
        self.bench.power_on()

    def read_weak(self, how: int) -> None:
        """What a block that was cut reads at this boot."""
        for slot, (old, new) in self.weak.items():
            self.bench.chip.eeprom.slots[slot][:32] = (old, new, JUNK)[how]


class Paths:
    """Runs a story once for each way through its choices."""

    def __init__(self) -> None:
        self._path: list[tuple[int, int]] = []
        self._at = 0

    def pick(self, ways: int) -> int:
        if self._at == len(self._path):
            self._path.append((0, ways))
        self._at += 1
        return self._path[self._at - 1][0]

    def all(self) -> Iterator[int]:
        number = 0
        while True:
            self._at = 0
            yield number
            number += 1
            while self._path and self._path[-1][0] == self._path[-1][1] - 1:
                self._path.pop()
            if not self._path:
                return
            chosen, ways = self._path.pop()
            self._path.append((chosen + 1, ways))


def step(device: Device, paths: Paths, boot: bool, safe: bool = False) -> bool:
    """A tick of the newest record, or a boot with its image; False: it was cut."""
    before = device.slots()
    cut = not safe and bool(paths.pick(2))
    if cut:
        device.cut_at(OTHER)  # what it leaves is what the next boot reads
    try:
        if boot:
            assert device.accepts(device.last), "the newest image is refused"
        else:
            device.signer.tick(HASHES[device.last])
    except PowerCut:
        device.after(before, cut=True)
        return False
    device.after(before, cut=False)
    return True


def run(cuts_max: int) -> int:
    """Two ticks, each with up to so many cuts in a row; returns the number of ways tried."""
    paths = Paths()
    count = 0
    for _ in paths.all():
        count += 1
        device = Device()
        for _ in range(2):
            device.last += 1
            done = step(device, paths, boot=False)
            for _ in range(cuts_max - 1):
                if done:
                    break
                device.read_weak(paths.pick(3))
                done = step(device, paths, boot=True)
            if not done:
                device.read_weak(paths.pick(3))
                step(device, paths, boot=True, safe=True)
            assert all(slot != bound.MARKS[device.signer._place] for slot in device.weak)
        for how in (OLD, NEW, OTHER):
            device.read_weak(how)
            for older in range(device.last):
                for pending in (True, False):
                    assert not device.accepts(older, pending), "an older image is accepted"
            assert device.accepts(device.last, pending=False)
    return count
