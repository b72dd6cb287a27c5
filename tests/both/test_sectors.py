# SPDX-License-Identifier: Apache-2.0
"""The journal's sectors among the blocks of a stock RP2040: found by marker, listed once."""

from binascii import crc32

from board_flash import Flash
from duotap.errors import Broken
from port import markers
from port.blank import make_blank
from port.sectors import Sectors
from raising import raises

BLOCKS = 12
PLACES = (7, 2, 9, 4)  # where sectors 0 to 3 lie


class Kept:
    """Files in a dictionary."""

    def __init__(self):
        self.kept = {}

    def has(self, name):
        return name in self.kept

    def read(self, name):
        return self.kept[name]

    def write_once(self, name, content):
        assert name not in self.kept
        self.kept[name] = content


def marker(index, count):
    head = markers.MAGIC + index.to_bytes(2, "big") + count.to_bytes(2, "big")
    return head + crc32(head).to_bytes(4, "big")


def flash(places=PLACES, count=4):
    found = Flash(BLOCKS)
    for index, place in enumerate(places):
        page = marker(index, count) + b"\xff" * (256 - markers.MARKER_BYTES)
        found.writeblocks(place, page, 0)
    return found


def numbers():
    return b"".join([place.to_bytes(2, "big") for place in PLACES])


def test_markers_are_found_once_and_listed():
    files = Kept()
    assert markers.find(flash(), files) == numbers()
    assert markers.read(files) == numbers()
    assert list(files.kept) == [markers.NUMBERS_FILE]


def test_a_search_that_finds_other_than_each_once():
    twice = flash()
    twice.writeblocks(0, marker(3, 4) + b"\xff" * (256 - markers.MARKER_BYTES), 0)
    other = flash()
    other.writeblocks(0, marker(0, 5) + b"\xff" * (256 - markers.MARKER_BYTES), 0)
    beyond = flash()
    beyond.writeblocks(0, marker(4, 4) + b"\xff" * (256 - markers.MARKER_BYTES), 0)
    for wrong in (Flash(BLOCKS), flash(PLACES[:3]), twice, other, beyond):
        files = Kept()
        assert raises(Broken, markers.find, wrong, files)
        assert files.kept == {}


def test_a_marker_that_decayed_is_none():
    for at in range(markers.MARKER_BYTES):
        worn = flash()
        page = bytearray(256)
        worn.readblocks(PLACES[1], page, 0)
        page[at] ^= 1
        worn.ioctl(6, PLACES[1])
        worn.writeblocks(PLACES[1], page, 0)
        assert raises(Broken, markers.find, worn, Kept())


def test_a_list_that_decayed():
    files = Kept()
    markers.find(flash(), files)
    good = files.kept[markers.NUMBERS_FILE]
    for at in range(len(good)):
        files.kept[markers.NUMBERS_FILE] = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
        assert raises(Broken, markers.read, files)
    for short in (b"", good[:4], good[:-1]):
        files.kept[markers.NUMBERS_FILE] = short
        assert raises(Broken, markers.read, files)


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
