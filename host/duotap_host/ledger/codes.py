# SPDX-License-Identifier: Apache-2.0
"""What accounts and transfers are for: every code, flag and name, in one place.

A name is what people read and what reconciling refers to; the row's key is a random id.
Flags have the values that TigerBeetle gives them.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

OWN_MONEY = 0  # scope: the holder's own money (PROTOCOL.md §1)


class AccountCode(IntEnum):
    """What an account is for."""

    ISSUANCE = 1  # equity: all money in circulation, as a debit
    WALLET = 10  # a holder's money at the ledger
    MERCHANT = 20
    PURSE = 30  # shadow of a device's purse: what its signatures and closings add up to
    UNDER_WAY = 40  # signed by a payer, not closed by a payee yet
    LOADS_UNDER_WAY = 41  # debited for a load that the device's journal does not show yet
    GUARANTEE = 50  # pays the counterpart of a vanished or a proven device


class TransferCode(IntEnum):
    """What a transfer is for."""

    FUND = 1  # issuance to a wallet or merchant
    MOVE = 2  # between accounts at the ledger
    LOAD = 10  # account to loads under way, when the load is signed
    LOADED = 11  # loads under way to the purse, when its journal shows the load
    CANCELLED = 12  # loads under way back to the account, when its journal shows the cancel
    PAYMENT = 20  # the payer's purse to under way, for the payer's signature
    CREDIT = 21  # under way to the payee's purse (C)
    ACCOUNT = 22  # under way to the merchant's account (S)
    RETURN = 23  # under way back to the payer's purse (its journal shows the void)
    REFUND = 24  # the stand's purse to under way, for the stand's signature
    REFUNDED = 25  # under way to the purse that takes the refund
    UNLOAD = 30  # purse to the holder's or merchant's account
    RETURNED_VALUE = 31  # purse of a lost device to its holder's account, after the wait
    GUARANTEE = 32  # guarantee to who waits for a lost device, after the wait
    NETTED = 33  # either of them to the shadow of another device of the same person that owes
    CORRECTION = 90  # undoes the transfer that it names


class AccountFlag(IntFlag):
    """Rules that no transfer may break."""

    NONE = 0
    DEBITS_MUST_NOT_EXCEED_CREDITS = 2
    CREDITS_MUST_NOT_EXCEED_DEBITS = 4


class TransferFlag(IntFlag):
    """How a transfer is taken."""

    NONE = 0
    LINKED = 1  # stands or falls with the next one of the batch
    PENDING = 2
    POST_PENDING = 4
    VOID_PENDING = 8


# Which way the money of an account normally lies, and what it refuses.
FLAGS = {
    AccountCode.ISSUANCE: AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS,
    AccountCode.WALLET: AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
    AccountCode.MERCHANT: AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
    # A shadow is negative until all journals are deposited; a flag would make what is booked
    # depend on who deposits first.
    AccountCode.PURSE: AccountFlag.NONE,
    AccountCode.UNDER_WAY: AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
    AccountCode.LOADS_UNDER_WAY: AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
    AccountCode.GUARANTEE: AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
}

ISSUANCE = "issuance"
UNDER_WAY = "under way"
LOADS_UNDER_WAY = "loads under way"
GUARANTEE = "guarantee"
# The accounts that every ledger has from its first moment.
STANDING = {
    ISSUANCE: AccountCode.ISSUANCE,
    UNDER_WAY: AccountCode.UNDER_WAY,
    LOADS_UNDER_WAY: AccountCode.LOADS_UNDER_WAY,
    GUARANTEE: AccountCode.GUARANTEE,
}


def wallet(holder: int) -> str:
    """Name of a holder's account."""
    return f"wallet:{holder}"


def merchant(number: int) -> str:
    """Name of a merchant's account."""
    return f"merchant:{number}"


def purse(device: bytes, scope: int = OWN_MONEY) -> str:
    """Name of the shadow of a device's purse, one for each scope."""
    return f"purse:{device.hex()}" + (f"/{scope}" if scope != OWN_MONEY else "")


def purse_of(name: str) -> tuple[bytes, int] | None:
    """Device and scope of a shadow's name; None for another account's name."""
    if not name.startswith("purse:"):
        return None
    device, _, scope = name.removeprefix("purse:").partition("/")
    return bytes.fromhex(device), int(scope or OWN_MONEY)
