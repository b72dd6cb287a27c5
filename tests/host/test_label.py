# SPDX-License-Identifier: Apache-2.0
"""Labels: somebody else's renderer draws them, somebody else's reader reads them."""

from __future__ import annotations

import io
import re
from itertools import permutations, product
from xml.etree import ElementTree

import pytest
import resvg_py
import zxingcpp
from duotap_host.provision import label
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

DEVICE = bytes.fromhex("1a2b3c4d5e6f708192a3b4c5d6e7f809")
DPI = 203  # of a thermal printer, the coarsest there is
CARD = ("持有人 7", "Holder 7")
STAND = ("面馆", 'Noodle Bar & "Tea" <House>')
LONGEST = ("面" * 16, "A shop with a name of 32 letters")
IDS = st.binary(min_size=16, max_size=16)
DIGITS = "0123456789ABCDEF"


def drawn(svg: str) -> Image.Image:
    png = resvg_py.svg_to_bytes(svg_string=svg, dpi=DPI)
    return Image.open(io.BytesIO(bytes(png))).convert("L")


def read(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize("names", [CARD, STAND, LONGEST], ids=["card", "stand", "longest"])
@pytest.mark.parametrize("stock", label.STOCK)
def test_a_reader_reads_it(stock: str, names: tuple[str, ...]) -> None:
    """At the size and the dots of the printer."""
    svg = label.svg(DEVICE, "A-0001", names, stock)
    image = drawn(svg)
    width, height = label.STOCK[stock]
    assert image.size == tuple(round(mm / 25.4 * DPI) for mm in (width, height))
    (text,) = read(image)
    assert text == "DUOTAP1/1A2B3C4D5E6F708192A3B4C5D6E7F809/" + text[-1]
    assert label.device_of(text) == DEVICE


@pytest.mark.parametrize("stock", label.STOCK)
def test_a_blot_does_no_harm(stock: str) -> None:
    """A quarter of the code's side, wherever it is not on one of the three corners."""
    svg = label.svg(DEVICE, "A-0001", CARD, stock)
    (code,) = ElementTree.fromstring(svg).findall("{*}svg")
    left, top, side = (float(code.get(name, "")) / 25.4 * DPI for name in ("x", "y", "width"))
    for x, y in ((0.4, 0.4), (0.6, 0.6), (0.4, 0.6)):
        image = drawn(svg)
        corner = left + x * side, top + y * side
        blot = (*corner, corner[0] + side / 4, corner[1] + side / 4)
        ImageDraw.Draw(image).rectangle(blot, fill=0)
        (text,) = read(image)
        assert label.device_of(text) == DEVICE


@pytest.mark.parametrize("names", [CARD, STAND, LONGEST], ids=["card", "stand", "longest"])
@pytest.mark.parametrize("stock", label.STOCK)
def test_it_stands_alone_and_fits(stock: str, names: tuple[str, ...]) -> None:
    """No link, no script; each line within the label, none on the code, and large enough."""
    root = ElementTree.fromstring(label.svg(DEVICE, "U" * 24, names, stock))
    width, height = label.STOCK[stock]
    assert (root.get("width"), root.get("height")) == (f"{width}mm", f"{height}mm")
    assert not [each for node in root.iter() for each in node.attrib if "href" in each]
    assert {node.tag.rpartition("}")[2] for node in root.iter()} == {"svg", "rect", "path", "text"}
    (code,) = root.findall("{*}svg")
    right = float(code.get("x", "")) + float(code.get("width", ""))
    texts = root.findall("{*}text")
    for node in texts:
        size, x, y = (float(node.get(name, "")) for name in ("font-size", "x", "y"))
        assert size > 0.7
        assert x > right
        assert y - size > 0
        assert y < height
        assert x + size * label._ems(node.text or "") < width
    shown = "".join(node.text or "" for node in texts)
    for name in names:
        assert name.replace(" ", "") in shown.replace(" ", "")
    assert label.short(DEVICE) in shown


def test_a_code_is_alphanumeric() -> None:
    """Else it would need a larger one than the mm of the stock allow."""
    assert re.fullmatch(r"[0-9A-Z $%*+\-./:]{42}", label.code(DEVICE))


@given(IDS)
def test_what_it_says_is_read_back(device: bytes) -> None:
    assert label.device_of(label.code(device)) == device
    assert label.short(device)[:9].replace("-", "") == device.hex().upper()[:8]


@given(IDS)
def test_every_wrong_character_is_told(device: bytes) -> None:
    text = label.code(device)
    for at in range(8, 8 + 32):
        for wrong in DIGITS.replace(text[at], ""):
            with pytest.raises(ValueError, match="misread"):
                label.device_of(text[:at] + wrong + text[at + 1 :])


def test_nearly_every_exchange_of_neighbours_is_told() -> None:
    """The pair of digits that is not depends on what is before it: 30 of 36 * 16 * 15."""
    before = {label.check_character(text): text for text in map("".join, product(DIGITS, DIGITS))}
    assert len(before) == 36, "all that can be before it"
    missed = 0
    for text in before.values():
        for one, other in permutations(DIGITS, 2):
            exchanged = (f"{text}{one}{other}", f"{text}{other}{one}")
            missed += len({label.check_character(each) for each in exchanged}) == 1
    assert missed == 30


def test_the_check_character_is_the_standards() -> None:
    """ISO 7064 MOD 37,36: the examples of the Global Release Identifier (IFPI)."""
    assert label.check_character("A12425GABC1234002") == "M"
    assert label.check_character("A12425GXYZ1234002") != "M"


@pytest.mark.parametrize(
    "text", ["", "DUOTAP1", "DUOTAP1//", "DUOTAP2/" + "0" * 32 + "/0", "https://example.com/a/b"]
)
def test_other_codes_are_told(text: str) -> None:
    with pytest.raises(ValueError, match="no label"):
        label.device_of(text)
