# SPDX-License-Identifier: Apache-2.0
"""UF2 files: ours are read back page by page, and what is wrong with another's is told."""

from __future__ import annotations

import struct

import pytest
from duotap_host.flash import image, rp2040, uf2
from duotap_host.flash.failures import NotUsable
from duotap_host.flash.geometry import BLOCK_BYTES, RP2040
from duotap_host.flash.uf2 import Uf2Error
from hypothesis import given
from hypothesis import strategies as st
from upy.stand_in import interpreter

PAGES = st.dictionaries(
    st.integers(0, 8191).map(lambda number: number * 256),
    st.binary(min_size=256, max_size=256),
    min_size=1,
    max_size=12,
)


@given(PAGES)
def test_what_is_written_is_read(pages: dict[int, bytes]) -> None:
    content = uf2.encode(pages)
    assert uf2.decode(content) == pages
    for index in range(len(pages)):
        block = content[512 * index : 512 * (index + 1)]
        words = struct.unpack_from("<8I", block)
        assert words[:2] == (0x0A324655, 0x9E5D5157)
        assert words[2] == 0x2000
        assert words[4:] == (256, index, len(pages), 0xE48BFF56)
        assert block[508:] == bytes.fromhex("306fb10a")


@given(PAGES)
def test_a_missing_block_is_told(pages: dict[int, bytes]) -> None:
    content = uf2.encode(pages)
    for index in range(len(pages)):
        rest = content[: 512 * index] + content[512 * (index + 1) :]
        with pytest.raises(Uf2Error):
            uf2.decode(rest)


ONE = uf2.encode({0: bytes(256)})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "length"),
        (ONE[:-1], "length"),
        (b"x" + ONE[1:], "magic"),
        (ONE[:-1] + b"x", "magic"),
        (ONE[:28] + struct.pack("<I", 0xE48BFF59) + ONE[32:], "another chip"),
        (ONE[:16] + struct.pack("<I", 255) + ONE[20:], "no page"),
        (ONE[:12] + struct.pack("<I", 0x10000001) + ONE[16:], "no page"),
        (ONE[:12] + struct.pack("<I", 0x0FFFFF00) + ONE[16:], "no page"),
        (ONE[:24] + struct.pack("<I", 2) + ONE[28:], "missing"),
        (ONE + uf2.encode({0: b"\1" * 256}), "two different"),
    ],
)
def test_what_is_wrong_is_told(content: bytes, told: str) -> None:
    with pytest.raises(Uf2Error, match=told):
        uf2.decode(content)


def test_blocks_of_another_family_are_passed_over() -> None:
    other = ONE[:28] + struct.pack("<I", 0xE48BFF57) + ONE[32:]
    assert uf2.decode(other + ONE) == {0: bytes(256)}


def test_one_uf2_holds_both() -> None:
    firmware = image.firmware("armv6m", "CARD_RP2040")
    base = rp2040.interpreter(interpreter())
    content = rp2040.combined(base, firmware)
    pages = uf2.decode(content)
    assert {at: page for at, page in pages.items() if at < RP2040.files_at} == base.pages
    files = b"".join(page for at, page in sorted(pages.items()) if at >= RP2040.files_at)
    assert files == image.stock_image(firmware, RP2040)
    assert len(files) == RP2040.files_blocks * BLOCK_BYTES, "nothing old stays readable"
    assert max(pages) + 256 == 2 << 20
    assert base.version == "MicroPython v1.26.1"
    assert rp2040.combined(base, firmware) == content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (interpreter("v1.25.0"), "too old"),
        (interpreter("v0.99"), "too old"),
        (interpreter(files_at=0x12C000, blocks=212), "848 KiB at 0x1012c000"),
        (interpreter(blocks=351), "elsewhere"),
        (uf2.encode({0: bytes(256)}), "no MicroPython"),
        (uf2.encode({0: b"MicroPython v1.27.0 on".ljust(256)}), "does not say where"),
    ],
)
def test_an_interpreter_that_cannot_carry_it(content: bytes, told: str) -> None:
    with pytest.raises(NotUsable, match=told):
        rp2040.interpreter(content)


@pytest.mark.parametrize("version", ["v1.26.0", "v1.29.0-preview.12.g1c3c20114", "v2.0.1"])
def test_a_version_that_will_do(version: str) -> None:
    assert rp2040.interpreter(interpreter(version)).version.endswith(version)


def test_an_interpreter_that_reaches_too_far() -> None:
    pages = uf2.decode(interpreter())
    pages[RP2040.files_at] = bytes(256)
    with pytest.raises(NotUsable, match="reaches into"):
        rp2040.interpreter(uf2.encode(pages))
