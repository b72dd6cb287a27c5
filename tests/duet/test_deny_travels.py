# SPDX-License-Identifier: Apache-2.0
"""A deny list from the ledger to a stand by cable, its delta from there to a card by a tap; the
stand shows its age and refuses whom it lists."""

from __future__ import annotations

from duotap import denylist, reasons, status
from duotap_host.demo.story import B, Story
from duotap_host.ledger.codes import AccountCode
from host.paper_device import person

from duet.test_news_radio import PRICE, STAND, A, knows, play, sale

OTHERS = 66  # more than are listed one by one
DAYS = 3


async def refused(story: Story, name: str) -> None:
    await story.enter_at_stand(PRICE)
    await story.arm(name)
    story.stage.touch(STAND, name)
    await story.stage.shows(STAND, "NOT PAID", reasons.text(status.DENY_LISTED)[0])
    story.stage.part()
    await story.rest(STAND, name)


def later(story: Story, days: int) -> None:
    story.office._now_us += days * 86_400_000_000


def test_a_list_reaches_stands_by_cable_and_cards_by_tap() -> None:
    async def scene(story: Story) -> None:
        office, book = story.office, story.office.ledger.deny_book
        for number in range(OTHERS):
            serial = (1).to_bytes(denylist.EPOCH_BYTES, "big") + number.to_bytes(4, "big")
            other = person(office.issuer, 7001, serial=serial)
            if not number:
                office.ledger.open_account(AccountCode.WALLET, 7001)
            office.ledger.register_device(other.certificate)
            book.deny(other.id)
        later(story, DAYS)
        assert len(book.publish().set) > 0
        for name in (A, STAND):
            await story.deposit(name)
        await story.rest(A, STAND)
        await story.stage.shows(STAND, "deny list: 0d old")
        await sale(story)
        story.stage.part()
        await story.rest(A, STAND)
        book.deny(office.devices[B])
        later(story, 1)
        made = book.publish()
        await story.deposit(STAND)
        await story.rest(STAND)
        await refused(story, B)
        delta = made.delta
        assert knows(story, STAND, delta)
        assert not knows(story, A, delta)
        await sale(story)
        await story.stage.until(lambda: knows(story, A, delta), "the card's delta")

    play("deny list", scene)
