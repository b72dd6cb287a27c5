# SPDX-License-Identifier: Apache-2.0
"""The journal's sectors among the blocks of a stock RP2040, as the image lists them."""

from binascii import crc32

from board_flash import Flash
from duotap.errors import Broken
from port import places
from port.blank import make_blank
from port.sectors import Sectors
from raising import raises

BLOCKS = 12
PLACES = (7, 2, 9, 4)  # where sectors 0 to 3 lie


class Kept:
    """Files in a dictionary."""

    def __init__(self):
        self.kept = {}

    def read(self, name):
        return self.kept[name]


def flash():
    """Each sector has been programmed somewhere."""
    found = Flash(BLOCKS)
    for place in PLACES:
        found.writeblocks(place, b"\x5a" * 256, 256)
    return found


def numbers():
    return b"".join([place.to_bytes(2, "big") for place in PLACES])


def test_a_list_is_read():
    files = Kept()
    files.kept[places.NUMBERS_FILE] = numbers() + crc32(numbers()).to_bytes(4, "big")
    assert places.read(files) == numbers()


def test_a_list_that_decayed():
    files = Kept()
    good = numbers() + crc32(numbers()).to_bytes(4, "big")
    for at in range(len(good)):
        files.kept[places.NUMBERS_FILE] = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
        assert raises(Broken, places.read, files)
    for short in (b"", good[:4], good[:-1]):
        files.kept[places.NUMBERS_FILE] = short
        assert raises(Broken, places.read, files)


def test_sectors_are_blocks_elsewhere():
    raw = flash()
    store = Sectors(raw, numbers())
    assert store.ioctl(4, 0) == len(PLACES)
    assert store.ioctl(5, 0) == 4096
    assert make_blank(store) == len(PLACES)
    assert make_blank(store) == 0
    for index in range(len(PLACES)):
        store.writeblocks(index, bytes((index,)) * 256, 512)
    page = bytearray(256)
    for index, place in enumerate(PLACES):
        store.readblocks(index, page, 512)
        assert page == bytes((index,)) * 256
        raw.readblocks(place, page, 512)
        assert page == bytes((index,)) * 256
    assert store.ioctl(6, 2) == 0
    raw.readblocks(PLACES[2], page, 512)
    assert page == b"\xff" * 256


def test_what_is_no_sector_is_not_reached():
    store = Sectors(flash(), numbers())
    page = bytearray(256)
    for n in (-1, len(PLACES)):
        assert raises(Broken, store.readblocks, n, page, 0)
        assert raises(Broken, store.writeblocks, n, page, 0)
        assert raises(Broken, store.ioctl, 6, n)
