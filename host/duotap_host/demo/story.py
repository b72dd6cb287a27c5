# SPDX-License-Identifier: Apache-2.0
"""The story: dual-offline payment from factory to ledger, as people live it.

Chapters in their order; each is played on whatever stage it is given. Tears are planned by what is
on the air, never by time, so that both forms live through the same. Amounts are minor units.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from duotap import commands

from duotap_host.demo import journals
from duotap_host.demo.office import Office
from duotap_host.demo.stage import Stage, StoryFailed
from duotap_host.demo.telling import Telling
from duotap_host.device.errors import DeviceError
from duotap_host.ledger import codes
from duotap_host.ledger.codes import AccountCode
from duotap_host.money import show
from duotap_host.virtual.mishaps import Mishap, Tear

A, B, STAND = "card A", "card B", "stand"
HOLDER_A, HOLDER_B, MERCHANT = 1, 2, 1
NAME_EN, NAME_ZH = "Noodle Bar", "面馆"

FUNDED = 50_000
LOADED = 20_000
SALE = 6_660
HANDED = 2_000  # from card to card
SPENT = 500  # of it
TORN = 1_000  # completed by touching again
LOST = 1_200  # torn, voided, given back
NEXT = 300  # the sale after it
DEVICES = (A, B, STAND)
IN_ALL = LOADED  # of which the devices and the merchant's account hold every bit at the end
A_OFFLINE = LOADED - SALE - HANDED - TORN - LOST
B_OFFLINE = HANDED - SPENT - NEXT
SOLD = SALE + SPENT + TORN + NEXT


class Check(NamedTuple):
    """A number that must be exactly right."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        return self.expected == self.found


class Story:
    """One playing; `checks` has every number that was looked at."""

    def __init__(self, stage: Stage, office: Office, telling: Telling, seed: int) -> None:
        self.stage = stage
        self.office = office
        self.telling = telling
        self.checks: list[Check] = []
        self.order = random.Random(seed)
        self.journals: dict[str, dict[int, journals.Entry]] = {name: {} for name in DEVICES}

    async def play(self, chapters: Chapters) -> None:
        """One after the other. StoryFailed as soon as something is not as it is told."""
        for title, chapter in chapters:
            self.telling.chapter(title)
            try:
                await chapter(self)
            except DeviceError:
                self.stage.check_alive()
                raise

    # What people do

    def say(self, text: str) -> None:
        self.telling.say(text)

    def screens(self, *names: str) -> None:
        self.telling.screens([self.stage.devices[name] for name in names])

    async def enter_at_stand(self, amount: int) -> None:
        """The merchant types an amount and confirms it."""
        stand = self.stage.devices[STAND]
        await stand.type_amount(show(amount))
        await stand.press("ok")
        await self.stage.shows(STAND, "TOUCH HERE", show(amount))

    async def enter_on_card(self, name: str, amount: int) -> None:
        """A holder dials an amount to receive with three buttons."""
        card = self.stage.devices[name]
        await card.press("up")
        await self.stage.shows(name, "RECEIVE")
        await card.type_amount(show(amount))
        await card.press("ok")
        await self.stage.shows(name, "touch the other card", show(amount))

    async def arm(self, name: str) -> None:
        """A holder presses PAY."""
        await self.stage.devices[name].press("pay")
        await self.stage.shows(name, "PAY UP TO")

    async def sale(self, payer: str, amount: int) -> None:
        """A card pays the stand in one touch."""
        await self.enter_at_stand(amount)
        await self.arm(payer)
        began_us = self.stage.touch(STAND, payer)
        await self.paid(STAND, payer, amount, began_us)

    async def paid(self, payee: str, payer: str, amount: int, began_us: int) -> None:
        """Both screens show the result; then the devices part."""
        told = "PAID" if payee == STAND else "RECEIVED"
        await self.stage.shows(payee, told, show(amount))
        await self.stage.shows(payer, "PAID", show(amount))
        self.screens(payee, payer)
        self.stage.part()
        self.tapped(f"{payer} pays {payee} {show(amount)}", began_us)

    def tapped(self, what: str, began_us: int) -> None:
        """Where the time of the taps since then went."""
        taps = self.stage.taps(began_us)
        if not taps:
            raise StoryFailed(f"no tap was seen: {what}")
        for tap in taps:
            self.telling.tapped(what if tap.done else f"torn: {what}", tap)

    async def rest(self, *names: str) -> None:
        """People press on until the first screen is there again."""
        for name in names:
            await self.stage.devices[name].press("cancel" if name == STAND else "ok")
        for name in names:
            await self.stage.shows(name, NAME_EN if name == STAND else "PAY RECEIVE OK")

    async def deposit(self, name: str) -> None:
        """A device at the cable. StoryFailed if something was refused."""
        self.keep_journal(name)
        done = await self.office.deposit(self.stage.devices[name].console)
        await self.stage.until(lambda: self.keep_journal(name), f"{name} tidies its journal")
        for note in done.notes:
            raise StoryFailed(f"{name}: {note}")
        self.say(
            f"{name}: {_count(done.records, 'record')} pulled,"
            f" {_count(done.handed, 'thing')} handed over, {show(done.balance)} in its purse."
        )

    def keep_journal(self, name: str) -> bool:
        """Keep the records that are in flash now: after a checkpoint the device gives up those
        before it. Tells whether it has done so."""
        entries = journals.read(self.stage.devices[name].journal_bytes())
        self.journals[name].update((entry.sequence, entry) for entry in entries)
        return journals.is_settled(entries)

    def reconcile(self) -> None:
        done = self.office.reconcile()
        booked = _count(done.transfers, "transfer")
        self.say(f"Reconciled: {booked} booked, {_count(len(done.findings), 'finding')}.")

    def purse(self, name: str) -> str:
        """The account that is the shadow of a device's purse."""
        return codes.purse(self.office.devices[name])

    def check(self, what: str, expected: int, found: int) -> None:
        """Note a number. StoryFailed if it is not exactly right."""
        self.checks.append(Check(what, expected, found))
        if expected != found:
            raise StoryFailed(f"{what} is {show(found)} and not {show(expected)}")

    def check_account(self, name: str, expected: int) -> None:
        self.check(name, expected, self.office.balance(name))

    async def check_screen(self, name: str, balance: int) -> None:
        """The balance that a card shows at rest."""
        await self.rest(name)
        await self.stage.shows(name, show(balance))
        self.check(f"balance on {name}", balance, balance)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}" + ("" if number == 1 else "s")


Chapters = tuple[tuple[str, Callable[[Story], Awaitable[None]]], ...]


async def opening(story: Story) -> None:
    office = story.office
    office.open()
    story.say(
        "The operator makes root and working keys, encrypted with a passphrase that was generated"
        " for this run, and opens a ledger with them."
    )
    office.account(AccountCode.WALLET, HOLDER_A, "Lin")
    office.account(AccountCode.WALLET, HOLDER_B, "Chen")
    office.account(AccountCode.MERCHANT, MERCHANT, NAME_EN)
    office.fund(codes.wallet(HOLDER_A), FUNDED)
    story.say(f"Lin, Chen and the {NAME_EN} get accounts; Lin's wallet gets {show(FUNDED)}.")
    story.check_account(codes.wallet(HOLDER_A), FUNDED)


async def provisioning(story: Story) -> None:
    for name, kind in ((A, "card"), (B, "card"), (STAND, "stand")):
        await story.stage.add(name, kind)
    for name in (A, B, STAND):
        await story.stage.shows(name, "duotap", "new")
    story.screens(A, B, STAND)
    story.say("Two cards and a stand come out of the box and are put on a cable, one by one.")
    await story.office.provision(A, story.stage.devices[A].console, HOLDER_A)
    await story.office.provision(B, story.stage.devices[B].console, HOLDER_B)
    names = (NAME_ZH, NAME_EN)
    await story.office.provision(STAND, story.stage.devices[STAND].console, MERCHANT, names)
    await story.rest(A, B, STAND)
    story.screens(A, B, STAND)
    story.say(
        "Each made its own key, proved that it has it, and got a certificate. No key left it."
    )


async def loading(story: Story) -> None:
    card = story.stage.devices[A]
    held = await story.office.load(card.console, LOADED, codes.wallet(HOLDER_A))
    story.check("load that arrived", LOADED, held)
    await story.check_screen(A, LOADED)
    story.check_account(codes.wallet(HOLDER_A), FUNDED - LOADED)
    story.screens(A)
    story.say(f"{show(LOADED)} of Lin's wallet are in card A now. Then all cables are pulled out.")


async def offline_sale(story: Story) -> None:
    story.say(f"The merchant types {show(SALE)}, Lin presses PAY, they touch.")
    await story.sale(A, SALE)
    await story.check_screen(A, LOADED - SALE)


async def card_to_card(story: Story) -> None:
    story.say(f"Chen dials {show(HANDED)} with three buttons, Lin presses PAY, the cards touch.")
    await story.enter_on_card(B, HANDED)
    await story.arm(A)
    story.screens(B, A)
    began_us = story.stage.touch(B, A)
    await story.paid(B, A, HANDED, began_us)
    await story.check_screen(A, LOADED - SALE - HANDED)
    await story.check_screen(B, HANDED)


async def spent_again(story: Story) -> None:
    story.say(f"Chen spends {show(SPENT)} of it at once; nobody had network in between.")
    await story.sale(B, SPENT)
    await story.check_screen(B, HANDED - SPENT)


async def torn_and_completed(story: Story) -> None:
    stage = story.stage
    began_us = await _torn(story, TORN)
    story.say(
        f"Lin pays {show(TORN)} and pulls the card away too early: the card has paid, the stand"
        " does not know it. Both say so, and they touch again."
    )
    stage.touch(STAND, A)
    await story.paid(STAND, A, TORN, began_us)
    await story.check_screen(A, LOADED - SALE - HANDED - TORN)


async def torn_and_given_up(story: Story) -> None:
    stage = story.stage
    began_us = await _torn(story, LOST)
    story.tapped(f"{A} pays {STAND} {show(LOST)}", began_us)
    await stage.devices[STAND].press("cancel")
    story.say(
        f"Again, with {show(LOST)}. Lin leaves, the merchant gives up and sells something for"
        f" {show(NEXT)} to Chen: the sale before it is closed unpaid."
    )
    await story.sale(B, NEXT)
    await stage.shows(A, "1 unfinished")
    await story.check_screen(A, A_OFFLINE)
    await story.check_screen(B, B_OFFLINE)
    await story.rest(STAND)
    story.screens(A, B, STAND)
    story.say(f"Card A shows {show(LOST)} less than Lin has, and that a payment is unfinished.")


async def _torn(story: Story, amount: int) -> int:
    """A sale whose card leaves in the middle of the first block that carries its payment."""
    stage = story.stage
    await story.enter_at_stand(amount)
    await story.arm(A)
    tear = Mishap(Tear(at_byte=20), kind="I", ins=commands.GET_RESULT, downlink=False)
    stage.field.rules.append(tear)
    began_us = stage.touch(STAND, A)
    await stage.until(lambda: tear.happened, "the tear")
    stage.field.rules.remove(tear)
    await stage.shows(STAND, "TOUCH AGAIN", show(amount))
    await stage.shows(A, "TOUCH AGAIN", show(amount))
    stage.part()
    story.screens(STAND, A)
    return began_us


async def first_round(story: Story) -> None:
    order = story.order.sample(DEVICES, len(DEVICES))
    story.say(f"Journals are deposited in the order {', '.join(order)}, and reconciled.")
    for name in order:
        await story.deposit(name)
    story.reconcile()
    story.check_account(codes.merchant(MERCHANT), SOLD)
    story.check_account(story.purse(A), A_OFFLINE)
    story.check_account(story.purse(B), B_OFFLINE)
    story.check_account(codes.UNDER_WAY, LOST)
    story.say(
        f"The {NAME_EN} has its {show(SOLD)}. What card A paid for the sale that was given up,"
        f" {show(LOST)}, is under way until card A's journal shows that the stand voids it."
    )


async def second_round(story: Story) -> None:
    story.say("The stand comes again, then the cards: the stand's void goes to card A.")
    for name in (STAND, A, B):
        await story.deposit(name)
    story.reconcile()
    await story.check_screen(A, A_OFFLINE + LOST)
    await story.check_screen(B, B_OFFLINE)
    await story.rest(STAND)
    story.screens(A, B, STAND)


async def closing(story: Story) -> None:
    trial = story.office.check()
    for failure in trial.failures:
        raise StoryFailed(f"the book is wrong: {failure}")
    for finding in story.office.findings():
        raise StoryFailed(f"reconciling found something: {finding}")
    story.check_account(codes.wallet(HOLDER_A), FUNDED - LOADED)
    story.check_account(codes.wallet(HOLDER_B), 0)
    story.check_account(codes.merchant(MERCHANT), SOLD)
    story.check_account(story.purse(A), A_OFFLINE + LOST)
    story.check_account(story.purse(B), B_OFFLINE)
    story.check_account(story.purse(STAND), 0)
    story.check("payments under way", 0, trial.under_way)
    story.check("loads under way", 0, trial.loads_under_way)
    story.check("in circulation", FUNDED, trial.circulating)
    story.check("in accounts and purses", FUNDED, trial.held + trial.in_purses)
    story.check("debits less credits", 0, trial.debits - trial.credits)
    for name in DEVICES:
        story.keep_journal(name)
    story.say("Nothing is under way, and the trial balance closes.")


CHAPTERS: Chapters = (
    ("The operator opens the ledger", opening),
    ("Two cards and a stand are provisioned", provisioning),
    (f"Card A is loaded with {show(LOADED)}", loading),
    (f"Offline: card A pays the stand {show(SALE)}", offline_sale),
    (f"Offline: card A pays card B {show(HANDED)}", card_to_card),
    (f"Offline: card B spends {show(SPENT)} of it", spent_again),
    ("A torn tap is completed by touching again", torn_and_completed),
    ("A torn tap is given up", torn_and_given_up),
    ("Journals are deposited and reconciled", first_round),
    ("Void and checkpoints are handed over", second_round),
    ("The books are closed", closing),
)
