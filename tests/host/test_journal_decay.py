# SPDX-License-Identifier: Apache-2.0
"""Every byte of every committed record decays or is corrupted, one at a time.

The journal is then damaged, or as it was; it never drops a record for a torn one. What does not
count (torn pages, pruned sectors, sectors still to erase) may decay without a trace.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from duotap.errors import Refusal
from duotap.record import BODY_AT, KIND_HEAD
from duotap.status import DAMAGED
from duotap_host.virtual.nor import PAGE, SECTOR, PowerCut, Prefix, VirtualNor
from host.journal_history import MOMENTS
from host.journal_model import Device, Model, body

BLOCKS = 6
SEED = 20201212

Change = Callable[[int, random.Random], int]
CHANGES: dict[str, Change] = {
    "all bits decay": lambda old, rng: 0xFF,
    "one bit decays": lambda old, rng: old | 1 << rng.randrange(8),
    "corrupted": lambda old, rng: old ^ rng.randrange(1, 256),
    "zero": lambda old, rng: 0,
}


def worn() -> tuple[bytes, Device]:
    """Pruned records, a base run, records of 2 to 4 pages, a torn one before each and at last."""
    device = Device(VirtualNor(BLOCKS))
    device.boot()
    device.erase_ahead()
    for seed in range(2):
        device.append(9, body(12, seed))
    base = device.append_run(5, [body(1, 8), body(2, 9)])
    device.prune(base - 1)
    for pages in (2, 3, 4):
        tear(device, pages, Prefix(128))
        device.append(9, body(pages, pages))
    tear(device, 2, Prefix(0))
    return device.nor.snapshot(), device


def tear(device: Device, pages: int, how: Prefix) -> None:
    """Cut an append in its second page, and boot again."""
    device.model.begin([(9, 0, body(pages, 3))])
    device.nor.plan_cut(1, how)
    with pytest.raises(PowerCut):
        device.journal.append(9, body(pages, 3))
    device.nor.power_on()
    device.boot()


IMAGE, DEVICE = worn()
MODEL = DEVICE.model


def pages_of_records(live: bool) -> list[int]:
    """Offsets of the pages in use: of committed records that count, or of all the others."""
    counted = set()
    for sequence in range(MODEL.first, len(MODEL.records) + 1):
        sector, page = DEVICE.journal._place(sequence)
        start = sector * SECTOR + page * PAGE
        pages = (IMAGE[start + 9] & 15) + 1
        counted.update(range(start, start + pages * PAGE, PAGE))
    used = {at for at in range(0, len(IMAGE), PAGE) if IMAGE[at : at + PAGE].count(0xFF) < PAGE}
    return sorted(counted if live else used - counted)


def booted(content: bytes, model: Model = MODEL) -> Device:
    nor = VirtualNor(len(content) // SECTOR)
    nor.restore(content)
    device = Device(nor, model.copy())
    device.journal.recover(
        lambda n, kind, text, digest: device.seen.append((n, kind, bytes(text), digest))
    )
    return device


def test_the_history() -> None:
    device = booted(IMAGE)
    device.check()
    assert device.journal.torn == 2 + 2 + 2 + 1
    assert len(pages_of_records(live=True)) == 3 + 1 + 2 + 3 + 4
    assert len(pages_of_records(live=False)) == 24 + device.journal.torn


@pytest.mark.parametrize("name", CHANGES)
def test_one_byte_of_a_record(name: str) -> None:
    rng = random.Random(SEED)
    damaged = kept = 0
    for start in pages_of_records(live=True):
        for at in range(start, start + PAGE):
            new = CHANGES[name](IMAGE[at], rng)
            device = booted(IMAGE[:at] + bytes([new]) + IMAGE[at + 1 :])
            if device.journal.damaged:
                damaged += 1
                with pytest.raises(Refusal) as caught:
                    device.journal.append(9, b"")
                assert caught.value.sw == DAMAGED
            else:
                device.check()
                kept += 1
    print(f"{name}: {damaged} damaged, {kept} as before (seed {SEED})")
    assert damaged
    assert kept


@pytest.mark.parametrize("name", ["all bits decay", "one bit decays"])
def test_one_byte_of_what_does_not_count(name: str) -> None:
    rng = random.Random(SEED)
    for start in pages_of_records(live=False):
        for at in range(start, start + PAGE, 3):
            new = CHANGES[name](IMAGE[at], rng)
            device = booted(IMAGE[:at] + bytes([new]) + IMAGE[at + 1 :])
            device.check()


def test_one_byte_of_the_head_of_the_last_record() -> None:
    """At every moment of the long history at which a record has just been committed."""
    rng = random.Random(SEED)
    damaged = kept = 0
    for before, moment in pairwise(MOMENTS):
        if len(before.model.records) == len(moment.model.records):
            continue
        at = before.at
        assert moment.content[at] == KIND_HEAD  # the mark was the last thing programmed
        for byte in range(at, at + BODY_AT):
            new = CHANGES["corrupted"](moment.content[byte], rng)
            content = moment.content[:byte] + bytes([new]) + moment.content[byte + 1 :]
            device = booted(content, moment.model)
            if device.journal.damaged:
                damaged += 1
            else:
                device.check()
                kept += 1
    print(f"last record: {damaged} damaged, {kept} as before (seed {SEED})")
    assert damaged > 50 * 68
    assert kept >= 68


def test_garbage_in_sectors_that_do_not_count() -> None:
    """As an erase or a factory leaves it, in any sector but the blank one after the written."""
    rng = random.Random(SEED)
    ring = DEVICE.journal._ring
    free = [ring.after(ring.write, i) for i in range(2, BLOCKS - ring.live + 1)]
    assert len(free) == 2
    for _ in range(200):
        content = bytearray(IMAGE)
        for sector in free:
            garbage = rng.randbytes(SECTOR)
            content[sector * SECTOR : (sector + 1) * SECTOR] = garbage
        device = booted(bytes(content))
        device.check()
        device.erase_ahead()
        device.append(9, body(16, 1))
        device.boot()
