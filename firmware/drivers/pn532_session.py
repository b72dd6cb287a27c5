# SPDX-License-Identifier: Apache-2.0
"""The two ends of an activation, for the layers above: APDUs and nothing else.

A `Poller` exists while a target is selected; a `Listener` answers one activation after another.
Neither reads an APDU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault

from drivers.pn532_status import NOT_SELECTED, Released

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from drivers.pn532 import Pn532, Target


class Poller:
    """One selected ISO 14443-4 target, from `list_passive` until `close` or the first Fault."""

    def __init__(self, pn532: Pn532, target: Target) -> None:
        self.pn532 = pn532
        self.target = target
        self._selected = True

    async def transceive(self, apdu: bytes) -> bytes:
        """Exchange an APDU; any Fault ends the selection, and what the card did is unknown."""
        if not self._selected:
            raise Released(NOT_SELECTED)
        try:
            return await self.pn532.exchange(apdu, self.target.tg)
        except Fault:
            self._selected = False
            raise

    async def close(self) -> None:
        """Deselect the card and switch the field off."""
        self._selected = False
        await self.pn532.release()


class Listener:
    """`active` is true between an activation and its end."""

    def __init__(self, pn532: Pn532) -> None:
        self.pn532 = pn532
        self.active = False

    async def session(
        self,
        answer: Callable[[bytes], bytes | Awaitable[bytes]],
        armed_ms: int | None = None,
    ) -> int:
        """Answer one activation; returns the number of APDUs once the poller has let go.

        `answer(apdu)` is a function or a coroutine; the chip is quiet while it runs. Raises
        Timeout when no poller came within `armed_ms`.
        """
        await self.pn532.listen(armed_ms)
        self.active = True
        try:
            return await self._serve(answer)
        finally:
            self.active = False

    async def _serve(self, answer: Callable[[bytes], bytes | Awaitable[bytes]]) -> int:
        count = 0
        activated = True
        try:
            while True:
                reply = answer(await self.pn532.get_apdu())
                if not isinstance(reply, (bytes, bytearray)):
                    reply = await reply
                count += 1
                await self.pn532.put_apdu(reply)
        except Released:
            activated = False
        finally:
            if activated:
                await self.pn532.stop_listening()
        return count
