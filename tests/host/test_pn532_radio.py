# SPDX-License-Identifier: Apache-2.0
"""Two virtual PN532 in one field, typed to by hand as other programs type to real ones."""

from __future__ import annotations

import asyncio

import pytest
from duotap_host.virtual.mishaps import Lose, Mishap
from host.radio_bench import ACK, LISTEN, Bench, Chip, body_of, on_bench

UID = "08112233"
FOUND = "4b01 01 0004 20 04 08112233 05 75339203".replace(" ", "")
SELECT = "00a4040007d276000085010100"


async def pair(bench: Bench, listen: str = LISTEN) -> tuple[Chip, Chip]:
    """A reader that tries twice, and a card that listens."""
    reader, card = await bench.awake("reader"), await bench.awake("card")
    assert await reader.ask("3205ff0101") == "33"
    assert await card.ask(listen) == ""
    return reader, card


async def reply(chip: Chip) -> str:
    """The body of the next thing that `chip` says by itself."""
    while not chip.said:
        await asyncio.sleep(0.0001)
    (chunk,) = chip.heard()
    return body_of(chunk)


async def serve(card: Chip, answers: dict[str, str]) -> None:
    """Answer APDUs from a table until the poller lets go."""
    while True:
        body = await card.ask("86", 60_000)
        if body[2:4] != "00":
            assert body == "8729"
            return
        assert await card.ask("8e" + answers.get(body[4:], "6d00")) == "8f00"


def test_activation_exchange_and_release_frame_by_frame() -> None:
    async def story(bench: Bench) -> None:
        reader, card = await pair(bench)
        assert await reader.ask("4a0100") == FOUND
        assert await reply(card) == "8d08e050"
        reader.command("4001" + SELECT)
        assert await card.ask("86") == "8700" + SELECT
        assert await card.ask("8e9000") == "8f00"
        await asyncio.sleep(0.01)
        first, second = reader.heard()
        assert (first, body_of(second)) == (ACK, "41009000")
        card.command("86")
        assert await reader.ask("4401") == "4500"
        await asyncio.sleep(0.001)
        assert [body_of(chunk) for chunk in card.heard()[1:]] == ["8729"]
        assert await card.ask("86") == "8725"

    on_bench(story)


@pytest.mark.parametrize(
    ("end", "body"), [("deselect", "5200"), ("field off", "320100"), ("power off", "1610")]
)
def test_every_end_of_an_activation_is_29h_once(end: str, body: str) -> None:
    async def story(bench: Bench) -> list[str]:
        reader, card = await pair(bench)
        await reader.ask("4a0100")
        await reply(card)
        assert await card.ask("8a") == "8b8100"
        await reader.ask(body)
        await asyncio.sleep(0.002)
        return [await card.ask("8a"), await card.ask("86"), await card.ask("8e9000")]

    assert on_bench(story) == ["8b8200", "8729", "8f25"], end


def test_a_phone_s_rats_and_historical_bytes() -> None:
    """The phone's RATS is E0 80; the ATS is fixed but for Tk."""

    async def story(bench: Bench) -> tuple[str, str]:
        listen = LISTEN[:-2] + "0180"
        reader, card = await pair(bench, listen)
        assert await reader.ask("1224") == "13"  # no AutoRATS: the program does RATS itself
        found = await reader.ask("4a0100")
        assert found == "4b0101000420" + "04" + UID
        ats = await reader.ask("42e080")
        return ats, await reply(card)

    assert on_bench(story) == ("4300067533920380", "8d08e080")


def test_a_program_that_does_the_blocks_itself() -> None:
    """As nfcpy does: SetParameters 00, RATS and I-blocks over InCommunicateThru."""

    async def story(bench: Bench) -> list[str]:
        reader, card = await pair(bench)
        await reader.ask("1200")
        await reader.ask("4a0100")
        lines = [await reader.ask("42e080")]
        await reply(card)
        serving = asyncio.create_task(serve(card, {SELECT: "9000"}))
        lines.append(await reader.ask("42b2"))  # presence check
        lines.append(await reader.ask("4202" + SELECT))
        lines.append(await reader.ask("42f207"))
        lines.append(await reader.ask("42b2"))  # said again
        lines.append(await reader.ask("42c2"))
        await serving
        return lines

    assert on_bench(story) == [
        "43000575339203",
        "4300a3",
        "4300f207",
        "4300029000",
        "4300029000",
        "4300c2",
    ]


def test_communicate_thru_times_out_as_configured() -> None:
    async def story(bench: Bench) -> list[int]:
        reader, _ = await pair(bench)
        await reader.ask("1200")
        await reader.ask("4a0100")
        spent = []
        for code in ("0a", "0b", "01"):
            assert await reader.ask("3202000b" + code) == "33"
            begun_us = bench.time.now_us()
            assert await reader.ask("42b2", 500) == "4301"
            spent.append((bench.time.now_us() - begun_us) // 1000)
        return spent

    assert on_bench(story) == [53, 104, 2]


def test_without_picc_mode_frames_pass_raw() -> None:
    """SetParameters 00 survives: the host then gets RATS and has to answer it in time."""

    async def story(bench: Bench) -> list[str]:
        reader, card = await bench.awake("reader"), await bench.awake("card")
        await reader.ask("1200")
        await card.ask("1200")
        await card.ask(LISTEN)
        await reader.ask("4a0100")
        reader.command("42e050")
        lines = [await reply(card)]
        lines.append(await card.ask("900575339203"))
        lines.append(body_of(reader.heard()[1]) if len(reader.said) > 1 else "late")
        reader.command("4202aa")
        lines.append(await card.ask("88"))
        lines.append(await card.ask("90029000"))
        return lines

    assert on_bench(story) == ["8d00e050", "9100", "43000575339203", "890002aa", "9100"]


def test_a_card_that_was_let_go_stays_silent_until_the_field_has_been_off() -> None:
    """Else a program that lists until nothing new comes would list for ever (libnfc issue 476)."""

    async def story(bench: Bench) -> list[str]:
        reader, card = await pair(bench)
        lines = [await reader.ask("4a0100")]
        assert await reader.ask("4401") == "4500"
        await card.ask(LISTEN)
        lines.append(await reader.ask("4a0100"))
        lines.append(await reader.ask("4a0100" + UID))  # by its UID: WUPA
        await reader.ask("5200")
        await card.ask(LISTEN)
        await reader.ask("320100")
        lines.append(await reader.ask("4a0100"))
        return lines

    assert on_bench(story) == [FOUND, "4b00", FOUND, FOUND]


@pytest.mark.parametrize("kind", ["SELECT", "RATS", "ATS"])
def test_a_lost_activation_is_tried_again_in_a_new_field(kind: str) -> None:
    async def story(bench: Bench) -> str:
        reader, card = await pair(bench)
        bench.field.rules.append(Mishap(Lose(), kind=kind))
        reader.command("4a0100")
        if kind == "ATS":  # the card counts itself activated and has to arm again
            assert await reply(card) == "8d08e050"
            assert await card.ask("86") == "8729"
            await card.ask(LISTEN)
        await asyncio.sleep(0.03)
        return body_of(reader.heard()[1])

    assert on_bench(story) == FOUND


def test_a_search_for_ever_ends_when_a_card_comes() -> None:
    async def story(bench: Bench) -> int:
        reader, card = await bench.awake("reader"), await bench.awake("card")
        bench.field.leave(card.pn532)
        await card.ask(LISTEN)
        reader.command("4a0100")
        await asyncio.sleep(3600)
        assert reader.heard() == [ACK]
        bench.field.enter(card.pn532)
        entered_us = bench.time.now_us()
        assert await reply(reader) == FOUND
        return bench.time.now_us() - entered_us

    assert on_bench(story) < 20_000


def test_two_cards_and_one_of_them_selected_again() -> None:
    async def story(bench: Bench) -> list[str]:
        reader, card = await pair(bench)
        other = await bench.awake("other")
        await other.ask(LISTEN.replace("112233", "000001"))
        found = await reader.ask("4a0200")
        assert found.startswith("4b020100042004080000010575339203" + "02")
        assert await reader.ask("04") == "0500000201000000020000008" + "0"
        assert await reply(card) == "8d08e050"
        serving = asyncio.create_task(serve(card, {SELECT: "9000"}))
        lines = [await reader.ask("4002" + SELECT)]
        other.heard()
        await other.ask(LISTEN.replace("112233", "000001"))  # deselected: it arms again
        lines.append(await reader.ask("4001" + SELECT, 1000))
        await serving
        return lines

    assert on_bench(story)[0] == "41009000"


def test_felica_is_answered_unless_the_mode_detector_is_off() -> None:
    async def story(bench: Bench) -> list[str]:
        reader, card = await pair(bench)
        lines = [await reader.ask("4a010100ffff0100"), await reader.ask("4a010100ff000000")]
        lines.append(await reader.ask("4a010112fc0000"))
        card.put("55")
        await asyncio.sleep(0.003)
        assert await card.ask("0863013f") == "09"
        await card.ask(LISTEN)
        lines.append(await reader.ask("4a010100ffff0100"))
        lines.append(await reader.ask("4a0100"))
        return lines

    seen = on_bench(story)
    assert seen[0] == "4b0101" + "1401" + "01fe" + "00" * 16
    assert seen[1] == "4b0101" + "1201" + "01fe" + "00" * 14
    assert seen[2:] == ["4b00", "4b00", FOUND]


def test_two_carriers_drown_each_other() -> None:
    async def story(bench: Bench) -> list[str]:
        reader, _ = await pair(bench)
        third = await bench.awake("third")
        await third.ask("320101")
        lines = [await reader.ask("4a0100")]
        await third.ask("320100")
        lines.append(await reader.ask("4a0100"))
        return lines

    assert on_bench(story) == ["4b00", FOUND]


def test_a_uid_of_zeros_is_replaced_by_a_random_one() -> None:
    def uids(seed: int) -> list[str]:
        async def story(bench: Bench) -> list[str]:
            reader, card = await bench.awake("reader"), bench.chip("card", seed=seed)
            await card.wake()
            seen = []
            for _ in range(3):
                await card.ask(LISTEN.replace("112233", "000000"))
                seen.append((await reader.ask("4a0100"))[14:22])
                await reader.ask("320100")
            return seen

        return on_bench(story)

    print("seeds 1, 2")
    assert all(uid.startswith("08") for uid in uids(1))
    assert len(set(uids(1) + uids(2))) == 6
    assert uids(1) == uids(1)
