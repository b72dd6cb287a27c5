# SPDX-License-Identifier: Apache-2.0
"""The table of largest encodings is current, and what it is relied on for holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from duotap import apdu, base, commands, record, records
from duotap_host import sizes

PROTOCOL = Path(__file__).parents[2] / "firmware" / "PROTOCOL.md"
LENGTHS = {size.name: size.length for size in [*sizes.message_sizes(), *sizes.record_sizes()]}
PAGES = {size.name: record.pages_for(size.length) for size in sizes.record_sizes()}


def test_table_in_the_specification_is_current() -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    assert sizes.with_table(text) == text, "run python -m duotap_host.sizes firmware/PROTOCOL.md"


def test_another_table_is_not_current() -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    changed = text.replace("| offer | 1", "| offer | 2")
    assert changed != text
    assert sizes.with_table(changed) == text


def test_a_text_without_a_place_for_the_table_is_refused() -> None:
    for text in ("", sizes.BEGIN, sizes.END):
        with pytest.raises(ValueError, match="markers"):
            sizes.with_table(text)


def test_pages_of_a_payment() -> None:
    """What a stand's room for 1 000 payments is reckoned with, and what a closing needs."""
    assert PAGES["offer"] == 1
    assert PAGES["account"] <= 3
    assert PAGES["payment"] <= 3
    assert PAGES["closing"] == 1


def test_every_record_fits_one_sector() -> None:
    assert max(LENGTHS[name] for name in PAGES) <= record.BODY_MAX


def test_every_record_is_in_the_table() -> None:
    constants = [name for name, value in vars(records).items() if type(value) is int]
    told = {name.split(":")[0] for name in PAGES}
    assert told == {name.lower().replace("_", " ") for name in constants}


def test_everything_that_is_sent_fits_a_command_or_an_answer() -> None:
    bodies = dict(sizes.bodies())
    assert max(size.length for size in sizes.message_sizes()) <= apdu.COMMAND_MAX
    assert len(bodies["identity"]) <= apdu.COMMAND_MAX, "INSTALL"
    assert base.PART_MAX <= apdu.COMMAND_MAX, "PUT BASE"
    forward = LENGTHS["payment"] + LENGTHS["certificate"]
    assert 3 + 2 * 3 + forward <= apdu.COMMAND_MAX, "FORWARD"
    tag, before = 16, 4 + 32
    assert before + 3 + max(len(body) for body in bodies.values()) + tag <= apdu.ANSWER_MAX


def test_what_a_tap_carries_is_short() -> None:
    """PROTOCOL.md §5: 255 bytes of data are one command without chaining."""
    assert LENGTHS["offer"] <= apdu.COMMAND_PART_MAX
    assert LENGTHS["receipt"] <= apdu.COMMAND_PART_MAX
    assert 1 + LENGTHS["payment"] <= 2 * apdu.ANSWER_PART_MAX
    fci = commands.Fci(1, commands.ARMED | commands.DISPLAY, bytes(16), bytes(16), 1)
    assert len(commands.encode_fci(fci)) <= 59
