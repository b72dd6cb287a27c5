# SPDX-License-Identifier: Apache-2.0
"""Both halves of ISO/IEC 14443-4 against each other, block by block; scenarios as in its Annex B.

Each story is a transcript: `>` from the poller, `<` from the listener, `x` behind a block that is
lost and `?` behind one that arrives garbled.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from duotap_host.virtual import isodep, timeline
from duotap_host.virtual.isodep import Ats, Block, parse
from duotap_host.virtual.isodep_pcd import RETRIES_MAX, Pcd
from duotap_host.virtual.isodep_picc import EXTENSION_US, Picc
from duotap_host.virtual.timeline import Timeline

Hear = Callable[[bytes | None], None]
FRAME_MAX = 16  # small, so that three blocks are a short APDU
ANSWER_US = 1000  # the host is quick: no S(WTX) unless a story is slow


class Air:
    """Carries blocks between the two; `fates` names what befalls the n-th one of all."""

    def __init__(self, fates: dict[int, str], answer_us: int) -> None:
        self.time = Timeline(asyncio.get_running_loop())
        self.fates = fates
        self.lines: list[str] = []
        self.commands: list[bytes] = []
        self.answer_us = answer_us
        self.answers: list[bytes] = []
        self.deselected = False
        self.pcd = Pcd(self.time, Ats(FRAME_MAX, isodep.fwt_us(9)), self._down)
        self.picc = Picc(self.time, FRAME_MAX, self._up, self._deliver, self._end)

    def _end(self) -> None:
        self.deselected = True

    def _deliver(self, command: bytes) -> None:
        self.commands.append(command)
        answer = self.answers.pop(0)
        self.time.after(self.answer_us, self.picc.answer, answer, False, lambda: None)

    def _down(self, frame: bytes) -> int:
        return self._carry(">", frame, self.picc.hear)

    def _up(self, frame: bytes) -> int:
        return self._carry("<", frame, self.pcd.hear)

    def _carry(self, arrow: str, frame: bytes, hear: Hear) -> int:
        fate = self.fates.get(len(self.lines), "")
        self.lines.append(f"{arrow} {frame.hex()} {fate}".rstrip())
        air_us = isodep.air_us(len(frame))
        if fate != "x":
            self.time.after(air_us, hear, None if fate == "?" else frame)
        return air_us

    async def exchange(self, command: bytes, answer: bytes) -> tuple[int, bytes]:
        self.answers.append(answer)
        done: asyncio.Future[tuple[int, bytes]] = self.time.loop.create_future()
        self.pcd.exchange(command, False, lambda *result: done.set_result(result))
        return await done


def play(
    *exchanges: tuple[str, str], fates: dict[int, str] | None = None, answer_us: int = ANSWER_US
) -> list[str]:
    """Run exchanges of C-APDU and R-APDU; returns the transcript, the last status in front."""

    async def main() -> list[str]:
        air = Air(fates or {}, answer_us)
        status = 0
        for command, answer in exchanges:
            status, got = await air.exchange(bytes.fromhex(command), bytes.fromhex(answer))
            if status:
                break
            assert got == bytes.fromhex(answer)
            assert air.commands[-1] == bytes.fromhex(command)
        return [f"{status:02x}", *air.lines]

    return timeline.run(main())


def test_scenario_1_blocks_without_chaining() -> None:
    assert play(("a1", "b1"), ("a2", "b2")) == [
        "00",
        "> 02a1",
        "< 02b1",
        "> 03a2",
        "< 03b2",
    ]


def test_scenario_2_request_for_waiting_time_extension() -> None:
    assert play(("a1", "b1"), ("a2", "b2"), answer_us=2500) == [
        "00",
        "> 02a1",
        "< f207",
        "> f207",
        "< 02b1",
        "> 03a2",
        "< f207",
        "> f207",
        "< 03b2",
    ]


def test_a_long_computation_renews_its_extension() -> None:
    lines = play(("a1", "b1"), answer_us=3_300_000)
    assert lines == ["00", "> 02a1", *["< f207", "> f207"] * 4, "< 02b1"]


def test_scenario_4_chaining_by_the_poller() -> None:
    assert play(("00" * 13 + "11" * 13 + "22", "b1")) == [
        "00",
        "> 12" + "00" * 13,
        "< a2",
        "> 13" + "11" * 13,
        "< a3",
        "> 0222",
        "< 02b1",
    ]


def test_scenario_5_chaining_by_the_listener() -> None:
    assert play(("a1", "00" * 13 + "11" * 13 + "22"), ("a2", "b2")) == [
        "00",
        "> 02a1",
        "< 12" + "00" * 13,
        "> a3",
        "< 13" + "11" * 13,
        "> a2",
        "< 0222",
        "> 03a2",
        "< 03b2",
    ]


@pytest.mark.parametrize("fate", ["x", "?"])
def test_scenario_6_a_command_lost_or_garbled(fate: str) -> None:
    """The listener says by R(ACK) with the other number that it has not seen the block."""
    assert play(("a1", "b1"), ("a2", "b2"), fates={0: fate}) == [
        "00",
        f"> 02a1 {fate}",
        "> b2",
        "< a3",
        "> 02a1",
        "< 02b1",
        "> 03a2",
        "< 03b2",
    ]


@pytest.mark.parametrize("fate", ["x", "?"])
def test_scenario_8_an_answer_lost_or_garbled(fate: str) -> None:
    """The block is repeated, the application is not asked twice."""
    assert play(("a1", "b1"), ("a2", "b2"), fates={1: fate}) == [
        "00",
        "> 02a1",
        f"< 02b1 {fate}",
        "> b2",
        "< 02b1",
        "> 03a2",
        "< 03b2",
    ]


def test_scenario_9_the_question_after_a_lost_answer_is_lost_too() -> None:
    assert play(("a1", "b1"), fates={1: "x", 2: "x"}) == [
        "00",
        "> 02a1",
        "< 02b1 x",
        "> b2 x",
        "> b2",
        "< 02b1",
    ]


@pytest.mark.parametrize("fate", ["x", "?"])
def test_scenario_11_a_request_for_time_lost_or_garbled(fate: str) -> None:
    lines = play(("a1", "b1"), fates={1: fate}, answer_us=300_000)
    assert lines[2:5] == [f"< f207 {fate}", "> b2", "< f207"]
    assert lines[-1] == "< 02b1"


def test_scenario_14_a_grant_of_time_lost() -> None:
    lines = play(("a1", "b1"), fates={2: "x"}, answer_us=10_000)
    assert lines == ["00", "> 02a1", "< f207", "> f207 x", "> b2", "< f207", "> f207", "< 02b1"]


def test_scenario_16_an_acknowledgement_in_chaining_is_lost() -> None:
    lines = play(("00" * 13 + "11", "b1"), fates={1: "x"})
    assert lines[1:] == ["> 12" + "00" * 13, "< a2 x", "> b2", "< a2", "> 0311", "< 03b1"]


def test_scenario_19_a_chained_answer_is_garbled() -> None:
    lines = play(("a1", "00" * 13 + "11"), fates={3: "?"})
    assert lines[1:] == ["> 02a1", "< 12" + "00" * 13, "> a3", "< 0311 ?", "> a3", "< 0311"]


def test_nobody_answers() -> None:
    lines = play(("a1", "b1"), fates=dict.fromkeys(range(9), "x"))
    assert lines == ["01", "> 02a1 x", *["> b2 x"] * RETRIES_MAX]


def test_an_answer_that_is_always_garbled_is_a_crc_error() -> None:
    lines = play(("a1", "b1"), fates=dict.fromkeys(range(1, 19), "?"))
    assert lines[0] in ("01", "02")
    assert len(lines) <= 2 + 3 * RETRIES_MAX


@pytest.mark.parametrize("seed", range(60))
def test_any_two_spoiled_blocks_are_recovered_from(seed: int) -> None:
    """Both APDUs arrive once and whole, whatever is chained and whichever block is hit."""
    dice = random.Random(seed)
    print("seed", seed)
    exchanges = [
        (dice.randbytes(dice.randint(1, 60)).hex(), dice.randbytes(dice.randint(0, 60)).hex())
        for _ in range(4)
    ]
    fates = {dice.randrange(20): dice.choice("x?"), dice.randrange(20): dice.choice("x?")}
    answer_us = dice.choice((ANSWER_US, 5000, EXTENSION_US + 5000))
    lines = play(*exchanges, fates=fates, answer_us=answer_us)
    assert lines[0] == "00", lines


def test_deselect_is_confirmed_and_repeated_if_need_be() -> None:
    async def main() -> list[str]:
        air = Air({0: "x"}, ANSWER_US)
        done: asyncio.Future[int] = air.time.loop.create_future()
        air.pcd.deselect(lambda status, _: done.set_result(status))
        assert await done == 0
        assert air.deselected
        return air.lines

    assert timeline.run(main()) == ["> c2 x", "> c2", "< c2"]


def test_a_reader_s_presence_check_is_answered() -> None:
    """R(NAK) at rest gets R(ACK); nfcpy and nfc-poll ask so (pn532 notes on other readers)."""

    async def main() -> list[str]:
        air = Air({}, ANSWER_US)
        air.picc.hear(bytes.fromhex("b2"))
        await asyncio.sleep(0.01)
        air.pcd.exchange(b"\xa1", False, lambda *_: None)
        air.answers.append(b"\xb1")
        await asyncio.sleep(0.1)
        air.picc.hear(bytes.fromhex("b3"))
        await asyncio.sleep(0.01)
        return air.lines

    assert timeline.run(main()) == ["< a3", "> 02a1", "< 02b1", "< a2"]


def test_card_identifier_and_pps_come_back() -> None:
    async def main() -> list[str]:
        air = Air({}, ANSWER_US)
        air.answers = [b"\xb1"]
        air.picc.hear(bytes.fromhex("d01100"))
        await asyncio.sleep(0.01)
        air.picc.hear(bytes.fromhex("0a05a1"))
        await asyncio.sleep(0.01)
        return air.lines

    assert timeline.run(main()) == ["< d0", "< 0a05b1"]


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ("02", "I"),
        ("1300", "I"),
        ("a2", "R(ACK)"),
        ("b3", "R(NAK)"),
        ("c2", "S(DESELECT)"),
        ("f207", "S(WTX)"),
        ("d01100", "PPS"),
        ("", ""),
        ("e050", ""),
        ("22", ""),
        ("80", ""),
        ("d2", "PPS"),
        ("0a", ""),
    ],
)
def test_a_block_is_known_by_its_first_byte(frame: str, kind: str) -> None:
    block = parse(bytes.fromhex(frame))
    assert (block.kind if block else "") == kind


def test_blocks_are_written_as_they_are_read() -> None:
    for kind in ("I", "R(ACK)", "R(NAK)", "S(WTX)", "S(DESELECT)"):
        for number in (0, 1) if kind[0] in "IR" else (0,):
            for cid in (None, 5):
                block = Block(kind, number, kind == "I" and number == 1, cid, b"")
                assert parse(block.encode()) == block


@pytest.mark.parametrize(
    ("ats", "frame_max", "fwt_us"),
    [
        ("0575339203", 64, 154_657),
        ("067533920380", 64, 154_657),
        ("0278", 256, 4_833),
        ("0170", 32, 4_833),
        ("01", 32, 4_833),
        ("", 32, 4_833),
        ("057833e003", 256, 4_949_032),
    ],
)
def test_an_ats_tells_frame_size_and_waiting_time(ats: str, frame_max: int, fwt_us: int) -> None:
    got = Ats.of(bytes.fromhex(ats))
    assert (got.frame_max, got.fwt_us) == (frame_max, fwt_us)
