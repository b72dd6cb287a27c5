# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a device at the end of a cable; each text is one line for a person.

None of them loses anything: whatever was under way goes on with the next connection.
"""

from __future__ import annotations

from duotap import status

REASONS = {
    status.WRONG_LENGTH: "a command had a wrong length",
    status.NOT_PERMITTED: "reading is not permitted: press sync on the device, enter the shift"
    " PIN of a stand, or use a reader with a permit of its issuer",
    status.WRONG_STATE: "the device is not in a state for this",
    status.MALFORMED: "the device does not understand what it was given",
    status.NOT_FOUND: "this application is not on the device",
    status.JOURNAL_FULL: "the device's journal is full: deposit it first",
    status.WRONG_P1P2: "a command had wrong parameters",
    status.UNKNOWN_REFERENCE: "the device knows nothing of what this is about",
    status.UNKNOWN_INS: "the device does not know this command",
    status.UNKNOWN_CLA: "the device does not know this class of commands",
    status.ABOVE_BALANCE: "it is above what the device may hold",
    status.ABOVE_PAYMENT_LIMIT: "it is above the limit of one payment",
    status.ABOVE_SUM: "it is above what may be loaded between two deposits",
    status.ABOVE_COUNT: "there were too many payments since the last deposit",
    status.EXPIRED: "a certificate, key or permit has expired",
    status.DENY_LISTED: "the device is on the deny list",
    status.DAMAGED: "the device's journal is damaged: deposit it, then have it replaced",
    status.NOT_NEXT: "the payment is not the device's next one",
    status.ASK_LEDGER: "the device's journal contradicts it: the ledger decides",
    status.TOO_MANY_OPEN: "the device has too many unfinished payments",
    status.CURRENCY_OR_VERSION: "it is of another currency or version",
    status.SIGNATURE: "the device does not accept the signature: is it of another issuer?",
    status.NOT_THIS_DEVICE: "it is meant for another device",
    status.SCOPE: "the device has no room for more kinds of money",
    status.NUMBER_NOT_NEXT: "it is not the device's next statement",
}


class DeviceError(Exception):
    """A device, or the way to it, does not do what was asked."""


class NoLine(DeviceError):
    """The serial port cannot be opened, or it is gone."""


class NoAnswer(DeviceError):
    """Nothing that is a frame of a device came back."""


class NotUnderstood(DeviceError):
    """What answers is no device of this protocol, or of a version that is not known here."""


class NotProven(DeviceError):
    """What the device showed is not signed as it must be."""


class DeviceRefused(DeviceError):
    """The device answered with a status word that says no; `sw` is that word."""

    def __init__(self, command: str, sw: int) -> None:
        self.command = command
        self.sw = sw
        super().__init__(f"{self.reason} ({command}: {sw:04X})")

    @property
    def reason(self) -> str:
        """Plain English of the status word."""
        return REASONS.get(self.sw, "the device refuses")
