# SPDX-License-Identifier: Apache-2.0
"""The state table: all pairs, and nothing but the table."""

from both.raising import raises
from duotap import records, states
from duotap.errors import Refusal

EVENTS = (
    states.ASK,
    states.CANCEL,
    states.PAID,
    states.REPEAT,
    states.LATE,
    states.OTHER,
    states.OFFER,
    states.RECEIPT,
    states.VOID,
)


def test_every_pair_is_in_the_table_or_refused():
    for table in (states.PAYEE, states.PAYER):
        found = 0
        for state in (states.NONE, states.OPEN):
            for event in EVENTS:
                if (state, event) in table:
                    kinds, after = states.step(table, state, event)
                    assert after in (states.NONE, states.OPEN)
                    assert kinds or after == state
                    found += 1
                else:
                    assert raises(Refusal, states.step, table, state, event)
        assert found == len(table)


def test_an_offer_closes_in_exactly_three_ways():
    closing = [kinds for (state, _), (kinds, after) in states.PAYEE.items()
               if state == states.OPEN and after == states.NONE]  # fmt: skip
    found = sorted([kind for kinds in closing for kind in kinds])
    assert found == [records.CREDIT, records.ACCOUNT, records.UNPAID]


def test_a_payment_closes_in_exactly_two_ways():
    closing = [event for (state, event), (_, after) in states.PAYER.items()
               if state == states.OPEN and after == states.NONE]  # fmt: skip
    assert sorted(closing) == sorted([states.RECEIPT, states.VOID])
