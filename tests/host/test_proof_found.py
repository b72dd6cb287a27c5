# SPDX-License-Identifier: Apache-2.0
"""Of every story with devices set back: each two payments under one number that were both
deposited are found and proven, and nobody who was never set back is named."""

from __future__ import annotations

from itertools import combinations

from duotap import messages, proof, record, records
from duotap_host.issuer.es256 import verify
from duotap_host.reconcile.findings import FREEZING, Code
from host.ledger_bench import Town
from host.paper_device import PaperDevice
from host.test_reconcile_order import STEPS, Story
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAYING = (records.PAYMENT, records.CREDIT, records.ACCOUNT, records.LATE_VOID, records.CONFLICT)


def payments(device: PaperDevice) -> dict[tuple[bytes, int], set[bytes]]:
    """Payments in its journal by payer and number, read without the code under test."""
    found: dict[tuple[bytes, int], set[bytes]] = {}
    for statement in device.statements:
        each = record.decode(statement)
        if each.type in PAYING:
            signed = messages.decode(records.unpack(each.type, each.body)[0], messages.Payment)
            key = (signed.kid, signed.message.payment_counter)
            found.setdefault(key, set()).add(signed.hash)
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=3, max_size=10), st.data())
def test_each_fork_that_was_deposited_is_found(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    town = Town()
    story = Story(town)
    story.live(steps)
    paid: dict[tuple[bytes, int], set[bytes]] = {}
    for device in data.draw(st.permutations(story.histories)):
        if data.draw(st.booleans()):
            town.ledger.deposit(device.id, device.statements)
            if data.draw(st.booleans()):
                town.head(device)
            for key, hashes in payments(device).items():
                paid.setdefault(key, set()).update(hashes)
    found = town.ledger.reconcile().findings
    proven = {
        (each.device, each.evidence) for each in found if each.code == Code.DUPLICATE_PAYMENT
    }
    expected = {(key[0], tuple(sorted(of))) for key, of in paid.items() if len(of) > 1}
    assert proven == expected
    for each in found:
        if each.code == Code.DUPLICATE_PAYMENT:
            raw = town.ledger.proof(each.evidence_id)
            assert proof.verify(raw, town.issuer.roots[0], verify).device == each.device
    honest = {device.id for device in story.devices} - set_back(story)
    assert not {each.device for each in found if each.code in FREEZING} & honest
    town.right()
    town.ledger.close()


def set_back(story: Story) -> set[bytes]:
    """Devices of which two histories exist."""
    every = [(device.id, tuple(device.statements)) for device in story.histories]
    return {one[0] for one, other in combinations(every, 2) if one[0] == other[0]}
