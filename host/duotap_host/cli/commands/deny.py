# SPDX-License-Identifier: Apache-2.0
"""`duotap deny`: the deny list, from whom it lists to what devices are handed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import overload

import rich_click as click

from duotap_host.cli.desk import Desk
from duotap_host.cli.device_id import device_id
from duotap_host.deny import builder
from duotap_host.ledger.ids import ID_BYTES


@click.group("deny")
def command() -> None:
    """The deny list."""


@command.command("add")
@click.argument("device")
@click.pass_obj
def add(desk: Desk, device: str) -> None:
    """List DEVICE from the next list on."""
    with desk.ledger() as ledger:
        ledger.deny_book.deny(device_id(device))
    desk.console.print("Listed, once `duotap deny publish` has run.")


@command.command("remove")
@click.argument("device")
@click.pass_obj
def remove(desk: Desk, device: str) -> None:
    """List DEVICE no more."""
    with desk.ledger() as ledger:
        ledger.deny_book.allow(device_id(device))
    desk.console.print("Not listed any more, once `duotap deny publish` has run.")


@command.command("publish")
@click.pass_obj
def publish(desk: Desk) -> None:
    """Sign today's list and delta; every deposit hands them over from then on."""
    with desk.ledger() as ledger:
        made = ledger.deny_book.publish()
    desk.console.print(
        f"List of epoch {made.epoch}: {made.listed} listed, {len(made.full)} bytes"
        f" with a set of {len(made.set)}, delta {len(made.delta)} bytes."
    )


@command.command("show")
@click.pass_obj
def show(desk: Desk) -> None:
    """Show whom the next list lists."""
    with desk.ledger() as ledger:
        listed = sorted(ledger.deny_book.denied())
    for device in listed:
        desk.console.print(device.hex())
    desk.console.print(f"{len(listed)} listed.")


@command.command("measure")
@click.option("--issued", default=10_000_000, show_default=True)
@click.option("--listed", default=100_000, show_default=True)
@click.pass_obj
def measure(desk: Desk, issued: int, listed: int) -> None:
    """Build a set of numbered ids and print its size; needs 16 bytes of memory for each."""
    ids = Numbered(issued)
    step = max(1, issued // max(listed, 1))
    began = time.monotonic()
    found = builder.build_set([ids[n * step] for n in range(listed)], ids)
    desk.console.print(
        f"{listed} listed of {issued} issued: {len(found)} bytes,"
        f" {len(found) * 8 / max(listed, 1):.2f} bits each, {found[1]} + 1 columns,"
        f" built in {time.monotonic() - began:.0f} s."
    )


class Numbered(Sequence[bytes]):
    """So many ids, hashes of their numbers, in one piece of memory."""

    def __init__(self, count: int) -> None:
        self._count = count
        pairs = range((count + 1) // 2)
        self._ids = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in pairs)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        ids = self._ids
        for at in range(0, self._count * ID_BYTES, ID_BYTES):
            yield ids[at : at + ID_BYTES]

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(self._count))]
        return self._ids[at * ID_BYTES : (at + 1) * ID_BYTES]
