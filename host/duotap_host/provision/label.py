# SPDX-License-Identifier: Apache-2.0
"""The label of a device: a self-contained SVG in millimetres of common stock, with a QR code
(ISO/IEC 18004) and what people read.

The QR code says DUOTAP1/ID/C: the device's id as 32 hexadecimal digits in capitals, and a check
character over them; all of it fits the code's alphanumeric mode. The short id is the first 8
digits, which the screens and findings of this program show too, with a check character of their
own: 1A2B-3C4D-E. The check character is that of ISO 7064 MOD 37,36: it tells every single wrong
character, and all but 1 in 288 exchanges of neighbours. It knows no file and no printer.
"""

from __future__ import annotations

import string
from typing import NamedTuple
from xml.sax.saxutils import escape

import segno

# Width and height in mm: thermal rolls, Dymo 11354, Brother DK-11209.
STOCK = {"40x30": (40, 30), "50x25": (50, 25), "57x32": (57, 32), "62x29": (62, 29)}
PREFIX = "DUOTAP1"
CHARACTERS = string.digits + string.ascii_uppercase
ID_BYTES = 16
SHORT_DIGITS = 8
MARGIN_MM = 1.5  # what a label printer may not reach
QUIET_MODULES = 4  # ISO/IEC 18004 §6.3.8
CODE_SHARE = 0.5  # of the width, at most
CORRECTION = "q"  # a quarter of a scratched code may be gone
MONOSPACE = "DejaVu Sans Mono, Consolas, Menlo, monospace"
SANS = "Noto Sans CJK SC, Microsoft YaHei, PingFang SC, DejaVu Sans, sans-serif"
LINE = 1.3  # of a font's size
WIDE_FROM = 0x2E80  # from here on characters are as wide as they are high
NARROW, WIDE = 0.62, 1.0  # width of a character, of the font's size
SMALL = 0.7  # of a line's size: what would be smaller goes on two lines


class Text(NamedTuple):
    """A line of the label; sizes in mm."""

    text: str
    size: float
    family: str
    weight: str = "normal"


def check_character(text: str) -> str:
    """ISO 7064 MOD 37,36 over digits and capital letters."""
    total = len(CHARACTERS)
    for character in text:
        total = (total + CHARACTERS.index(character)) % len(CHARACTERS) or len(CHARACTERS)
        total = 2 * total % (len(CHARACTERS) + 1)
    return CHARACTERS[(len(CHARACTERS) + 1 - total) % len(CHARACTERS)]


def code(device: bytes) -> str:
    """What the QR code of this device says."""
    digits = device.hex().upper()
    return f"{PREFIX}/{digits}/{check_character(digits)}"


def device_of(text: str) -> bytes:
    """The id in what a QR code says. ValueError."""
    prefix, digits, check = text.split("/") if text.count("/") == 2 else ("",) * 3
    is_id = len(digits) == 2 * ID_BYTES and all(each in "0123456789ABCDEF" for each in digits)
    if prefix != PREFIX or not is_id:
        raise ValueError("this is no label of a device")
    if check != check_character(digits):
        raise ValueError("the label was misread: its check character is another one")
    return bytes.fromhex(digits)


def short(device: bytes) -> str:
    """What people read out: 1A2B-3C4D-E."""
    digits = device.hex().upper()[:SHORT_DIGITS]
    half = SHORT_DIGITS // 2
    return f"{digits[:half]}-{digits[half:]}-{check_character(digits)}"


def svg(device: bytes, unit: str, names: tuple[str, ...], stock: str) -> str:
    """The label as the text of an SVG file. KeyError for stock that is not known."""
    width, height = STOCK[stock]
    side = min(height - 2 * MARGIN_MM, width * CODE_SHARE)
    left = 2 * MARGIN_MM + side
    room = width - left - MARGIN_MM
    lines = _lines(device, unit, names, height / 9, room)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
        f' viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        + _code(device, side, (height - side) / 2)
        + "".join(_texts(lines, left, room, height))
        + "</svg>\n"
    )


def _lines(
    device: bytes, unit: str, names: tuple[str, ...], size: float, room: float
) -> list[Text]:
    parts = [part for name in names for part in _parts(name, room / (SMALL * size))]
    return [
        *(Text(part, size, SANS) for part in parts),
        Text(short(device), size * 1.2, MONOSPACE, "bold"),
        Text(unit, size * 0.8, MONOSPACE),
    ]


def _parts(name: str, ems_max: float) -> tuple[str, ...]:
    """The name, or its halves, parted at the space that is nearest to the middle."""
    if _ems(name) <= ems_max:
        return (name,)
    middle = len(name) // 2
    spaces = [at for at, each in enumerate(name) if each == " "]
    at = min(spaces, key=lambda each: abs(each - middle), default=middle)
    return name[:at], name[at:].strip()


def _code(device: bytes, side: float, top: float) -> str:
    made = segno.make(code(device), error=CORRECTION, micro=False, boost_error=False)
    drawn = made.svg_inline(border=QUIET_MODULES, omitsize=True, lineclass=None, svgclass=None)
    place = f'x="{MARGIN_MM}" y="{top:.2f}" width="{side:.2f}" height="{side:.2f}"'
    return drawn.replace("<svg", f"<svg {place}", 1)


def _texts(lines: list[Text], left: float, room: float, height: float) -> list[str]:
    """One under the other, in the middle of the height; what is too long is set smaller."""
    sizes = [min(line.size, room / max(_ems(line.text), 1)) for line in lines]
    y = (height - LINE * sum(sizes)) / 2
    found = []
    for line, size in zip(lines, sizes, strict=True):
        y += LINE * size
        found.append(
            f'<text x="{left:.2f}" y="{y - 0.3 * size:.2f}" font-size="{size:.2f}"'
            f' font-family="{line.family}" font-weight="{line.weight}">{escape(line.text)}</text>'
        )
    return found


def _ems(text: str) -> float:
    """How wide a text is, in sizes of its font; rather too wide."""
    return sum(WIDE if ord(each) >= WIDE_FROM else NARROW for each in text)
