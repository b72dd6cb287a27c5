# SPDX-License-Identifier: Apache-2.0
"""The status words that a device answers with; nothing else in the core writes one as a number.

PROTOCOL.md §5; the first group is ISO 7816-4:2020 §5.6, the 9Axx words are our own.
"""

OK = 0x9000
MORE = 0x6100  # low byte: how many bytes wait, 00 for 256 or more

WRONG_LENGTH = 0x6700
NOT_PERMITTED = 0x6982
WRONG_STATE = 0x6985
MALFORMED = 0x6A80
NOT_FOUND = 0x6A82
JOURNAL_FULL = 0x6A84
WRONG_P1P2 = 0x6A86
UNKNOWN_REFERENCE = 0x6A88
WRONG_OFFSET = 0x6B00
UNKNOWN_INS = 0x6D00
UNKNOWN_CLA = 0x6E00

# Never answered: for the device's own screen only (duotap.reasons).
NO_AMOUNT = 0
LOW_BATTERY = 1

ABOVE_BALANCE = 0x9A01
ABOVE_PAYMENT_LIMIT = 0x9A02
ABOVE_SUM = 0x9A03
ABOVE_COUNT = 0x9A04
CONFIRM = 0x9A05
EXPIRED = 0x9A06
DENY_LISTED = 0x9A07
DAMAGED = 0x9A08
NOT_NEXT = 0x9A09
ASK_LEDGER = 0x9A0A
TOO_MANY_OPEN = 0x9A0B
CURRENCY_OR_VERSION = 0x9A0C
SIGNATURE = 0x9A0D
NOT_THIS_DEVICE = 0x9A0E
SCOPE = 0x9A0F
NUMBER_NOT_NEXT = 0x9A10
