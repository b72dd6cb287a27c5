# SPDX-License-Identifier: Apache-2.0
"""Blocks of ISO/IEC 14443-4: how they are coded, what they are called, how long they take.

Knows neither end's state; those are `isodep_picc` and `isodep_pcd`. Blocks are carried without
their CRC: the field says of a block whether it arrived intact.
"""

from __future__ import annotations

from dataclasses import dataclass

AIR_BYTE_NS = 84_956  # nine bits at fc/128 (106 kbit/s)
CRC_BYTES = 2
FWT_UNIT_NS = 302_065  # 256 * 16 / fc
FWT_MAX_US = 4_949_000  # FWI 14: no extension goes beyond it (§7.3)
FWI_DEFAULT = 4
TURNAROUND_US = 400  # a chip's firmware between a block and the block that answers it

RATS = 0xE0
WTXM = 7  # what a PN532 asks for; seen in a capture
FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)  # FSDI, FSCI (table 1)

PCB_I = 0x02
PCB_R = 0xA2
PCB_S_DESELECT = 0xC2
PCB_S_WTX = 0xF2
CHAINING = 0x10
NAK = 0x10
CID_FOLLOWS = 0x08
NAD_FOLLOWS = 0x04


@dataclass(frozen=True, slots=True)
class Block:
    """A parsed block: `kind` is I, R(ACK), R(NAK), S(WTX), S(DESELECT) or PPS."""

    kind: str
    number: int = 0
    chaining: bool = False
    cid: int | None = None
    inf: bytes = b""

    def encode(self) -> bytes:
        pcb = _PCB[self.kind]
        if self.kind[0] in "IR":
            pcb |= self.number
        if self.chaining:
            pcb |= CHAINING
        if self.cid is None:
            return bytes([pcb]) + self.inf
        return bytes([pcb | CID_FOLLOWS, self.cid]) + self.inf


_PCB = {
    "I": PCB_I,
    "R(ACK)": PCB_R,
    "R(NAK)": PCB_R | NAK,
    "S(WTX)": PCB_S_WTX,
    "S(DESELECT)": PCB_S_DESELECT,
    "PPS": 0xD0,
}


def _kind(pcb: int) -> str:
    """The name of the block that `pcb` opens, or nothing when there is no such block."""
    if pcb & 0xE2 == PCB_I:
        return "I"
    if pcb & 0xE6 == PCB_R:
        return "R(NAK)" if pcb & NAK else "R(ACK)"
    if pcb & 0xC7 == PCB_S_DESELECT and pcb & 0x30 in (0x00, 0x30):
        return "S(WTX)" if pcb & 0x30 else "S(DESELECT)"
    if pcb & 0xF0 == 0xD0:
        return "PPS"
    return ""


def parse(frame: bytes) -> Block | None:
    """The block in `frame`, or None when these bytes are not one."""
    kind = _kind(frame[0]) if frame else ""
    if not kind:
        return None
    if kind == "PPS":
        return Block(kind, cid=None, inf=frame[1:])
    pcb, at, cid = frame[0], 1, None
    if pcb & CID_FOLLOWS:
        if len(frame) < 2:
            return None
        cid, at = frame[1], 2
    if kind == "I" and pcb & NAD_FOLLOWS:
        at += 1
    chaining = kind == "I" and bool(pcb & CHAINING)
    number = pcb & 1 if kind[0] in "IR" else 0
    return Block(kind, number, chaining, cid, frame[at:])


def pieces(inf: bytes, size: int) -> list[bytes]:
    """`inf` cut for chaining; an empty one is still one block."""
    return [inf[at : at + size] for at in range(0, len(inf), size)] or [b""]


def air_us(count: int) -> int:
    """Time on the air of a frame of `count` bytes and its CRC."""
    return (count + CRC_BYTES) * AIR_BYTE_NS // 1000


def fwt_us(fwi: int) -> int:
    """Frame waiting time (§7.2); 154.66 ms for FWI 9."""
    return (FWT_UNIT_NS << fwi) // 1000


@dataclass(frozen=True, slots=True)
class Ats:
    """What a poller takes from an answer to select (§5.2)."""

    frame_max: int = FRAME_SIZES[2]
    fwt_us: int = fwt_us(FWI_DEFAULT)

    @classmethod
    def of(cls, ats: bytes) -> Ats:
        """From the bytes, TL first; what they leave out has its default."""
        ats = ats[: ats[0]] if ats else b""
        if len(ats) < 2:
            return cls()
        t0, at, fwi = ats[1], 2, FWI_DEFAULT
        if t0 & 0x10:
            at += 1
        if t0 & 0x20 and at < len(ats):
            fwi = min(ats[at] >> 4, 14)
        size = FRAME_SIZES[min(t0 & 0x0F, len(FRAME_SIZES) - 1)]
        return cls(size, fwt_us(fwi))
