# SPDX-License-Identifier: Apache-2.0
"""What the radio's driver takes of a heap: imported, set up, and in the middle of a session.

`gc.mem_alloc()` of the 64-bit Unix port; a board with 32 bits takes about half of it. What a board
drops when it has served (port.late) is dropped here too. CPython only plays the session.
"""

import asyncio
import gc
import sys

from duotap.errors import Fault
from port.late import drop
from scripted_uart import LISTEN, SETUP, Clock, ScriptedUart

LIMIT_BYTES = 24 * 1024  # linked, as a board runs it
LIMIT_APART_BYTES = 30 * 1024  # modules apart carry every name and constant
LONGEST = "00" * 261  # a command with all that short length fields allow, in an extended frame
SESSION = LISTEN + ("> 86", "< 8700" + LONGEST, "> 8e" + "aa" * 258, "< 8f00", "> 86", "< 8729")


def allocated():
    """Bytes of the heap that are in use."""
    gc.collect()
    count = getattr(gc, "mem_alloc", None)
    return count() if count else 0


def test_driver_and_a_session_take_at_most_24_kib():
    uart = ScriptedUart(*(SETUP + SESSION))
    kept = list(uart.lines)  # what the script lets go of must not make up for what is taken
    taken = []
    before = allocated()

    async def play():
        from drivers.pn532 import Pn532
        from drivers.pn532_hsu import Hsu
        from drivers.pn532_listening import get_apdu, listen, put_apdu

        clock = Clock()
        pn532 = Pn532(Hsu(uart, clock), clock)
        await pn532.setup()
        drop("drivers.pn532_setup")
        taken.append(allocated() - before)

        await listen(pn532)
        command = await get_apdu(pn532)
        taken.append(allocated() - before)
        await put_apdu(pn532, b"\xaa" * 258)
        try:
            await get_apdu(pn532)
        except Fault:
            return len(command)

    length = asyncio.run(play())
    assert length == 261
    assert len(kept) == len(SETUP + SESSION) and not uart.lines
    print("driver", taken[0], "with a session", taken[1], "bytes")
    apart = "drivers.pn532_frame" in sys.modules
    assert max(taken) <= (LIMIT_APART_BYTES if apart else LIMIT_BYTES), taken
