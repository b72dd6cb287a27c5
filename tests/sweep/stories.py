# SPDX-License-Identifier: Apache-2.0
"""The stories that are cut: what is prepared, what is acted while cuts may come, and what people
do after one.

It knows no point and no process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from duotap.fields import NoButton
from duotap_host.provision.profile import Profile
from duotap_host.virtual.board import CARD, STAND

from sweep import desk
from sweep.town import AMOUNT, HOLDERS, MERCHANT, OTHER, PAYEE, PAYER, Bound, Town

LARGE = "111.00"
PERSON = Profile.person(HOLDERS[PAYER])
NO_PRESS = Profile(PERSON.role, PERSON.holder, nobutton=NoButton(1_000, 5_000, 10))
FRIEND = Profile.person(HOLDERS[PAYEE])
SHOP = Profile.stand(MERCHANT, "Noodle Bar")
BOUND_SHOP = Bound(**vars(SHOP))
SALES_BEFORE = 12  # fill some sectors, so that a prune gives some back

Deed = Callable[[Town], Awaitable[None]]


async def nothing(town: Town) -> None:
    """All is as after the morning's visit at the office."""


async def tapped_before(town: Town) -> None:
    """They know each other's certificates."""
    await town.sale()


async def many_sales(town: Town) -> None:
    for _ in range(SALES_BEFORE):
        await town.sale()


async def sale(town: Town) -> None:
    """A tap from beginning to end."""
    await town.sale()


async def asked(town: Town) -> None:
    """Above the ceiling: the card shows name and amount, and its holder presses."""
    await town.sale(LARGE)
    await town.arm()


async def touch(town: Town) -> None:
    await town.touch()


async def unarmed_sale(town: Town) -> None:
    """Small enough to need no press."""
    await town.enter(AMOUNT)
    await town.touch()


async def voided_sale(town: Town) -> None:
    """Another amount: the offer is closed unpaid, its payment is given back, the new one paid."""
    await town.sale(OTHER)


class Story(NamedTuple):
    """Of a payer's card and a payee. `prepare` is over when the matter begins, of which `half` may
    be done before cuts come; `act` is cut, `again` is what people do after a cut (none: touch once
    more, for `amount`, with so many presses)."""

    name: str
    payee: str  # CARD or STAND
    profiles: tuple[Profile, Profile]  # of payer and payee
    act: Deed
    prepare: Deed = nothing
    half: Deed = nothing
    again: Deed | None = None
    amount: str = AMOUNT
    presses: int = 1

    @property
    def kinds(self) -> dict[str, str]:
        return {PAYER: CARD, PAYEE: self.payee}


IN_SHOP, AMONG_FRIENDS = (PERSON, SHOP), (PERSON, FRIEND)
STORIES = {
    story.name: story
    for story in (
        Story("stand-cold", STAND, IN_SHOP, sale),
        Story("stand-warm", STAND, IN_SHOP, sale, tapped_before),
        Story("person-cold", CARD, AMONG_FRIENDS, sale),
        Story("person-warm", CARD, AMONG_FRIENDS, sale, tapped_before),
        Story(
            *("no-button", STAND, (NO_PRESS, SHOP), unarmed_sale, tapped_before),
            presses=0,
        ),
        Story(
            *("confirm", STAND, IN_SHOP, touch, tapped_before, asked),
            amount=LARGE,
            presses=2,
        ),
        Story("receipt", STAND, IN_SHOP, touch, half=desk.receipt_lost),
        Story(
            *("void", STAND, (PERSON, BOUND_SHOP), voided_sale),
            half=desk.payment_lost,
            amount=OTHER,
        ),
        Story("load", STAND, IN_SHOP, desk.load, again=desk.load),
        Story("unload", STAND, IN_SHOP, desk.unload, again=desk.unload),
        Story("refund", STAND, IN_SHOP, desk.refund, desk.floated_sale, again=desk.refund_again),
        Story(
            *("forward", STAND, IN_SHOP, desk.settle_payment),
            half=desk.payment_lost,
            again=desk.settle_payment,
        ),
        Story(
            *("forward-void", STAND, IN_SHOP, desk.settle_void),
            half=desk.payment_given_up,
            again=desk.settle_void,
        ),
        Story("statements", STAND, IN_SHOP, desk.put_statements, again=desk.put_statements),
        Story("prune", STAND, IN_SHOP, desk.prune, many_sales, again=desk.prune),
    )
}
