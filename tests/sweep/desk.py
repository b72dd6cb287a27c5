# SPDX-License-Identifier: Apache-2.0
"""What is done over the cable, and the half-done taps that lead there.

Each deed may be broken off anywhere and done again.
"""

from __future__ import annotations

import asyncio

from duotap import commands, fold, messages
from duotap_host.device.client import Client
from duotap_host.device.unload import unload as bring_home
from duotap_host.ledger import codes
from duotap_host.virtual.mishaps import Mishap, Tear
from sim.audit import hold

from sweep.town import MERCHANT, OTHER, PAYEE, PAYER, Town

AMOUNT = 5_000
REQUEST = b"the same load"
BACK = "0.40"
FIRST = 1  # unload number
IDLE_S = 3.0  # idle work has an end before that
DAYS = 2  # how far these statements are ahead
SECONDS = 1_767_270_000
CEILING = (5_000, 5_000)
DENIED = bytes([0]) + bytes(range(16))  # format 0: the id of nobody here


async def receipt_lost(town: Town) -> None:
    """The payee has taken the payment; its receipt does not arrive."""
    await _torn_sale(town, Mishap(Tear(0), ins=commands.PUT_CLOSING, downlink=True))
    hold(town.audit.unfinished() == 1 and not town.audit.under_way(), "story", "no receipt lost")


async def payment_lost(town: Town) -> None:
    """The payer has paid; the payee has not heard of it."""
    await _torn_sale(town, Mishap(Tear(0), ins=commands.GET_RESULT, downlink=False))
    hold(town.audit.under_way() == 100, "story", "no payment lost")


async def payment_given_up(town: Town) -> None:
    """So it was, and the payee closed its offer unpaid; the void is for the ledger."""
    await payment_lost(town)
    await town.enter(OTHER)
    await town.touch()
    await town.device(PAYEE).press("cancel")
    town.look()
    hold(town.audit.under_way() == 100, "story", "the payment was not given up")


async def _torn_sale(town: Town, mishap: Mishap) -> None:
    town.stage.field.rules.append(mishap)
    await town.sale()
    town.stage.field.rules.remove(mishap)
    town.look()


async def load(town: Town) -> None:
    """Money is brought to the card; the same request again brings it once."""
    await town.load(PAYER, AMOUNT, REQUEST)


async def unload(town: Town) -> None:
    """Money goes home; the same number again sends it once."""
    office, line = town.office, town.device(PAYER).console
    epoch = office.issuer.epoch(office.now_us())
    await bring_home(Client(line), office.ledger, office.issuer, epoch, AMOUNT, FIRST)
    town.look()
    hold(town.audit.unloaded == AMOUNT, "lost", f"{town.audit.unloaded} went home")


async def floated_sale(town: Town) -> None:
    """The merchant has money brought to the stand, and sells."""
    account = codes.merchant(MERCHANT)
    town.office.fund(account, AMOUNT)
    town.funded += AMOUNT
    await town.office.bring(town.device(PAYEE).console, AMOUNT, account, REQUEST)
    await town.home(PAYEE)
    await town.sale()


async def refund(town: Town) -> None:
    """The stand gives some of it back, unless somebody's screen says that it has."""
    if town.shows(PAYEE, "REFUNDED") or town.shows(PAYER, "REFUNDED"):
        return
    stand = town.device(PAYEE)
    for key in ("cancel", "menu"):
        await stand.press(key)
    await stand.type_amount(BACK)
    await stand.press("ok")
    await town.arm()
    await town.touch()
    town.look()
    given = len(town.audit.given)
    hold(given <= 1, "paid twice", f"{given} refunds were given")


async def refund_again(town: Town) -> None:
    """Whatever was cut before, the card has it now, unless a battery is pulled out again."""
    await refund(town)
    if all(device.board.powered for device in town.stage.devices.values()):
        hold(town.audit.taken_back, "lost", "the refund has not come")


async def settle_payment(town: Town) -> None:
    """The ledger brings the payment to the payee and its receipt back to the payer."""
    for side in (PAYER, PAYEE, PAYER):
        await visit(town, side)


async def settle_void(town: Town) -> None:
    """The payee's void is brought to the payer."""
    for side in (PAYEE, PAYER):
        await visit(town, side)


async def visit(town: Town, side: str) -> None:
    await town.office.deposit(town.device(side).console)
    town.look()
    town.reconcile()


async def prune(town: Town) -> None:
    """A checkpoint, and then the idle work that it leads to: carry, prune, erase."""
    await visit(town, PAYEE)
    await asyncio.sleep(IDLE_S)


async def put_statements(town: Town) -> None:
    """One of each kind that has an epoch, to the card."""
    client = Client(town.device(PAYER).console)
    await client.connect()
    for raw in _statements(town):
        await client.put_statement(raw)
    town.look()
    state = town.audit.purses[PAYER].state
    of = {fold.STATEMENTS[kind] for kind, _ in state.statements}
    if state.full_list[1]:
        of.add(messages.DenyList)
    hold(of >= set(KINDS), "lost", f"of the statements only {len(of)} are known")


KINDS = (messages.Policy, messages.DenyList, messages.Time, messages.Epoch)


def _statements(town: Town) -> list[bytes]:
    issuer = town.office.issuer
    epoch = issuer.epoch(town.office.now_us()) + DAYS
    told = (
        messages.Policy(None, epoch, CEILING, None, None),
        messages.DenyList(epoch, 0, 0, DENIED),
        messages.Time(epoch, SECONDS),
        messages.Epoch(epoch, None),
    )
    return [issuer.sign_list(message) for message in told]
