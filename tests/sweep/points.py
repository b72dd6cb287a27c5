# SPDX-License-Identifier: Apache-2.0
"""The name of one cut: it says all that is needed to live through it again.

    <story>:<kind>:<side>:<number>:<byte>:<seed>

kind   `flash`  operation `number` of the flash of `side` since the story's act began is torn; byte
                numbers the tear (see `tear`)
       `radio`  during frame `number` on the air, when `byte` bytes of it have passed: `air` the
                two are apart from then on, `payer` or `payee` has lost its power
       `cable`  during frame `number` on the cable, when `byte` bytes of it have passed: `line` it
                was pulled out, or the device at its end has lost its power
       `none`   nothing is cut
"""

from __future__ import annotations

import random
from typing import NamedTuple

from duotap import slip
from duotap_host.virtual.nor import Mix, Prefix, Tear

FLASH, RADIO, CABLE, NONE = "flash", "radio", "cable", "none"
AIR, LINE = "air", "line"
TEARS = 6  # of one operation: before its first bit, after its last, two prefixes, two mixtures


class Point(NamedTuple):
    story: str
    kind: str
    side: str
    number: int
    byte: int
    seed: int

    def __str__(self) -> str:
        return ":".join(map(str, self))

    def dice(self) -> random.Random:
        """What is random about this point, the same whenever it is lived through."""
        return random.Random(str(self))


def parse(text: str) -> Point:
    """The point of a name. ValueError."""
    story, kind, side, number, byte, seed = text.split(":")
    return Point(story, kind, side, int(number), int(byte), int(seed))


def tear(point: Point, size: int) -> Tear:
    """How far a flash operation on `size` bytes comes: not at all, wholly (and no further), up to
    a random bit, or to a random mixture of bits that are done and bits that are not."""
    dice = point.dice()
    if point.byte == 0:
        return Prefix(0)
    if point.byte == 1:
        return Prefix(size)
    if point.byte % 2 == 0:
        return Prefix(dice.randrange(size), dice.randrange(256))
    return Mix(dice.randrange(2**32))


def classes(chunk: bytes) -> list[list[int]]:
    """All cuts of what is sent over a cable, by how many of its bytes pass. Cuts of one class make
    no difference to whoever receives: the shipped decoder gives the same frames for them, at once
    and at the END with which the next frame begins, and has forgotten the rest by then."""
    found: dict[tuple[object, ...], list[int]] = {}
    for passed in range(len(chunk) + 1):
        decoder = slip.Decoder()
        now, then = decoder.feed(chunk[:passed]), decoder.feed(slip.END_BYTE)
        found.setdefault((*now, None, *then), []).append(passed)
    return list(found.values())


def cable_bytes(chunk: bytes) -> list[int]:
    """How many bytes of a chunk pass before it is cut: of each class the least, the most and one
    between."""
    return sorted({of[at] for of in classes(chunk) for at in (0, len(of) // 2, -1)})
