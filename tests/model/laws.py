# SPDX-License-Identifier: Apache-2.0
"""The properties by name, and what is raised when one of them does not hold."""

from __future__ import annotations

CONSERVED = "what purses, accounts and payments under way hold is what was loaded"
NOT_CREATED = "nothing is credited that nobody paid"
ONCE = "a payment is honoured once, and not given back as well"
CONSISTENT = "an honest device signs nothing that contradicts what it signed"
NEVER_STOPS = "an honest device never stops"
SAME_AFTER_BOOT = "a device is after a boot what it was before"
LIMITS = "a limit counts from the record that the last checkpoint covers"
NOT_ACCUSED = "no honest device is accused"
NO_FINDING = "honest journals contradict nothing"
BOOKED = "the ledger books what journals show, and nothing else"
BY_RECEIPT = "a stand's receipt in its customer's journal settles the sale"
GIVEN_BACK = "a refund gives back once, to who paid, by tap or by the ledger"
FINAL = "what a payee was credited with is not given back to the payer"
ARCHIVED_FIRST = "the void of a payee that can be set back is archived before it returns value"
PROVEN = "two payments under one number are proven when both are deposited"
WAITED = "nothing is paid for a lost device before its time is over"
PAID_FOR = "what a lost device held comes home once, and what comes after that is a debt"
GUARANTEED = "who waits for a lost device is paid from the guarantee, unless it came to an end"
PREVENTED = "with a guard, an older image of the flash pays nothing and takes nothing back"
TRACED = "what is created is owed by the device that was set back"
ENDS = "from every state honest steps end the matter"
TOUCH_ENDS = "touching again ends what a torn touch left"
REAL = "real signatures and the ledger in SQL come to what the model says"
FLASH = "flash is programmed over erased bits only"
ALL = tuple(value for name, value in list(globals().items()) if name.isupper())


class Violation(Exception):
    """`law` does not hold: `text` says where."""

    def __init__(self, law: str, text: str) -> None:
        super().__init__(law, text)
        self.law = law
        self.text = text


def require(condition: object, law: str, text: str) -> None:
    """Raise Violation unless the condition holds."""
    if not condition:
        raise Violation(law, text)
