# SPDX-License-Identifier: Apache-2.0
"""A listener for tests of the driver: one activation after another, answered by a function."""

from drivers.pn532_status import Released


class Listener:
    """`active` is true between an activation and its end."""

    def __init__(self, pn532):
        self.pn532 = pn532
        self.active = False

    async def session(self, answer, armed_ms=None):
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

    async def _serve(self, answer):
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
