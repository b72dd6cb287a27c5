# SPDX-License-Identifier: Apache-2.0
"""The PN532's names for its status bytes (UM0701-02 §7.1): for who reads a fault, not for who
recovers from it. A board imports this when a fault is printed.
"""

# One string, since a dictionary of these takes 3 KiB more of RAM.
_NAMES = """\
01 time-out, the target has not answered
02 CRC error
03 parity error
04 erroneous bit count
05 framing error
06 bit collision
07 communication buffer too small
09 RF buffer overflow
0a RF field not switched on in time by the other side
0b RF protocol error
0d too hot, antenna drivers switched off
0e internal buffer overflow
10 invalid parameter
12 command of the initiator not supported
13 format of the data does not match
14 authentication error
23 wrong check byte of the UID
25 invalid device state
26 operation not allowed
27 command not acceptable in this context
29 released by the initiator
2a another card has taken the card's place
2b the card has gone
2c mismatch of the NFCID3
2d over-current
2e NAD missing
7f unknown command, or wrong parameters
"""


def name(code: int) -> str:
    """The chip's name for a status."""
    begin = _NAMES.find(f"{code:02x} ")
    if begin < 0:
        return "unknown status"
    return _NAMES[begin + 3 : _NAMES.find("\n", begin)]
