# SPDX-License-Identifier: Apache-2.0
"""What a run of the model consists of: devices, what may happen, and how often."""

from __future__ import annotations

from typing import NamedTuple

from duotap.certificate import CLASS_NONE
from duotap.fields import ROLE_PERSON, ROLE_STAND, Limits

LIMITS = Limits(100, 100, 100, 100, 100, 100)


class Spec(NamedTuple):
    """One device. `loaded`: units in its purse at the start; `offers`, `payments`: how many it
    may make at most."""

    name: str
    loaded: int = 0
    offers: int = 2
    payments: int = 1
    role: int = ROLE_PERSON
    rollback_class: int = CLASS_NONE
    limits: Limits = LIMITS


class Bounds(NamedTuple):
    """A run. `pairs`: (payee, payer) that may meet; `ahead`: how far beyond the payer's next
    payment number a forged SELECT may be; `loads`: (device, amount) that the issuer may sign;
    `unloads`: that a reader may order, numbered for each device, each as often as it likes."""

    name: str
    about: str
    specs: tuple[Spec, ...]
    pairs: tuple[tuple[int, int], ...]
    floor: int
    has: frozenset[str] = frozenset()
    amounts: tuple[int, ...] = (1,)
    ahead: int = 0
    loads: tuple[tuple[int, int], ...] = ()
    unloads: tuple[tuple[int, int], ...] = ()
    refunds: tuple[tuple[int, int, int], ...] = ()  # stand, card, amount: each given once at most
    lost: tuple[int, ...] = ()  # devices that may be reported as lost, waited for and paid for
    checkpoints: int = 0  # that the issuer may sign for each of these devices:
    checkpointed: tuple[int, ...] = (0, 1, 2)
    depositors: tuple[int, ...] = (0, 1, 2)  # who may deposit before all do
    restored: tuple[int, ...] = ()  # devices whose older flash images may come back
    restores: int = 0
    tears: int = 0  # cuts between the program step of a record and its mark
    decays: tuple[int, ...] = ()  # devices of which one page may decay, once in all


FEATURES = (
    "split",  # power may go between the acknowledgement of an offer or closing and its record
    "touch",  # whole taps, as Tap leads them
    "torn touch",  # taps that end after each leg
    "ledger",  # deposits and what the ledger hands over, at any time
    "pull",  # records without a head
    "bag",  # what the ledger handed over arrives later, or again
    "tidy",  # idle work, step by step
    "twist",  # payments whose signature was made into another good one
    "settle",  # from every state honest steps end the matter
)
LEDGER = frozenset({"settle", "ledger"})


def person(name: str, loaded: int = 0, offers: int = 0, payments: int = 1, **more: object) -> Spec:
    return Spec(name, loaded, offers, payments, **more)


def stand(name: str, offers: int, **more: object) -> Spec:
    return Spec(name, 0, offers, 0, role=ROLE_STAND, **more)


def shop(name: str, offers: int, loaded: int) -> Spec:
    """A stand that can give back."""
    return Spec(name, loaded, offers, 0, role=ROLE_STAND)
