# SPDX-License-Identifier: Apache-2.0
"""Journals as they lie in flash, record by record, and two playings of a story compared.

It reads an image of the flash with the shipped journal and verifies no signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import NamedTuple

from duotap import messages, records
from duotap.errors import Refusal
from duotap.journal import Journal

from duotap_host.demo.stage import StoryFailed
from duotap_host.reconcile.texts import RECORDS
from duotap_host.virtual.nor import SECTOR, VirtualNor


class Message(NamedTuple):
    """A message of a record: what it is, its counters by name, its sum, and its hash."""

    name: str
    counters: tuple[tuple[str, int], ...]
    amount: int
    hash: bytes


class Entry(NamedTuple):
    """One record."""

    sequence: int
    kind: int
    messages: tuple[Message, ...]
    body: bytes
    hash: bytes

    @property
    def name(self) -> str:
        return RECORDS.get(self.kind, f"type {self.kind}")

    @property
    def amount(self) -> int:
        """What its first message with an amount is about, 0 for none."""
        return next((each.amount for each in self.messages if each.amount), 0)


def read(flash: bytes) -> tuple[Entry, ...]:
    """All records of a journal's flash. StoryFailed if it is damaged."""
    chip = VirtualNor(len(flash) // SECTOR)
    chip.restore(flash)
    entries: list[Entry] = []

    def take(sequence: int, kind: int, body: memoryview, record_hash: bytes) -> None:
        raw = bytes(body)
        entries.append(Entry(sequence, kind, _messages(kind, raw), raw, bytes(record_hash)))

    journal = Journal(chip)
    journal.recover(take)
    if journal.damaged:
        raise StoryFailed(f"a journal is damaged: {journal.reason}")
    return tuple(entries)


def is_settled(entries: tuple[Entry, ...]) -> bool:
    """Whether all that a checkpoint asks for is done: what stays is carried over, and the records
    that it covers count no more."""
    for entry in reversed(entries):
        if entry.kind == records.CHECKPOINT:
            return entries[0].sequence > dict(entry.messages[0].counters)["covered"]
    return True


def _messages(kind: int, body: bytes) -> tuple[Message, ...]:
    if kind in (records.IDENTITY, records.BASE_PART, records.CARRIED, records.TICKS):
        return ()
    parts = (part for part in records.unpack(kind, body) if isinstance(part, bytes))
    return tuple(message for part in parts if (message := _message(part)) is not None)


def _message(raw: bytes) -> Message | None:
    """None for bytes that are no message, such as the hash in an unpaid (V)."""
    try:
        signed = messages.decode(raw)
    except Refusal:
        return None
    found = signed.message
    counters = tuple(
        (name, value)
        for name, value in zip(found._fields, found, strict=True)
        if name.endswith("counter") or name in ("number", "covered", "verdict")
    )
    amounts = getattr(found, "amounts", None)
    amount = getattr(found, "amount", 0) if amounts is None else messages.total(amounts)
    return Message(type(found).__name__.lower(), counters, amount, bytes(signed.hash))


def differences(
    one: Mapping[str, tuple[Entry, ...]], other: Mapping[str, tuple[Entry, ...]]
) -> list[str]:
    """What two sets of journals differ in, a line each; equal bytes in all records: empty."""
    found = []
    for device in sorted({*one, *other}):
        pairs = zip_longest(one.get(device, ()), other.get(device, ()))
        for place, (left, right) in enumerate(pairs, 1):
            if left != right:
                found.append(f"{device}, record {place}: {_said(left)} and {_said(right)}")
                break
    return found


def _said(entry: Entry | None) -> str:
    return "nothing" if entry is None else f"{entry.sequence} {entry.name} {entry.hash.hex()[:16]}"
