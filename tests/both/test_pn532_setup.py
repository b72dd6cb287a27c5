# SPDX-License-Identifier: Apache-2.0
"""Setting a PN532 up, against a scripted chip: what is written, and how its speed is found."""

from duotap.errors import Fault
from scripted_pn532 import Play, ends_in, text
from scripted_uart import ACK, PATTERN, SETUP


def test_setting_up_writes_everything_that_it_relies_on():
    play = Play(*SETUP)
    play.run(play.pn532.setup())
    assert text(play.pn532.firmware_version) == "32010607"
    assert play.uart.raw == [ACK, ACK]


def test_another_chip_is_refused():
    play = Play(*(SETUP[:3] + ("< 0333010607",)))
    play.run(ends_in(Fault, play.pn532.setup()))


def test_a_higher_speed_is_confirmed_by_the_host_and_tried():
    raised = ("> 1007", "< 11", "> 0000" + PATTERN, "< 0100" + PATTERN)
    play = Play(*(SETUP[:2] + raised + SETUP[2:]), baudrate=921600)
    play.run(play.pn532.setup())
    assert play.uart.baudrate == 921600
    assert play.uart.raw == [ACK, ACK, ACK]


def test_a_chip_that_knows_no_such_speed_is_asked_for_the_next_lower_one():
    lower = ("> 1007", "< ") + SETUP[:2] + ("> 1006", "< 11", "> 0000" + PATTERN)
    play = Play(*(SETUP[:2] + lower + ("< 0100" + PATTERN,) + SETUP[2:]), baudrate=921600)
    play.run(play.pn532.setup())
    assert play.uart.baudrate == play.pn532.baudrate == 460800


def test_a_line_that_spoils_bytes_is_not_used():
    """Without a wire to RSTPDN the chip is found again where it went; with one it begins anew."""
    spoilt = ("> 1005", "< 11", "> 0000" + PATTERN, "< 010055" + PATTERN[2:]) + SETUP[:2]
    for wired in (False, True):
        play = Play(*(SETUP[:2] + spoilt + SETUP[2:]), baudrate=230400)
        bus = play.pn532.link.bus
        bus._reset = ResetPin() if wired else None
        play.run(play.pn532.setup())
        assert bus.baudrate == (115200 if wired else 230400)
        if wired:
            assert bus._reset.levels == [0, 1]
            assert play.pn532.baudrate == 115200


class ResetPin:
    """RSTPDN of the chip."""

    def __init__(self):
        self.levels = []

    def value(self, x):
        self.levels.append(x)


def test_a_chip_that_kept_its_speed_over_our_reset_is_found():
    """The host begins at 115200 again; the chip has kept power and 921600."""
    play = Play(*SETUP, baudrate=921600)
    play.uart.deaf_at = (115200,)
    play.run(play.pn532.setup())
    assert play.uart.baudrate == 921600
