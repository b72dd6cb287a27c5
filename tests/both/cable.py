# SPDX-License-Identifier: Apache-2.0
"""A certified device and whoever holds its cable, APDU by APDU."""

from board_flash import Flash
from duotap import apdu, cbor, certificate, commands, slip
from duotap.applet import Applet
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.rights import Rights
from duotap.statements import Statements
from duotap.sync import SyncApplet
from issuing import Bench, Issuer, Stream

ISSUER = Issuer()
FRAME_MAX = 120
PIN = b"4711"


class Shelf:
    """What the applet hands on to: tells what it was asked."""

    def __init__(self, payer, payee):
        self.applet = Applet(payer)
        self.payer, self.taker = payer, payee
        self.taken = Statements(payer.device)
        self.begun = False

    def radio(self):
        if not self.begun:
            self.applet.begin()
            self.begun = True
        return self.applet

    def deposit(self):
        return self

    def statements(self):
        return self.taken

    def payee(self):
        return self.taker

    def factory(self):
        return self

    def generate(self, asked):
        return b"generated " + asked

    def install(self, asked):
        self.installed = asked

    def begin(self):
        """A new session."""
        self.begun = False
        self.taken.parts = []

    def open(self):
        return b"ephemeral"

    def work(self):
        """Nothing to agree on."""

    def piece(self, command, sequence):
        return b"piece %d" % sequence * 40

    def head(self, command, challenge, reader):
        return b"head" + challenge + reader


class Cable:
    """A certified device and whoever holds its cable."""

    def __init__(self, role=certificate.ROLE_PERSON):
        self.bench = Bench(Flash(20), ISSUER, role=role)
        self.device = self.bench.device
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        self.shelf = Shelf(self.payer, self.payee)
        rights = Rights(self.device, Stream(), PIN)
        self.applet = SyncApplet(self.device, self.shelf, rights, FRAME_MAX)
        self.applet.begin()

    def ask(self, ins, data=b"", p1=0, p2=0, cla=commands.CLA):
        """One command with its chaining; Refusal with the status word of the answer."""
        steps = apdu.exchange(cla, ins, p1, p2, data, slip.command_part(FRAME_MAX))
        answer = None
        try:
            while True:
                command = steps.send(answer)
                assert len(command) + slip.OVERHEAD_BYTES <= FRAME_MAX
                answer = self.applet.answer(command)
                assert len(answer) + slip.OVERHEAD_BYTES <= FRAME_MAX
                self.applet.work()
        except StopIteration as stop:
            return stop.value

    def iso(self, ins, data=b"", p1=0, p2=0):
        return self.ask(ins, data, p1, p2, commands.CLA_ISO)

    def permit(self):
        nonce = self.iso(commands.GET_CHALLENGE)
        answer = ISSUER.authentication(self.device.id, nonce)
        self.iso(commands.EXTERNAL_AUTHENTICATE, answer)

    def hello(self):
        return cbor.decode(self.ask(commands.HELLO))
