# SPDX-License-Identifier: Apache-2.0
"""Lets a virtual boot drive or an ESP32's ROM run while a test waits for what it does."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.esp32_rom import Esp32Rom, Unplugged

LOOK_S = 0.002


@contextmanager
def looked_at(drive: BootDrive) -> Iterator[None]:
    """The drive takes what is written to it until the block ends."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(LOOK_S):
            drive.look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def rom_on_a_pty(rom: Esp32Rom) -> Iterator[str]:
    """The path of a terminal with the ROM at its other end; gone when the ROM is unplugged."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    path = os.ttyname(theirs)
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            if not select.select([ours], [], [], LOOK_S)[0]:
                continue
            try:
                answer = rom.feed(os.read(ours, 4096))
            except (OSError, Unplugged):
                break
            while answer:
                answer = answer[os.write(ours, answer) :]
        os.close(theirs)
        os.close(ours)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        over.set()
        thread.join()
