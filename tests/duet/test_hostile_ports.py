# SPDX-License-Identifier: Apache-2.0
"""Random and mutated APDUs at both applets: no exception, well-formed answers, value conserved.

Keys are of paper, so that thousands of sequences cost seconds; the seed of each run is printed.
"""

from __future__ import annotations

import random
from typing import Any, Callable

import pytest
from board_flash import Flash
from cable import PIN
from duotap import apdu, cbor, certificate, commands, messages, records, slip
from duotap.applet import SERVE, Applet
from duotap.deposit import Deposit, Gauges
from duotap.errors import Refusal
from duotap.factory import Factory
from duotap.fields import NoButton
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.rights import Rights
from duotap.statements import Statements
from duotap.sync import TABLE, SyncApplet
from issuing import Bench, Issuer, PaperSigner, Stream
from paper_key import PaperKey

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND
ISSUER, STRANGER = Issuer(), Issuer(name=b"stranger")
SEQUENCES = 10_000  # of both applets together
RUNS = 10
LOADED = 20_000
BLOCKS = 64
ANSWER_BYTES_MAX = 256 + 2


class Paper:
    """A cipher that hides nothing: sealing is tested elsewhere."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def ecb(self, blocks: bytes) -> bytes:
        return bytes(blocks)

    def cbc(self, iv: bytes, blocks: bytes) -> bytes:
        return bytes(blocks)


class Shelf:
    """A key file that has its key."""

    def read(self) -> bytes:
        return bytes(31) + b"\1"

    def write(self, secret: bytes) -> None:
        raise AssertionError("a second key")


class Roles:
    """What a session asks for, made already."""

    def __init__(self, radio: Applet, payee: Payee, factory: Factory, deposit: Deposit) -> None:
        self._radio, self._deposit = radio, deposit
        self._statements = Statements(radio.device)
        self._begun = False
        self.payee, self.factory = lambda: payee, lambda: factory
        self.deposit, self.statements = lambda: deposit, lambda: self._statements
        self.work = deposit.work

    def begin(self) -> None:
        self._begun = False
        self._deposit.begin()
        self._statements.parts = []

    def radio(self) -> Applet:
        if not self._begun:
            self._radio.begin()
            self._begun = True
        return self._radio


class Target:
    """A device with something open in each role, its two applets, and messages that fit it."""

    def __init__(self, rng: random.Random, role: int) -> None:
        self.rng = rng
        self.shop, self.payer_key = PaperKey(b"shop"), PaperKey(b"payer")
        self.bench = Bench(Flash(BLOCKS), ISSUER, role=role)
        self.device = self.bench.device
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        self.device.purse.commit(records.LOAD, ISSUER.load(self.device.id, 1, LOADED))
        self.device.effective.nobutton = NoButton(50, 100, 3)
        self.radio = Applet(self.payer)
        stream = Stream()
        self.cable = SyncApplet(
            self.device,
            Roles(
                Applet(self.payer),
                self.payee,
                Factory(self.device, stream, Shelf(), lambda secret: PaperSigner(PaperKey(b"x"))),
                Deposit(self.device, stream, Paper, Gauges(lambda: 80, lambda: 0)),
            ),
            Rights(self.device, stream, PIN),
        )
        self.certificates = {
            self.shop.kid: ISSUER.certify(self.shop.public, STAND),
            self.payer_key.kid: ISSUER.certify(self.payer_key.public, PERSON),
        }
        self.nonce = bytes(16)

    # Messages that are right, or nearly

    def offer(self) -> bytes:
        counter = self.device.purse.state.next_payment + self.rng.choice((0, 0, 0, -1, 1))
        amount = self.rng.choice((1, 40, 500, 10_001, LOADED + 1))
        values = messages.Offer(self.device.id, max(1, counter), 7, amount, (), 0)
        return messages.encode(values, self.shop.kid, self.shop.sign)

    def hash_of_open(self) -> bytes:
        opened = self.device.purse.state.open_payments
        return opened[-1].offer_hash if opened else bytes(32)

    def hash_of_offer(self) -> bytes:
        pending = self.payer.pending
        return bytes(pending.hash) if pending is not None else self.hash_of_open()

    def closing(self) -> bytes:
        opened = self.device.purse.state.open_payments
        of = opened[0].payment_hash if opened else bytes(32)
        kinds = (messages.Receipt(of, 2), messages.Void(of), messages.Receipt(bytes(32), 1))
        key = self.rng.choice((self.shop, self.shop, self.payer_key))
        return messages.encode(self.rng.choice(kinds), key.kid, key.sign)

    def payment(self) -> bytes:
        key = self.payer_key
        opened = self.device.purse.state.open_offer
        if opened is None or self.rng.random() < 0.1:
            of, counter, amount = bytes(32), 1, 5
        else:
            of, counter, amount = opened.hash, opened.counter, opened.amount
        values = messages.Payment(1, self.device.id, counter, ((0, amount),), of, bytes(32))
        return messages.encode(values, key.kid, key.sign)

    def ask_somebody(self) -> None:
        """The holder receives, too: an offer is open or is closed unpaid."""
        peer = self.device.peers.learn(self.certificates[self.payer_key.kid])
        try:
            self.payee.ask(peer, self.payer_key.kid, 1, self.rng.choice((5, 6)))
        except Refusal as refusal:
            print("ask:", refusal)
        if self.rng.random() < 0.3:
            self.payee.cancel()

    def forwarded(self) -> bytes:
        raw, key = self.rng.choice(((self.closing(), self.shop), (self.payment(), self.payer_key)))
        return cbor.encode([raw, self.certificates[key.kid]])

    def statement(self) -> bytes:
        state = self.device.purse.state
        issuer = self.rng.choice((ISSUER, ISSUER, ISSUER, STRANGER))
        number = state.next_issue + self.rng.choice((0, 0, 0, -1, 1))
        me, epoch = self.device.id, state.epoch + self.rng.choice((0, 1, 31))
        made: Callable[[], bytes] = self.rng.choice(
            (
                lambda: issuer.load(me, number, self.rng.choice((1, 90_000))),
                lambda: issuer.money(messages.Cancel(me, number)),
                lambda: issuer.money(messages.Checkpoint(me, number, 2, bytes(32), bytes(32))),
                lambda: issuer.lists(messages.Epoch(min(epoch, 900), None)),
                lambda: issuer.lists(messages.DenyList(min(epoch, 900), 0, 0, b"\0")),
                lambda: issuer.by_root(messages.Reset(me, number, 5)),
            )
        )
        return made()

    def authentication(self) -> bytes:
        return ISSUER.authentication(self.device.id, self.nonce)

    def conserved(self) -> bool:
        """All that came in is in the purse, under way, or closed by a receipt."""
        loaded = credited = spent = 0
        returned = set()
        paid: dict[bytes, int] = {}
        for _, kind, body in self.device.purse.journal.walk(1):
            raw = records.unpack(kind, body)[0]
            if kind == records.LOAD:
                loaded += messages.total(messages.decode(raw).message.amounts)
            elif kind == records.CREDIT:
                credited += messages.total(messages.decode(raw).message.amounts)
            elif kind == records.PAYMENT:
                signed = messages.decode(raw)
                paid[signed.hash] = messages.total(signed.message.amounts)
            elif kind == records.CLOSING:
                message = messages.decode(raw).message
                if isinstance(message, messages.Void):
                    returned.add(message.payment_hash)
        spent = sum(amount for of, amount in paid.items() if of not in returned)
        return bool(self.device.purse.state.balance() == loaded + credited - spent)


def data_for(target: Target, cla: int, ins: int) -> bytes:
    """Data that this command may expect."""
    rng = target.rng
    makers: dict[int, Callable[[], bytes]] = {
        commands.SELECT: lambda: commands.AID,
        commands.GET_CERTIFICATE: lambda: rng.choice((b"", bytes(16))),
        commands.PUT_CERTIFICATE: lambda: rng.choice(list(target.certificates.values())),
        commands.OFFER: target.offer,
        commands.GET_RESULT: target.hash_of_offer,
        commands.GET_OPEN: target.hash_of_open,
        commands.PUT_CLOSING: target.closing,
        commands.PUT_STATEMENT: target.statement,
        commands.PUT_BASE: lambda: rng.choice((b"\x80", bytes(40))),
        commands.FORWARD: target.forwarded,
        commands.EXTERNAL_AUTHENTICATE: target.authentication,
        commands.VERIFY: lambda: rng.choice((PIN, b"0000")),
        commands.READ_JOURNAL: lambda: rng.randrange(1, 40).to_bytes(4, "big"),
        commands.GET_HEAD: lambda: cbor.encode([bytes(16), ISSUER.reader.kid]),
        commands.GENERATE_KEY: lambda: cbor.encode([bytes(32), bytes(32)]),
        commands.INSTALL: lambda: ISSUER.identity(target.bench.certified),
    }
    return makers.get(ins, lambda: b"")()


def mutated(rng: random.Random, raw: bytes) -> bytes:
    """A little wrong: bits, length, place."""
    changed = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 5))):
        what = rng.randrange(5)
        at = rng.randrange(len(changed)) if changed else 0
        if what == 0 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            del changed[at : at + rng.randrange(1, 5)]
        elif what == 2:
            changed[at:at] = rng.randbytes(rng.randrange(1, 5))
        elif what == 3 and changed:
            changed[at] = rng.choice((0, 0x18, 0x1B, 0x40, 0x5F, 0x80, 0xA0, 0xBF, 0xFB, 0xFF))
        else:
            changed[at:] = changed[at : rng.randrange(at, len(changed) + 1)]
    return bytes(changed)


def sequence(target: Target, table: list[tuple[int, int]]) -> list[bytes]:
    """One to three commands as C-APDUs: right, mutated, cut off, or noise."""
    rng = target.rng
    out: list[bytes] = []
    for _ in range(rng.randrange(1, 4)):
        cla, ins = rng.choice(table)
        data = data_for(target, cla, ins)
        if rng.random() < 0.3:
            data = mutated(rng, data)
        p1, p2 = (4, 0) if ins == commands.SELECT else (0, 0)
        if ins == commands.VERIFY:
            p2 = 0x80
        elif ins == commands.PUT_BASE:
            p1, p2 = rng.randrange(3), rng.randrange(4)
        parts = list(apdu.segments(cla, ins, p1, p2, data[:4200]))
        if rng.random() < 0.1:
            parts = parts[: rng.randrange(len(parts) + 1)]
        if rng.random() < 0.1:
            parts = [mutated(rng, part) for part in parts]
        if rng.random() < 0.05:
            parts.append(rng.randbytes(rng.randrange(0, 262)))
        if rng.random() < 0.6:
            parts += [bytes((0, 0xC0, 0, 0, rng.choice((0, 0, 5))))] * rng.randrange(1, 6)
        out += parts
    return out


RADIO = [(commands.CLA, ins) for ins in SERVE] + [(commands.CLA_ISO, commands.SELECT)]
CABLE = [*TABLE, (0x40, 0x10), (commands.CLA, 0x70)]


def check(applet: Any, raw: bytes) -> bytes:
    answer: bytes = applet.answer(raw)
    assert 2 <= len(answer) <= ANSWER_BYTES_MAX, raw.hex()
    assert answer[-2] in (0x90, 0x61, 0x67, 0x69, 0x6A, 0x6D, 0x6E, 0x9A), answer.hex()
    assert len(answer) == 2 or answer[-2] in (0x90, 0x61), answer.hex()
    return answer


def opened(target: Target) -> None:
    """The right APDUs first, so that noise meets a device in the middle of something."""
    rng = target.rng
    if rng.random() < 0.5:
        target.device.consent.arm(10_000, 1_000)
    if rng.random() < 0.2:
        target.ask_somebody()
    target.radio.begin()
    check(target.radio, bytes((0, 0xA4, 4, 0, 7)) + commands.AID + b"\0")
    if rng.random() < 0.8:
        target.device.peers.learn(target.certificates[target.shop.kid])


def at_the_radio(target: Target) -> None:
    opened(target)
    for raw in sequence(target, RADIO):
        check(target.radio, raw)
        if target.rng.random() < 0.9:
            target.radio.work()
    target.radio.leave()


def at_the_cable(target: Target) -> None:
    if target.rng.random() < 0.3:
        target.cable.begin()
    if target.rng.random() < 0.3:
        target.cable.pressed_sync()
    target.nonce = check(target.cable, bytes((0, 0x84, 0, 0, 0)))[:16]
    for raw in sequence(target, CABLE):
        answer = check(target.cable, raw)
        assert len(answer) + slip.OVERHEAD_BYTES <= target.cable.frame_max
    target.cable.sync_over()


@pytest.mark.parametrize("seed", range(RUNS))
def test_noise_at_both_ports(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    target = Target(rng, PERSON if seed % 2 else STAND)
    for turn in range(SEQUENCES // RUNS):
        if rng.random() < 0.5:
            at_the_radio(target)
        else:
            at_the_cable(target)
        if turn % 50 == 49:
            assert target.conserved()
            before = (target.device.purse.state.balance(), target.device.purse.state.numbers())
            target.device.purse.boot()
            after = (target.device.purse.state.balance(), target.device.purse.state.numbers())
            assert before == after
    kinds = set(target.bench.kinds())
    print("records", sorted(kinds))
    assert {records.PAYMENT, records.CLOSING, records.OFFER, records.LOAD} <= kinds
    assert not target.device.purse.journal.damaged


def test_a_device_of_the_factory_meets_noise() -> None:
    rng = random.Random(99)
    target = Target(rng, PERSON)
    target.device.certificate = None
    for _ in range(150):
        for raw in sequence(target, [pair for pair in CABLE if pair[1] != commands.INSTALL]):
            check(target.cable, raw)
        target.radio.begin()
        for raw in sequence(target, RADIO):
            check(target.radio, raw)
            target.radio.work()
    assert target.bench.kinds() == [records.IDENTITY, records.LOAD]


def on_the_line(rng: random.Random, sequence_: int, request: bytes) -> bytes:
    """A frame as it may arrive: whole, twice, cut, flipped, among boot text."""
    frame = slip.encode(sequence_ % 256, request)
    what = rng.randrange(6)
    if what == 0:
        frame = mutated(rng, frame)
    elif what == 1:
        frame = frame + frame
    elif what == 2:
        frame = frame[: rng.randrange(len(frame))]
    elif what == 3:
        frame = b"boot: 1.29 \xc0\xdb" + rng.randbytes(40) + frame
    return frame


def test_noise_on_the_serial_line() -> None:
    """What is executed has a right CRC and comes in order, each once; loads are taken once."""
    rng = random.Random(7)
    target = Target(rng, PERSON)
    executed: list[bytes] = []

    def serve(request: bytes) -> bytes:
        executed.append(request)
        return check(target.cable, request)

    decoder = slip.Decoder(target.cable.frame_max)
    server = slip.LinkServer(serve, target.cable.begin)
    sent = 0
    at = 0
    for _ in range(1_000):
        requests = sequence(target, CABLE)
        if rng.random() < 0.2:
            at, requests = 0, [bytes((commands.CLA, commands.HELLO, 0, 0, 0)), *requests]
        for request in requests:
            sent += 1
            noise = on_the_line(rng, at, request)
            answered = [server.answer(*frame) for frame in decoder.feed(noise)]
            at += 1 if any(answered) else 0
            for answer in answered:
                assert not answer or (answer[0], answer[-1]) == (slip.END, slip.END)
    assert 100 < len(executed) <= sent
    assert target.conserved()
