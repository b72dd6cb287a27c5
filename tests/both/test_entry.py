# SPDX-License-Identifier: Apache-2.0
"""Typing an amount: with two buttons, on a keypad, and as text."""

from both.raising import raises
from card.entry import AmountEntry as Dial
from duotap import amount
from duotap.errors import Malformed
from stand.entry import AmountEntry as Keys


def test_text_and_parse_are_inverse():
    for minor in (1, 9, 10, 99, 100, 6660, 123456, 1_000_000_000):
        assert amount.parse(amount.text(minor)) == minor
    assert amount.text(-5) == "-0.05"
    assert amount.text(0) == "0.00"


def test_parse_refuses_what_is_no_amount():
    for typed in ("", ".", "0", "0.00", "-1", "+1", "1.234", "1e3", "1,5", " 1", "1_0", "１"):
        raises(Malformed, amount.parse, typed)
    raises(Malformed, amount.parse, "10000000.01")
    raises(Malformed, amount.parse, "123456789")


def test_parse_takes_short_forms():
    assert amount.parse("66.6") == 6660
    assert amount.parse("66") == 6600
    assert amount.parse(".5") == 50
    assert amount.parse("7.") == 700


def test_dial_begins_at_the_hundreds():
    dial = Dial()
    for presses, goes_on in ((0, "ok"), (2, "ok"), (0, "ok"), (0, "ok")):
        for _ in range(presses):
            assert not dial.press("up")
        assert not dial.press(goes_on)
    assert dial.text() == "0020.00"
    assert dial.press("ok")
    assert dial.amount() == 2000


def test_dial_wraps_and_its_cursor_skips_the_point():
    dial = Dial()
    for _ in range(11):
        dial.press("up")
    assert dial.amount() == 10_000
    assert dial.cursor_column() == 1
    for _ in range(3):
        dial.press("ok")
    assert dial.cursor_column() == 5


def test_keys_type_a_price():
    keys = Keys()
    for key in "066.605":
        keys.press(key)
    assert keys.text() == "66.60"
    assert keys.amount() == 6660
    keys.press("back")
    keys.press(".")
    assert keys.text() == "66.6"


def test_keys_without_a_digit_are_no_amount():
    keys = Keys()
    assert (keys.text(), keys.amount()) == ("0", 0)
    for key in "0.00":
        keys.press(key)
    assert keys.amount() == 0


def test_keys_stop_at_six_digits():
    keys = Keys()
    for _ in range(9):
        keys.press("9")
    assert keys.text() == "999999"
