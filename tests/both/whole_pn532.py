# SPDX-License-Identifier: Apache-2.0
"""A PN532 with both ends of the air as methods, as tests speak of it; a device loads one end."""

from drivers import pn532_listening, pn532_polling
from drivers.pn532 import Pn532
from drivers.pn532_polling import EXCHANGE_MS


class WholePn532(Pn532):
    async def list_passive(self, targets_max=2):
        return await pn532_polling.list_passive(self, targets_max)

    async def exchange(self, apdu, tg=1, timeout_ms=EXCHANGE_MS):
        return await pn532_polling.exchange(self, apdu, tg, timeout_ms)

    def poller(self, target):
        return pn532_polling.Poller(self, target)

    async def release(self):
        await pn532_polling.release(self)

    async def listen(self, timeout_ms=None, historical=b""):
        return await pn532_listening.listen(self, timeout_ms, historical)

    async def get_apdu(self, timeout_ms=None):
        return await pn532_listening.get_apdu(self, timeout_ms)

    async def put_apdu(self, answer):
        await pn532_listening.put_apdu(self, answer)

    async def stop_listening(self):
        await pn532_listening.stop_listening(self)
