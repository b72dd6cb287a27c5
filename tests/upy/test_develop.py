# SPDX-License-Identifier: Apache-2.0
"""A development build is brought up to date by the real mpremote: only what changed is copied, and
wherever the cable is pulled the same again ends it."""

from __future__ import annotations

import asyncio
import os
import random
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from duotap_host.flash import develop, image, stock
from duotap_host.flash.failures import FlashFailed, NotUsable
from duotap_host.flash.geometry import RP2040
from duotap_host.virtual.unix import ARCH
from upy.stock import board_name
from upy.test_development import Workbench, play

SEED = 61
CUTS = 3
LOOK_S = 0.1


class Cable:
    """Between a tool and a board; after `unplug_after` bytes in either direction it is pulled."""

    def __init__(self, far: str, unplug_after: int = -1) -> None:
        self.passed = 0
        self._left = unplug_after
        self._tool, self._near = os.openpty()
        tty.setraw(self._near)
        self._far = os.open(far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.path = os.ttyname(self._near)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        for descriptor in (self._tool, self._near, self._far):
            os.close(descriptor)

    def _run(self) -> None:
        while not self._ends.is_set():
            for source in select.select([self._tool, self._far], [], [], LOOK_S)[0]:
                chunk = os.read(source, 64)
                if self._left >= 0:
                    chunk = chunk[: self._left - self.passed]
                self.passed += len(chunk)
                os.write(self._far if source == self._tool else self._tool, chunk)


@contextmanager
def cable(device: Workbench, unplug_after: int = -1) -> Iterator[Cable]:
    between = Cable(device.path, unplug_after)
    try:
        yield between
    finally:
        between.close()


def holds(device: Workbench, firmware: image.Firmware) -> bool:
    fs = stock.mounted(device.board.files.content(), RP2040)
    found = {}
    for path, _ in (*firmware.files, (image.DIGEST_FILE, b"")):
        with fs.open(path, "rb") as file:
            found[path] = file.read()
    digest = found.pop(image.DIGEST_FILE)
    return (found, digest) == (dict(firmware.files), firmware.digest)


def build(note: bytes) -> image.Firmware:
    """The firmware with another main.py, as long as three files of it."""
    made = image.firmware(ARCH, board_name("card")).for_development()
    return made.replaced("main.py", dict(made.files)["main.py"] + b"# " + note * 4000)


@pytest.mark.long
def test_only_what_changed_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"\nseed {SEED}")
    rng = random.Random(SEED)
    monkeypatch.setattr(develop, "COPY_S", 10)  # a board that was unplugged goes on to say nothing

    async def story(device: Workbench) -> None:
        def copied(firmware: image.Firmware, unplug_after: int = -1) -> tuple[int, int]:
            with cable(device, unplug_after) as between:
                done = develop.copy(between.path, firmware, resets=False)
                return done.files - done.same, between.passed

        first = build(b"0")
        count, passed = await asyncio.to_thread(copied, first)
        assert (count, holds(device, first)) == (1, True)
        assert (await asyncio.to_thread(copied, first))[0] == 0
        failed = 0
        for note in b"1", b"2", b"3":
            wanted = build(note)
            try:
                await asyncio.to_thread(copied, wanted, rng.randrange(passed))
            except FlashFailed:
                failed += 1
            await asyncio.to_thread(copied, wanted)
            assert holds(device, wanted)
        assert failed
        print(f"{passed} bytes, {failed} of {CUTS} commands failed, all converged")

    play(story, monkeypatch)


def test_only_a_development_build_is_copied() -> None:
    with pytest.raises(NotUsable, match="only a development build"):
        develop.copy("/dev/null", image.firmware(ARCH, board_name("card")))
