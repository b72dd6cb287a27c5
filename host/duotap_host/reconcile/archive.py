# SPDX-License-Identifier: Apache-2.0
"""What reconciling is given: the shapes of the archive and of the ledger's own book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from duotap.certificate import Certificate

from duotap_host.ledger.codes import TransferCode


class Archived(NamedTuple):
    """A record that was deposited, by whomever; true only where a head covers it."""

    device: bytes
    sequence: int
    hash: bytes
    previous: bytes
    kind: int
    body: bytes
    checked: bool  # all its signatures were verified before


class HeadSeen(NamedTuple):
    """A head whose signature and challenge are verified."""

    hash: bytes  # of the message
    device: bytes
    sequence: int
    chain_hash: bytes
    raw: bytes


class KnownDevice(NamedTuple):
    """A device in the ledger's own book."""

    id: bytes
    public_key: bytes
    certificate: Certificate
    raw: bytes  # of the certificate


class Issued(NamedTuple):
    """What a money key of this issuer signed."""

    device: bytes
    number: int
    kind: str  # LOAD, CANCEL, CHECKPOINT
    hash: bytes
    raw: bytes
    base: tuple[bytes, ...]
    account: str  # name of the account that a load was taken from


LOAD, CANCEL, CHECKPOINT = "load", "cancel", "checkpoint"


class Line(NamedTuple):
    """One transfer by the names of its accounts."""

    debit: str
    credit: str
    amount: int
    code: TransferCode


class Award(NamedTuple):
    """What the operator paid for a lost device (`losses`). `about`: the position that somebody
    waited for, zeros where it is the device's own value; `home`: account of who was to get it."""

    subject: bytes
    kind: str  # RETURNED_VALUE, GUARANTEED
    device: bytes  # the one that is lost
    about: bytes
    home: str
    lines: tuple[Line, ...]


RETURNED_VALUE, GUARANTEED = "returned value", "guaranteed"


@dataclass(frozen=True, slots=True)
class Archive:
    """All that is known, by device where it is a device's."""

    devices: Mapping[bytes, KnownDevice]
    records: Mapping[bytes, Sequence[Archived]]
    heads: Mapping[bytes, Sequence[HeadSeen]]
    issued: Sequence[Issued]
    awards: Sequence[Award] = ()
