# SPDX-License-Identifier: Apache-2.0
"""`make rollback`: what restoring older images of the flash gains, class by class, measured.

Two runs a class. *Images*: a device lives (it is loaded, pays, is paid, pays again) and its flash
is photographed after each operation; then each photograph is restored, after the life and after a
power cut at each operation of flash and guard. *Spree*: a thief loads a card, restores the image
of that moment before each visit to a stand, and leaves before its receipt, until no stand takes
any more; the stands' records are then searched for proofs. Real signatures, purses, taps and
guards (virtual ATECC608, virtual fuses); no radio.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from duet.makers import LIMITS, Maker, Mint, Torn, touch
from duotap import certificate, commands, cose, messages, notices, proof, records
from duotap.errors import Refusal
from duotap.guard import TICKING
from duotap_host.issuer import es256
from duotap_host.virtual.nor import PowerCut
from host.mark_paths import run as run_marks

from sim.rollback_device import BOUND, CLASSES, COUNT, NONE, Watched

HERE = Path(__file__)
README = HERE.parents[2] / "firmware" / "README.md"
BEGIN, END = "<!-- rollback: make rollback -->\n", "<!-- end of rollback -->"

LOADED = 10_000
STANDS = 6
WARNED = 2  # of them have the list that denies the card before it comes
PER_PAYMENT, PER_STAND = 5_000, 10_000  # what a stand takes from classes none and count
Step = Callable[[Watched, Maker, Maker], Any]

LIFE: tuple[Step, ...] = (
    lambda card, stand, other: card.load(LOADED),
    lambda card, stand, other: (card.arm(), touch(stand, card, 1_500)),
    lambda card, stand, other: (other.arm(), touch(card, other, 700)),
    lambda card, stand, other: (card.arm(), touch(stand, card, 900)),
)


class Images(NamedTuple):
    """Boots of restored images."""

    cuts: int  # points of the life at which the power went
    lost: int  # of them after which the device itself was quarantined
    older: int  # restored images that lack a ticking record of the newest
    accepted: int  # of them


class Spree(NamedTuple):
    """Amounts in minor units."""

    visits: int
    paid: int
    proofs: int
    caught: bool  # whether a proof names the card, and none anybody else


class Town:
    """One card of a class, a stand, and another card with money."""

    def __init__(self, mint: Mint, kind: str) -> None:
        self.card = Watched(mint, f"card {kind}", kind)
        self.stand = Maker(mint, "stand", certificate.ROLE_STAND)
        self.other = Maker(mint, "other", certificate.ROLE_PERSON)
        self.other.load(5_000)
        self.born = bytes(self.card.flash.cells)

    def live(self) -> Iterator[int]:
        for number, step in enumerate(LIFE):
            step(self.card, self.stand, self.other)
            yield number


def _ticks(card: Watched) -> int:
    """Ticking records in the flash as it is: what an older image lacks."""
    return sum(kind in TICKING for _, kind, _ in card.purse.journal.walk(1))


def images(mint: Mint, kind: str, every: int = 1) -> Images:
    """`every`: of the cuts only each so many."""
    town = Town(mint, kind)
    first_operation, first_move = town.card.flash.operations, town.card.moves
    for _ in town.live():
        pass
    operations = town.card.flash.operations - first_operation
    moves = town.card.moves - first_move
    found = _restore_all(town.card, town.born)
    cuts = [("flash", number, False) for number in range(operations)]
    cuts += [("guard", number, taken) for number in range(moves) for taken in (False, True)]
    lost = 0
    chosen = cuts[::every]
    for where, number, taken in chosen:
        town = Town(mint, kind)
        if where == "flash":
            town.card.flash.cut = number
        else:
            town.card.cut_move = (town.card.moves + number, taken)
        try:
            for _ in town.live():
                pass
        except PowerCut:
            pass
        image = bytes(town.card.flash.cells)
        lost += not town.card.restore(image)
        older, accepted = _restore_all(town.card, image, sampled=True)
        found = found[0] + older, found[1] + accepted
    return Images(len(chosen), lost, *found)


def _restore_all(card: Watched, newest: bytes, sampled: bool = False) -> tuple[int, int]:
    """(older images, accepted ones): each photograph, then the newest again where the class may
    take it back."""
    present = bytes(card.flash.cells)
    newest_ticks = _ticks(card)
    photographs = list(dict.fromkeys(card.flash.images))
    if sampled:
        photographs = photographs[::5]
    older = accepted = 0
    for photograph in photographs:
        taken = card.restore(photograph)
        if _ticks(card) < newest_ticks:
            older += 1
            accepted += taken
    card.restore(present)
    return older, accepted


def spree(mint: Mint, kind: str) -> Spree:
    card = Watched(mint, f"thief {kind}", kind)
    limits = LIMITS._replace(received=PER_PAYMENT, received_total=PER_STAND)
    stands = [
        Maker(mint, f"stand {number}", certificate.ROLE_STAND, limits=limits)
        for number in range(STANDS)
    ]
    card.load(LOADED)
    loaded = bytes(card.flash.cells)
    visits = 0
    for number, stand in enumerate(stands):
        if number >= STANDS - WARNED:
            notices.take(stand.device, _listing(mint, card.device.id))
        while True:
            card.restore(loaded)
            visits += 1
            if not _pays(card, stand):
                break
    payments = list(_payments(stands))
    paid = sum(messages.total(signed.message.amounts) for signed in payments)
    proofs = [_proof(mint, card, one, other) for one, other in combinations(payments, 2)]
    found = [each for each in proofs if each is not None]
    caught = bool(found) and all(each.device == card.device.id for each in found)
    return Spree(visits, paid, len(found), caught)


def _listing(mint: Mint, device: bytes) -> bytes:
    """A full deny list of ids."""
    key = mint.keys[certificate.USAGE_LISTS]
    message = messages.DenyList(5, 0, 0, b"\0" + device)
    return messages.encode(message, key.id, key.sign)


def _pays(card: Watched, stand: Maker) -> bool:
    """The thief takes the card away before the receipt comes: only the payment is journalled."""
    answer = card.applet.answer

    def leaves(raw: bytes) -> bytes:
        if raw[1] == commands.PUT_CLOSING:
            raise Torn
        return answer(raw)

    card.arm()
    card.applet.answer = leaves  # type: ignore[method-assign]  # of this card, for this touch
    try:
        touch(stand, card, PER_PAYMENT)
    except Torn:
        pass
    return stand.tap.paid is not None


def _payments(stands: Iterable[Maker]) -> Iterator[Any]:
    for stand in stands:
        for _, kind, body in stand.purse.journal.walk(1, types=(records.ACCOUNT,)):
            yield messages.decode(records.unpack(kind, body)[0], messages.Payment)


def _proof(mint: Mint, card: Watched, one: Any, other: Any) -> Any:
    """What anyone with the root's public key sees in two payments; None: nothing."""
    raw = card.device.certificate_raw
    kid = cose.decode(raw).kid
    keycert = next(
        each
        for each in mint.keycerts
        if certificate.key_id(certificate.decode_keycert(each).message.public) == kid
    )
    try:
        file = proof.encode(keycert, raw, one.raw, other.raw)
        return proof.verify(file, mint.root.public, es256.verify)
    except Refusal:
        return None


def row(kind: str, seen: Images, spent: Spree) -> str:
    loss = max(0, spent.paid - LOADED)
    bound = 0 if kind in (BOUND, COUNT) else (STANDS - WARNED) * PER_STAND - LOADED
    ends = {NONE: "detected, with proof", COUNT: "prevented", BOUND: "prevented"}[kind]
    cells = (
        kind,
        f"{seen.accepted:,} of {seen.older:,}",
        f"{seen.lost} of {seen.cuts}",
        f"{spent.paid / 100:.2f} of {LOADED / 100:.2f}",
        str(spent.proofs),
        f"{loss / 100:.2f} ≤ {bound / 100:.2f}",
        ends,
    )
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| class | older images accepted | honest cuts that end in quarantine | a thief spends, yuan |"
    " proofs | loss ≤ bound, yuan | so it is |\n|---|---:|---:|---:|---:|---:|---|\n"
)


def table(every: int = 1) -> str:
    mint = Mint()
    lines = [row(kind, images(mint, kind, every), spree(mint, kind)) for kind in CLASSES]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    began = time.process_time()
    made = table()
    print(made)
    print(f"{STANDS} stands, {WARNED} of them warned; each takes {PER_STAND / 100:.0f} yuan;")
    print(f"marks: {run_marks(cuts_max=3)} ways through cuts of the element's writes, none lost")
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    if rest:
        README.write_text(before + BEGIN + made + END + rest.partition(END)[2], "utf-8")
    print(f"{time.process_time() - began:.0f} s of CPU", file=sys.stderr)


if __name__ == "__main__":
    main()
