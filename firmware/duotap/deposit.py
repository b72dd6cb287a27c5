# SPDX-License-Identifier: Apache-2.0
"""What a device gives to the ledger: its journal in pieces, and a signed head, all sealed
(PROTOCOL.md §6).

A piece is whole records' statements, so a pull that broke off goes on anywhere. A head says what
the whole journal adds up to; without one a piece settles nothing. Who may ask is not decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import certificate, fields, fold, messages, seal, status
from duotap.errors import Refusal
from duotap.seal import Seal

if TYPE_CHECKING:
    from typing import Any, Callable

    from duotap.ccm import BlockCipher
    from duotap.device import Device
    from duotap.journal import Journal

CHUNK_MAX = 1024  # of plaintext, unless one record is longer; a small heap is soon in pieces


class Gauges:
    """What a board measures: `battery()` in percent, `seconds()` since 1970, 0 if not known."""

    def __init__(self, battery: Callable[[], int], seconds: Callable[[], int]) -> None:
        self.battery = battery
        self.seconds = seconds


class Deposit:
    """One session's deposit; `cipher(key)` makes the board's AES."""

    def __init__(
        self,
        device: Device,
        entropy: Any,
        cipher: Callable[[bytes], BlockCipher],
        gauges: Gauges,
    ) -> None:
        self.device = device
        self._entropy = entropy
        self._cipher = cipher
        self._gauges = gauges
        self.begin()

    def begin(self) -> None:
        """A new session: nothing is open."""
        self._seal: Seal | None = None

    def open(self) -> bytes:
        """The ephemeral public key of a new seal to the newest encryption key of the ledger."""
        keys = self.device.trust.publics(certificate.USAGE_ENCRYPTION)
        if not keys:
            raise Refusal(status.WRONG_STATE, "no key of the ledger")
        seed = self._entropy.read("seal", seal.SEED_BYTES)
        self._seal = Seal(self.device.id, keys[-1], seed, self._cipher)
        return self._seal.ephemeral

    def work(self) -> None:
        """Agree on the key of the seal, which takes a while, when nobody waits."""
        if self._seal is not None:
            self._seal.agree()

    def piece(self, command: bytes, sequence: int) -> bytearray:
        """Records from `sequence` on, or from the oldest that is kept; sealed."""
        return self._opened().seal(seal.CHUNK, command, self._statements(sequence))

    def head(self, command: bytes, challenge: bytes, reader: bytes) -> bytearray:
        """The state of the purse and its chain, signed over a challenge of the ledger; sealed."""
        device = self.device
        state, journal = device.purse.state, device.purse.journal
        opened = self._opened()
        head = messages.Head(
            tuple(sorted(state.balances.items())),
            journal.head_hash,
            journal.next_sequence - 1,
            state.epoch,
            tuple(state.numbers()),
            fields.from_wire("nonce", challenge),
            fields.from_wire("id", reader),
            self._gauges.battery(),
            max(self._gauges.seconds(), self._seconds_told()),
            device.firmware,
        )
        return opened.seal(seal.HEAD, command, device.sign(head))

    def _opened(self) -> Seal:
        if self._seal is None:
            raise Refusal(status.WRONG_STATE, "open sync first")
        return self._seal

    def _statements(self, sequence: int) -> bytearray | memoryview:
        """As many whole statements as fit; what a damaged journal lacks is left out."""
        journal = self.device.purse.journal
        statements: list[memoryview] = []
        size = 0
        sequence = max(sequence, journal.first_sequence)
        while sequence < journal.next_sequence:
            statement = _statement(journal, sequence)
            if statements and size + len(statement) > CHUNK_MAX:
                break
            statements.append(statement)
            size += len(statement)
            sequence += 1
        if len(statements) == 1:
            return statements[0]  # a long one is not copied
        chunk = bytearray()
        for statement in statements:
            chunk.extend(statement)
        return chunk

    def _seconds_told(self) -> int:
        """The signed time that this device knows, a lower bound."""
        subject = (fold.STATEMENTS.index(messages.Time), b"")
        _, raw = self.device.purse.state.statements.get(subject, (0, b""))
        return int(messages.decode(raw, messages.Time).message.seconds) if raw else 0


def _statement(journal: Journal, sequence: int) -> memoryview:
    try:
        return journal.view(sequence)
    except Refusal:
        return memoryview(b"")
