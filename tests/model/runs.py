# SPDX-License-Identifier: Apache-2.0
"""The runs of the model and how many states each has at least.

The quick ones are part of `make test`; `make model` runs those with wider bounds as well.
"""

from __future__ import annotations

from duotap.certificate import CLASS_BOUND, CLASS_COUNT
from duotap.fields import ROLE_STAND

from model.bounds import LIMITS, Bounds, Spec

LEDGER = frozenset({"settle", "ledger"})


def person(name: str, loaded: int = 0, offers: int = 0, payments: int = 1, **more: object) -> Spec:
    return Spec(name, loaded, offers, payments, **more)


def stand(name: str, offers: int, **more: object) -> Spec:
    return Spec(name, 0, offers, 0, role=ROLE_STAND, **more)


QUICK = (
    Bounds(
        "pair",
        "two people, 2 and 1 units, who pay each other once",
        (person("Ann", 2, offers=1), person("Ben", 1, offers=1)),
        ((1, 0), (0, 1)),
        580,
        frozenset({"settle", "split"}),
        ahead=1,
    ),
    Bounds(
        "twice",
        "two payments between two people",
        (person("Ann", 2, payments=2), person("Ben", offers=2, payments=0)),
        ((1, 0),),
        100,
        frozenset({"settle"}),
        ahead=1,
    ),
    Bounds(
        "torn-taps",
        "a payment whose taps end after any leg",
        (person("Ann", 2), person("Ben", 1, offers=2, payments=0)),
        ((1, 0),),
        60,
        frozenset({"settle", "split", "torn touch"}),
        ahead=1,
    ),
    Bounds(
        "cuts",
        "a payment with two cuts between a record and its mark",
        (person("Ann", 1), person("Ben", offers=1, payments=0)),
        ((1, 0),),
        1200,
        frozenset({"settle", "split"}),
        tears=2,
    ),
    Bounds(
        "shop",
        "a card and a stand; what the ledger hands over arrives late and again",
        (person("Ann", 1), stand("Noodle Bar", 2)),
        ((1, 0),),
        4100,
        LEDGER | {"bag", "pull"},
    ),
    Bounds(
        "three",
        "two people, a stand and one unit; any order of deposits",
        (person("Ann", 1), person("Ben", offers=1), stand("Noodle Bar", 1)),
        ((1, 0), (2, 1)),
        1400,
        LEDGER,
    ),
    Bounds(
        "restored-payer",
        "a card that is set back twice pays two",
        (person("Mal", 1), person("Ben", offers=1, payments=0), stand("Noodle Bar", 1)),
        ((1, 0), (2, 0)),
        23500,
        LEDGER,
        ahead=1,
        restored=(0,),
        restores=1,
    ),
    Bounds(
        "restored-payee",
        "a card that was paid and is set back",
        (person("Mal", offers=1), person("Ben", 1), stand("Noodle Bar", 1)),
        ((0, 1), (2, 0)),
        55000,
        LEDGER,
        restored=(0,),
        restores=1,
    ),
    Bounds(
        "restored-both",
        "a card that makes offers and pays, and is set back",
        (person("Mal", 1, offers=1), person("Ben", payments=0), stand("Noodle Bar", 2)),
        ((0, 1), (2, 0)),
        41100,
        LEDGER,
        depositors=(2,),
        restored=(0,),
        restores=1,
    ),
    Bounds(
        "issuer",
        "a load, its cancel and a checkpoint, brought by anybody at any time",
        (person("Ann", payments=0),),
        (),
        720,
        LEDGER | {"tidy"},
        loads=((0, 1),),
        checkpoints=2,
    ),
    Bounds(
        "pruned-payer",
        "a checkpoint and a prune of the payer, at any time of a payment",
        (person("Ann", 1), person("Ben", offers=1, payments=0)),
        ((1, 0),),
        1600,
        LEDGER | {"tidy"},
        checkpoints=1,
        checkpointed=(0,),
    ),
    Bounds(
        "pruned-payee",
        "a checkpoint and a prune of the payee, at any time of a payment",
        (person("Ann", 1), person("Ben", offers=1, payments=0)),
        ((1, 0),),
        3400,
        LEDGER | {"tidy"},
        checkpoints=1,
        checkpointed=(1,),
    ),
    Bounds(
        "limits",
        "a limit of one payment, with a checkpoint at any time",
        (
            person("Ann", 2, payments=2, limits=LIMITS._replace(count=1)),
            person("Ben", offers=2, payments=0),
        ),
        ((1, 0),),
        4200,
        LEDGER,
        checkpoints=1,
        checkpointed=(0,),
    ),
    Bounds(
        "decay",
        "one page of either side decays",
        (person("Ann", 2, payments=2), person("Ben", offers=2, payments=0)),
        ((1, 0),),
        6200,
        LEDGER,
        decays=(0, 1),
    ),
    Bounds(
        "twisted",
        "payments whose signature was made into another good one",
        (person("Ann", 1), person("Ben", offers=2, payments=0)),
        ((1, 0),),
        850,
        frozenset({"ledger", "twist"}),
    ),
    Bounds(
        "bound",
        "a payee that cannot be set back, whose void a tap may bring",
        (person("Ann", 1), person("Ben", offers=2, payments=0, rollback_class=CLASS_BOUND)),
        ((1, 0),),
        720,
        LEDGER,
    ),
)
QUICK += (
    Bounds(
        "count",
        "a card with fuses: a cut at any moment, and older images of it, twice",
        (person("Mal", 1, rollback_class=CLASS_COUNT), stand("Noodle Bar", 2)),
        ((1, 0),),
        2600,
        frozenset({"settle"}),
        tears=1,
        restored=(0,),
        restores=2,
    ),
    Bounds(
        "element-payer",
        "a card with a secure element that pays: a cut at any moment, and older images, twice",
        (person("Mal", 1, rollback_class=CLASS_BOUND), stand("Noodle Bar", 2)),
        ((1, 0),),
        3800,
        frozenset({"settle"}),
        tears=1,
        restored=(0,),
        restores=2,
    ),
    Bounds(
        "element",
        "a card with a secure element: a cut at any moment, and older images of it, twice",
        (
            person("Mal", offers=1, rollback_class=CLASS_BOUND),
            person("Ben", 1),
            stand("Noodle Bar", 1),
        ),
        ((0, 1), (2, 0)),
        16900,
        frozenset({"settle"}),
        tears=1,
        restored=(0,),
        restores=2,
    ),
)
FULL = (
    Bounds(
        "pair-wide",
        "two people, 2 and 1 units, one payment and two offers each",
        (person("Ann", 2, offers=2), person("Ben", 1, offers=2)),
        ((1, 0), (0, 1)),
        16900,
        frozenset({"settle"}),
    ),
    Bounds(
        "three-wide",
        "two people, a stand and one unit, two offers each; any order of deposits",
        (person("Ann", 1, offers=1), person("Ben", offers=2), stand("Noodle Bar", 2)),
        ((1, 0), (2, 1)),
        62500,
        LEDGER,
    ),
    Bounds(
        "restored-twice",
        "a card that is set back twice and pays two, who deposit",
        (person("Mal", 1), person("Ben", offers=1, payments=0), stand("Noodle Bar", 1)),
        ((1, 0), (2, 0)),
        10100,
        LEDGER,
        ahead=1,
        depositors=(1, 2),
        restored=(0,),
        restores=2,
    ),
    Bounds(
        "issuer-wide",
        "two loads, their cancels and two checkpoints, brought by anybody at any time",
        (person("Ann", payments=0),),
        (),
        16400,
        LEDGER | {"tidy"},
        loads=((0, 1), (0, 1)),
        checkpoints=2,
    ),
    Bounds(
        "pruned-wide",
        "a checkpoint and a prune of either side, at any time of a payment",
        (person("Ann", 1), person("Ben", offers=1, payments=0)),
        ((1, 0),),
        78000,
        LEDGER | {"tidy"},
        checkpoints=1,
    ),
)
RUNS = {run.name: run for run in (*QUICK, *FULL)}
