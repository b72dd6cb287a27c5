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
    states.REFUND,
)


def rows(table):
    """(state, event, next state, types) of each."""
    found = []
    for at in range(0, len(table), states.ROW):
        state, event, after = table[at : at + 3]
        found.append((state, event, after, [kind for kind in table[at + 3 : at + 5] if kind]))
    return found


def test_every_pair_is_in_the_table_or_refused():
    for table in (states.PAYEE, states.PAYER):
        pairs = [row[:2] for row in rows(table)]
        found = 0
        for state in (states.NONE, states.OPEN):
            for event in EVENTS:
                if (state, event) in pairs:
                    kinds, after = states.step(table, state, event)
                    assert after in (states.NONE, states.OPEN)
                    assert kinds or after == state
                    assert [state, event, after, list(kinds)] in [list(row) for row in rows(table)]
                    found += 1
                else:
                    assert raises(Refusal, states.step, table, state, event)
        assert found == len(pairs) == len(table) // states.ROW


def test_an_offer_closes_in_exactly_three_ways():
    closing = [kinds for state, _, after, kinds in rows(states.PAYEE)
               if state == states.OPEN and after == states.NONE]  # fmt: skip
    found = sorted([kind for kinds in closing for kind in kinds])
    assert found == [records.CREDIT, records.ACCOUNT, records.UNPAID]


def test_a_payment_closes_in_exactly_two_ways():
    closing = [event for state, event, after, _ in rows(states.PAYER)
               if state == states.OPEN and after == states.NONE]  # fmt: skip
    assert sorted(closing) == sorted([states.RECEIPT, states.VOID])
