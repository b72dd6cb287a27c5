# SPDX-License-Identifier: Apache-2.0
"""Buzzer, light and battery: what a person hears, sees and reads."""

from __future__ import annotations

import asyncio

from drivers.battery import CURVE, Battery, percent_of
from drivers.buzzer import TONE_HZ, TUNES, Buzzer
from drivers.light import Light
from hand_clock import HandClock


class Pwm:
    """Keeps (ms, tone or duty) as it changes."""

    def __init__(self, clock):
        self.clock = clock
        self.tone = 0
        self.log = []

    def freq(self, value):
        self.tone = value

    def duty_u16(self, value):
        self.log.append((self.clock.now, value and (self.tone or value)))


async def settle(clock, ms):
    """Let the other tasks run while the time passes."""
    for _ in range(ms // 10):
        await asyncio.sleep(0)
        await clock.sleep_ms(0)


def tones_of(name):
    """Its tones in hertz."""
    return [TUNES[name][at] * TONE_HZ for at in range(0, len(TUNES[name]), 2)]


def test_a_tune_is_played_and_ends_silent():
    for name in TUNES:
        clock = HandClock()
        pwm = Pwm(clock)

        async def main(pwm=pwm, clock=clock, name=name):
            Buzzer(pwm, clock).sound(name)
            await settle(clock, 100)

        asyncio.run(main())
        assert [tone for _, tone in pwm.log] == tones_of(name) + [0]
        assert clock.now == sum([TUNES[name][at] for at in range(1, len(TUNES[name]), 2)]) * 5


def test_a_new_tune_ends_the_one_before():
    clock = HandClock()
    pwm = Pwm(clock)

    async def main():
        buzzer = Buzzer(pwm, clock)
        buzzer.sound("refused")
        await asyncio.sleep(0)
        buzzer.sound("press")
        await settle(clock, 100)

    asyncio.run(main())
    tones = [tone for _, tone in pwm.log]
    assert tones[-2:] == [2400, 0]
    assert tones.count(tones_of("refused")[2]) == 0


def test_every_tune_sounds_different():
    assert len(set(TUNES.values())) == len(TUNES)


def test_light_ends_dim_and_repeats_what_asks():
    clock = HandClock()
    pwm = Pwm(clock)

    async def main():
        light = Light(pwm, clock)
        light.show("ok")
        await settle(clock, 100)
        light.show("touch")
        for _ in range(8):
            light.show("touch")
            await asyncio.sleep(0)
        light.show("off")
        await settle(clock, 20)

    asyncio.run(main())
    levels = [level for _, level in pwm.log]
    full, dim = 65535, 4112
    assert levels[:2] == [full, dim]
    assert levels[2:6] == [full, dim, full, dim]
    assert levels[-1] == 0


class Adc:
    def __init__(self, *steps):
        self.steps = list(steps)

    def read_u16(self):
        self.steps.append(self.steps.pop(0))
        return self.steps[-1]


def test_battery_from_its_voltage():
    for millivolts, percent in CURVE:
        assert percent_of(millivolts) == percent
    assert percent_of(3000) == 0
    assert percent_of(3750) == 37
    assert percent_of(4300) == 100


def test_battery_is_a_mean_of_readings():
    step = 3950 * 65535 // 6600
    battery = Battery(Adc(step - 40, step + 40))
    assert 3945 <= battery.millivolts() <= 3955
    assert battery.percent() == 73
