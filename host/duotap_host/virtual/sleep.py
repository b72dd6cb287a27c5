# SPDX-License-Identifier: Apache-2.0
"""How long a virtual PN532 is asleep: powered down, or in TgInitAsTarget, where it waits asleep.

What a wearable's battery is asked for hangs on it. Watches one chip; knows no current.
"""

from __future__ import annotations

from duotap_host.virtual.pn532_chip import WAKE_BY_RF, VirtualPn532

POWERED_DOWN, LISTENING, AWAKE = "powered down", "listening asleep", "awake"


class SleepSheet:
    """Microseconds by state from now on."""

    def __init__(self, chip: VirtualPn532) -> None:
        self._chip = chip
        self._since_us = chip.timeline.now_us()
        self._state = LISTENING if chip.asleep else AWAKE
        self._spent = dict.fromkeys((POWERED_DOWN, LISTENING, AWAKE), 0)
        sleep, wake = chip.sleep, chip.wake

        def slept(*wakers: int) -> None:
            by_field = bool(wakers and wakers[0] & WAKE_BY_RF)
            self._change(POWERED_DOWN if by_field else LISTENING)
            sleep(*wakers)

        def woke() -> None:
            self._change(AWAKE)
            wake()

        chip.sleep, chip.wake = slept, woke  # type: ignore[method-assign, assignment]  # a watch

    def _change(self, state: str) -> None:
        now_us = self._chip.timeline.now_us()
        self._spent[self._state] += now_us - self._since_us
        self._since_us, self._state = now_us, state

    def shares(self) -> dict[str, float]:
        """Of the time so far, by state; they add up to one."""
        self._change(self._state)
        total = sum(self._spent.values()) or 1
        return {state: spent / total for state, spent in self._spent.items()}
