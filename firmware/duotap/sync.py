# SPDX-License-Identifier: Apache-2.0
"""The serial applet: what a cable may ask of a device (PROTOCOL.md §5, column S; §6).

Every port is hostile: what is read is read by right and sealed, what is taken is taken because it
is signed, whoever brings it. Commands that the radio has too are answered by the radio's applet.
All flash is programmed before the answer, while the other side waits. It knows APDUs, not frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import (
    apdu,
    cbor,
    certificate,
    commands,
    fields,
    messages,
    records,
    slip,
    status,
    uint,
)
from duotap.errors import Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any

    from duotap.apdu import Command
    from duotap.device import Device
    from duotap.rights import Rights

SEQUENCE_BYTES = 4
FRAME_MAX = 120  # of nothing but escaped bytes it still fits the 260 of a USB console
PIN_REFERENCE = 0x80  # P2 of VERIFY: a specific reference (ISO 7816-4 table 92)
EVENTS_MAX = 8  # what the screen has not shown yet; older ones are dropped

NEW, KEY, READY = "new", "key", "ready"


class SyncApplet:
    """The commands of a cable. `events` tells the screen what came: ("statement", its record type,
    amount) or ("forwarded", 0, amount), oldest first. `frame_max` is told in HELLO, and `radio`,
    what the radio chip did when it was last set up (0 it was not, 1 it answered, 2 it did not).

    `roles` has what a session asks for: `radio()` the applet that answers what the radio is asked
    too, `payee()`, `deposit()`, `statements()` and `factory()` (duotap.factory.Factory, or of its
    shape). `roles.begin()` forgets what any of them was told, `roles.work()` is `work` here.
    """

    def __init__(
        self,
        device: Device,
        roles: Any,
        rights: Rights,
        frame_max: int = FRAME_MAX,
        radio: int = 0,
    ) -> None:
        self.device = device
        self.roles = roles
        self.rights = rights
        self.events: list[tuple[Any, ...]] = []
        self.chaining = apdu.Chaining()
        self.answers = apdu.Answers(slip.answer_part(frame_max))
        self.frame_max = frame_max
        self.radio = radio

    def begin(self) -> None:
        """A new session: what the last one showed and left unfinished is gone."""
        self.rights.begin()
        self.roles.begin()
        self.device.coming = None
        self.chaining.reset()
        self.answers.reset()

    def pressed_sync(self) -> None:
        """The holder agrees to be read; the app says when that is over."""
        self.rights.standing.pressed = True

    def sync_over(self) -> None:
        """The time of the press is up."""
        self.rights.standing.pressed = False

    def answer(self, raw: bytes) -> bytes:
        """The R-APDU to a C-APDU. Never raises for what comes from outside."""
        try:
            command = apdu.parse(raw)
            if (command.cla, command.ins) == (commands.CLA_ISO, commands.GET_RESPONSE):
                return self.answers.next(command.le)
            whole = self.chaining.add(command)
            if whole is None:
                return apdu.response(b"", status.OK)
            return self.answers.start(self._serve(whole), whole.le)
        except Refusal as refusal:
            return apdu.response(b"", refusal.sw)

    def work(self) -> None:
        """What is better done while nobody waits; programs no flash."""
        self.roles.work()

    def _serve(self, command: Command) -> bytes:
        row = TABLE.get((command.cla, command.ins))
        if row is None:
            if command.cla in (commands.CLA, commands.CLA_ISO):
                raise Refusal(status.UNKNOWN_INS, "unknown instruction")
            raise Refusal(status.UNKNOWN_CLA, "unknown class")
        parameters, right, serve = row
        if parameters is not None and parameters != (command.p1, command.p2):
            raise Refusal(status.WRONG_P1P2, "wrong P1 P2")
        right(self)
        return serve(self, command)

    def _anyone(self) -> None:
        """Whoever holds the cable."""

    def _permitted(self) -> None:
        self.rights.check()

    # Commands that the radio has too

    def _select(self, command: Command) -> bytes:
        return bytes(self.roles.radio().select(command))

    def _certificate(self, command: Command) -> bytes:
        return bytes(self.roles.radio().get_certificate(command.data))

    # Who is there, and who asks

    def _hello(self, command: Command) -> bytes:
        device = self.device
        return cbor.encode(
            [
                fields.VERSION,
                self.frame_max,
                0 if device.certificate is None else device.certificate.role,
                device.id,
                device.firmware,
                self._state(),
                device.purse.full_percent(),
                self.radio,
            ]
        )

    def _state(self) -> str:
        device = self.device
        stopped: str = device.purse.stopped()
        if stopped:
            return stopped
        if device.certificate is not None:
            return READY
        return KEY if device.signer.public_key() else NEW

    def _challenge(self, command: Command) -> bytes:
        return self.rights.challenge()

    def _authenticate(self, command: Command) -> bytes:
        self.rights.authenticate(command.data)
        return b""

    def _verify(self, command: Command) -> bytes:
        self.rights.verify(command.data)
        return b""

    # Read, sealed to the ledger

    def _open(self, command: Command) -> bytes:
        return bytes(self.roles.deposit().open())

    def _journal(self, command: Command) -> bytes:
        sequence = uint.decode(command.data, SEQUENCE_BYTES)
        return bytes(self.roles.deposit().piece(command.data, sequence))

    def _head(self, command: Command) -> bytes:
        challenge, reader = fields.byte_strings(command.data, 2)
        if reader != (self.rights.reader or reader):
            raise Malformed("another reader than the permitted one")
        return bytes(self.roles.deposit().head(command.data, challenge, reader))

    def _unload(self, command: Command) -> bytes:
        from duotap.unload import answer

        self.roles.begin()
        before = self.device.purse.state.balance()
        raw: bytes = answer(self.device, command.data)
        self._tell("statement", records.UNLOAD, self.device.purse.state.balance() - before)
        return raw

    # Handed over by the ledger, brought by anybody

    def _put_statement(self, command: Command) -> bytes:
        before = self.device.purse.state.balance()
        kind = self.roles.statements().take(command.data)
        if kind:
            self._tell("statement", kind, self.device.purse.state.balance() - before)
        return b""

    def _put_list(self, command: Command) -> bytes:
        """A part of the set that the last list waits for."""
        if self.device.coming is None:
            raise Refusal(status.WRONG_STATE, "no list waits for a set")
        self.device.coming.take(command.p1 << 8 | command.p2, command.data)
        return b""

    def _put_base(self, command: Command) -> bytes:
        self.roles.statements().take_part(command.p1, command.p2, command.data)
        return b""

    def _forward(self, command: Command) -> bytes:
        """CBOR [message of a tap; certificate of its signer]: decided as in a tap."""
        raw, certificate_raw = fields.byte_strings(command.data, 2)
        signed = messages.decode(raw, *FORWARDED)
        self.device.own()
        peer = self.device.peers.learn(certificate_raw)
        if certificate.key_id(peer.public) != signed.kid:
            raise Refusal(status.SIGNATURE, "certificate of another signer")
        before = self.device.purse.state.balance()
        answer = FORWARDED[type(signed.message)](self, raw)
        self._tell("forwarded", 0, self.device.purse.state.balance() - before)
        return answer

    def _forward_payment(self, raw: bytes) -> bytes:
        return bytes(self.roles.payee().take(raw))

    def _forward_closing(self, raw: bytes) -> bytes:
        payer = self.roles.radio().payer
        if payer.closing is not None:
            raise Refusal(status.WRONG_STATE, "a tap is under way")
        # Only whom the issuer lets read brings what the ledger found after the payee's deposit.
        payer.close(raw, by_tap=not self.rights.reader)
        payer.settle()
        return b""

    def _forward_refund(self, raw: bytes) -> bytes:
        from duotap.refunds import Refunds

        Refunds(self.device).take(messages.decode(raw, messages.Refund))
        return b""

    # Factory: the right F is the state of the device

    def _generate(self, command: Command) -> bytes:
        return bytes(self.roles.factory().generate(command.data))

    def _install(self, command: Command) -> bytes:
        self.roles.factory().install(command.data)
        return b""

    def _tell(self, kind: str, record_type: int, amount: int) -> None:
        if len(self.events) >= EVENTS_MAX:
            self.events.pop(0)
        self.events.append((kind, record_type, amount))


FORWARDED = {
    messages.Refund: SyncApplet._forward_refund,
    messages.Payment: SyncApplet._forward_payment,
    messages.Receipt: SyncApplet._forward_closing,
    messages.Void: SyncApplet._forward_closing,
}

ISO, OWN = commands.CLA_ISO, commands.CLA
ZERO = (0, 0)
ANYONE = SyncApplet._anyone
PERMITTED = SyncApplet._permitted
# (CLA, INS): P1 and P2 (None: the function looks at them), right, function.
TABLE = {
    (ISO, commands.SELECT): (None, ANYONE, SyncApplet._select),
    (ISO, commands.GET_CHALLENGE): (ZERO, ANYONE, SyncApplet._challenge),
    (ISO, commands.EXTERNAL_AUTHENTICATE): (ZERO, ANYONE, SyncApplet._authenticate),
    (ISO, commands.VERIFY): ((0, PIN_REFERENCE), ANYONE, SyncApplet._verify),
    (OWN, commands.GET_CERTIFICATE): (ZERO, ANYONE, SyncApplet._certificate),
    (OWN, commands.PUT_STATEMENT): (ZERO, ANYONE, SyncApplet._put_statement),
    (OWN, commands.PUT_BASE): (None, PERMITTED, SyncApplet._put_base),
    (OWN, commands.PUT_LIST): (None, ANYONE, SyncApplet._put_list),
    (OWN, commands.FORWARD): (ZERO, ANYONE, SyncApplet._forward),
    (OWN, commands.HELLO): (ZERO, ANYONE, SyncApplet._hello),
    (OWN, commands.OPEN_SYNC): (ZERO, PERMITTED, SyncApplet._open),
    (OWN, commands.READ_JOURNAL): (ZERO, PERMITTED, SyncApplet._journal),
    (OWN, commands.GET_HEAD): (ZERO, PERMITTED, SyncApplet._head),
    (OWN, commands.UNLOAD): (ZERO, PERMITTED, SyncApplet._unload),
    (OWN, commands.GENERATE_KEY): (ZERO, ANYONE, SyncApplet._generate),
    (OWN, commands.INSTALL): (ZERO, ANYONE, SyncApplet._install),
}
