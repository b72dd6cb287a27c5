# SPDX-License-Identifier: Apache-2.0
"""Run by test_stock_churn.py on MicroPython, with its own VfsLfs2 over a flash that can be cut.

`stock_churn.py IMAGE WARM DIRECTORY...`: the journal's blocks are blanked and filled with noise;
files come, grow, change and go; power is cut at every operation of that, in a stretch that
begins after WARM changes. After each cut the journal must be the same bits, the file system must
mount, and the files that did not change must be there. Any access of LittleFS to a block of the
journal is an error by itself. Prints what was tried.
"""

import os
import random
import sys

import vfs

sys.path[:] = sys.argv[3:]
sys.path.append(".frozen")

from port.blank import make_blank  # noqa: E402
from port.files import Files  # noqa: E402
from port.places import NUMBERS_FILE, read  # noqa: E402
from port.sectors import Sectors  # noqa: E402

BLOCK = 4096
PAGE = 256
ERASED = b"\xff" * PAGE
STRETCH = 24  # changes in which each operation is cut once
EACH, THEN = 16, 3  # of a boot that blanks: each of the first operations, then every third
SEED = 1408


class PowerCut(Exception):
    pass


class Nor:
    """NOR flash in memory; after `left` more operations one is torn, and nothing that was mounted
    before reaches it any more. `closed`: blocks that are not LittleFS's."""

    def __init__(self, content):
        self.content = bytearray(content)
        self.left = -1
        self.erases = {}
        self.closed = ()

    def size_left(self, size):
        """How much of an operation is done; all of it, or less when power fails."""
        self.left -= 1
        return random.randrange(size) if self.left == -1 else size

    def program(self, at, content):
        done = self.size_left(PAGE)
        if self.content[at : at + PAGE] == ERASED:
            self.content[at : at + done] = memoryview(content)[:done]
        else:
            for i in range(done):
                self.content[at + i] &= content[i]
        if done < PAGE:
            raise PowerCut

    def erase(self, block):
        done = self.size_left(BLOCK)
        self.content[block * BLOCK : block * BLOCK + done] = b"\xff" * done
        self.erases[block] = self.erases.get(block, 0) + 1
        if done < BLOCK:
            raise PowerCut


class View:
    """The flash as one mount sees it, until the power goes."""

    def __init__(self, nor, closed=()):
        self.nor = nor
        self.closed = closed
        self.powered = True

    def look(self, n):
        if n in self.closed:
            raise SystemExit("LittleFS touched a block of the journal")

    def readblocks(self, n, buf, off=0):
        if self.powered:
            self.look(n)
            at = n * BLOCK + off
            buf[:] = memoryview(self.nor.content)[at : at + len(buf)]

    def writeblocks(self, n, buf, off):
        if self.powered:
            self.look(n)
            for page in range(0, len(buf), PAGE):
                content = memoryview(buf)[page : page + PAGE]
                self.nor.program(n * BLOCK + off + page, content)

    def ioctl(self, op, arg):
        if op == 6 and self.powered:
            self.look(arg)
            self.nor.erase(arg)
        if op == 4:
            return len(self.nor.content) // BLOCK
        return BLOCK if op == 5 else 0


views = []


def mount(nor):
    """As the frozen _boot.py of the stock interpreter does; fails if it does not mount."""
    views.append(View(nor, nor.closed))
    vfs.mount(vfs.VfsLfs2(views[-1], progsize=256), "/")


def unmount():
    """The power is gone: what is still open stays without effect."""
    views.pop().powered = False
    vfs.umount("/")


NO_SPACE = 28  # of errno, which has no name for it on MicroPython


def change(number):
    """One of the things that a device or a developer does to files, by its number."""
    folder = ("/", "/journal/", "/port/")[number % 3]
    name = f"{folder}churn{number % 2}"
    kind = number % 5
    if kind == 4:
        try:
            os.remove(name)
        except OSError:
            pass
        return
    try:
        with open(name, "ab" if kind == 3 else "wb") as file:
            file.write(bytes((number & 0xFF,)) * (40, 700, 5000, 90)[kind])
    except OSError as error:
        if error.errno != NO_SPACE:
            raise
        os.remove(name)  # few blocks are free beside the journal's: this too must leave it alone
        return
    if kind == 1:
        os.rename(name, name + ".new")


def kept():
    """Files that nobody changes."""
    found = []
    for name in ("boot.py", "main.py", "device.mpy", "firmware.digest", NUMBERS_FILE):
        with open("/" + name, "rb") as file:
            found.append(file.read())
    return found


def is_as_before(nor, journal, files):
    """After a cut: journal bit for bit, file system whole, files there, and it can be written."""
    for n, content in journal:
        assert nor.content[n * BLOCK : (n + 1) * BLOCK] == content, f"block {n} changed"
    mount(nor)
    try:
        assert kept() == files
        change(1)
    finally:
        unmount()


def listed(nor):
    """The journal's sectors, as the image tells."""
    mount(nor)
    try:
        return read(Files("/"))
    finally:
        unmount()


def blanked(used):
    """Cut everywhere while a board without a key blanks a journal that was used."""
    points = 0
    while True:
        nor = Nor(used)
        store = Sectors(View(nor), listed(nor))
        nor.left = points * (1 if points < EACH else THEN)
        try:
            make_blank(store)
            return points, nor
        except PowerCut:
            make_blank(store)
            assert make_blank(store) == 0
        points += 1


def noise(store):
    page = bytearray(PAGE)
    for n in range(store.ioctl(4, 0)):
        for at in range(0, BLOCK, PAGE):
            page[:] = bytes([random.getrandbits(8) for _ in range(8)]) * (PAGE // 8)
            store.writeblocks(n, page, at)


def main(path, warm):
    random.seed(SEED)
    with open(path, "rb") as file:
        image = file.read()
    vfs.umount("/")  # the PC's
    nor = Nor(image)
    numbers = listed(nor)
    store = Sectors(View(nor), numbers)
    assert make_blank(store) == 0, "an image comes with a blank journal"
    noise(store)
    boots, nor = blanked(nor.content)
    nor.left = -1
    noise(Sectors(View(nor), numbers))
    blocks = [int.from_bytes(numbers[at : at + 2], "big") for at in range(0, len(numbers), 2)]
    journal = [(n, bytes(nor.content[n * BLOCK : (n + 1) * BLOCK])) for n in blocks]
    nor.closed = set(blocks)
    mount(nor)
    files = kept()
    for number in range(warm):
        change(number)
    unmount()
    begun, before = bytes(nor.content), dict(nor.erases)
    cuts = 0
    while True:
        nor.content[:] = begun
        nor.left = cuts
        mount(nor)
        try:
            for number in range(warm, warm + STRETCH):
                change(number)
            break
        except PowerCut:
            pass
        finally:
            unmount()
            nor.left = -1
        is_as_before(nor, journal, files)
        cuts += 1
    is_as_before(nor, journal, files)
    worn = [n for n, count in nor.erases.items() if count > before.get(n, 0)]
    print(len(journal), boots, sum(before.values()), cuts, len(worn))


main(sys.argv[1], int(sys.argv[2]))
