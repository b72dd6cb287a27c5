# SPDX-License-Identifier: Apache-2.0
"""The journal in the image for a stock RP2040: blank, listed, and each sector the block of its own
file."""

from __future__ import annotations

import pytest
from duotap_host.flash import image, journal_files, stock
from duotap_host.flash.geometry import BLOCK_BYTES, RP2040


def board_image() -> bytes:
    return image.stock_image(image.firmware(image.THUMB, "CARD_RP2040"), RP2040)


def test_the_list_names_the_block_of_each_file() -> None:
    flash = board_image()
    places = stock.journal_blocks(flash, RP2040)
    assert len(set(places)) == RP2040.listed_blocks
    assert set(stock.journal(flash, RP2040)) == {0xFF}
    written = bytearray(flash)
    for index, place in enumerate(places):
        written[place * BLOCK_BYTES : (place + 1) * BLOCK_BYTES] = (
            bytes((index & 0xFF,)) * BLOCK_BYTES
        )
    fs = stock.mounted(bytes(written), RP2040)
    names = sorted(name for _, _, found in fs.walk("/journal") for name in found)
    assert len(names) == RP2040.listed_blocks
    for index, name in enumerate(names):
        with fs.open(f"/journal/{name}", "rb") as file:
            assert file.read() == bytes((index & 0xFF,)) * BLOCK_BYTES


def test_what_is_beside_the_journal_stays() -> None:
    firmware = image.firmware(image.THUMB, "CARD_RP2040")
    fs = stock.mounted(board_image(), RP2040)
    for path, content in firmware.files:
        with fs.open(f"/{path}", "rb") as file:
            assert file.read() == content


def test_a_mark_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="one block"):
        journal_files.settle(board_image(), RP2040.listed_blocks)
