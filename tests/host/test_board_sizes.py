# SPDX-License-Identifier: Apache-2.0
"""What the firmware takes of each board stays below its ceilings, and a ceiling can be broken."""

from __future__ import annotations

import pytest
from duotap_host.flash import sizes
from duotap_host.flash.geometry import BOARDS
from duotap_host.flash.sizes import BoardSize

FITS = BoardSize("X", {"a.mpy": 1000}, sizes.FREE_BLOCKS_MIN, sizes.START_HEAP_MAX)


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_has_room(board: str) -> None:
    size = sizes.measure(board)
    print(
        f"\n{board}: {size.flash} bytes, {size.free_blocks} free blocks, {size.heap} bytes of heap"
    )
    assert size.too_large() == []
    assert size.heap > 32 * 1024, "nothing was loaded"


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (FITS._replace(files={"a.mpy": sizes.FILE_MAX + 1}), "a.mpy has"),
        (FITS._replace(files=dict.fromkeys("abcdefghi", 15_000)), "of files"),
        (FITS._replace(free_blocks=sizes.FREE_BLOCKS_MIN - 1), "free blocks"),
        (FITS._replace(heap=sizes.START_HEAP_MAX + 1), "of heap"),
    ],
)
def test_what_is_too_large_is_told(size: BoardSize, told: str) -> None:
    (line,) = size.too_large()
    assert told in line
    assert FITS.too_large() == []
