# SPDX-License-Identifier: Apache-2.0
"""What one press allows, and what it does not."""

from duotap.consent import Consent

OFFER, OTHER, PAYEE = b"o" * 32, b"x" * 32, b"p" * 16


def test_nothing_is_allowed_before_a_press():
    consent = Consent()
    assert not consent.allows(OFFER, 1)


def test_a_press_allows_up_to_the_ceiling_and_more_presses_raise_it():
    consent = Consent()
    consent.arm(5000, 2000)
    assert consent.allows(OFFER, 5000)
    assert not consent.allows(OFFER, 5001)
    consent.arm(5000, 2000)
    assert consent.allows(OFFER, 7000)
    assert not consent.allows(OFFER, 7001)


def test_a_press_confirms_the_one_offer_that_was_shown():
    consent = Consent()
    consent.arm(5000, 2000)
    consent.ask(OFFER, 9000, PAYEE)
    assert not consent.allows(OFFER, 9000)
    consent.arm(5000, 2000)  # nobody has seen it yet
    assert not consent.allows(OFFER, 9000)
    assert not consent.allows(OTHER, 5001)
    consent.show(OFFER)
    consent.arm(5000, 2000)
    assert consent.allows(OFFER, 9000)
    assert not consent.allows(OTHER, 9000)
    assert consent.allows(OTHER, 5000)  # the ceiling stays what it was


def test_no_offer_takes_the_place_of_the_one_on_the_screen():
    consent = Consent()
    consent.arm(5000, 2000)
    consent.ask(OTHER, 9000, PAYEE)
    consent.ask(OFFER, 9000, PAYEE)  # nobody has seen the first
    consent.show(OTHER)  # drawn late
    consent.arm(5000, 2000)
    assert not consent.allows(OTHER, 9000)
    assert not consent.allows(OFFER, 9000)
    consent.show(OFFER)
    consent.ask(OTHER, 9000, PAYEE)
    consent.arm(5000, 2000)
    assert consent.allows(OFFER, 9000)
    assert not consent.allows(OTHER, 9000)


def test_disarming_forgets_everything():
    consent = Consent()
    consent.arm(5000, 2000)
    consent.ask(OFFER, 9000, PAYEE)
    consent.show(OFFER)
    consent.arm(5000, 2000)
    consent.disarm()
    assert not consent.allows(OFFER, 1)
    consent.arm(100, 100)
    assert not consent.allows(OFFER, 9000)
