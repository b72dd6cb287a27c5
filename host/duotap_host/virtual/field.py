# SPDX-License-Identifier: Apache-2.0
"""The radio field at 13.56 MHz: who is in it, whose carrier is on, which blocks cross it.

It carries single frames (ISO/IEC 14443-4 blocks and what precedes them) with their time on the
air, keeps a log of them and lets rules spoil them. It knows no command of a chip and keeps no
block number; of what passes it reads only what the log and the rules want to name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from duotap_host.virtual import isodep
from duotap_host.virtual.mishaps import Corrupt, Lose, Passage, Rule, Tear
from duotap_host.virtual.timeline import Timeline

LOG_MAX = 50_000  # some hundred taps; older passages are forgotten so that long runs fit memory
# REQA and ATQA, two rounds of anticollision and selection with their guard times.
SELECTION_US = 2_200


class Card(NamedTuple):
    """What a type A listener shows during selection; SENS_RES with its first byte first."""

    uid: bytes
    sens_res: bytes
    sel_res: int


class Station(Protocol):
    """An antenna in the field, poller or listener as its chip decides."""

    name: str

    def outside_carrier(self, present: bool) -> None:
        """Another station's carrier has appeared or vanished."""

    def answers(self, wake: bool) -> Card | None:
        """What it shows to REQA (`wake`: to WUPA) now; None when it stays silent."""

    def answers_felica(self) -> bytes | None:
        """NFCID2, PAD and system code when it answers polling at 212 kbit/s."""

    def selected(self) -> None:
        """A poller has selected it."""

    def hear(self, frame: bytes | None) -> None:
        """A frame has arrived; None is one with a wrong CRC."""


@dataclass(slots=True, eq=False)
class _Pair:
    """A poller and the listener it has selected, until one of them ends that."""

    poller: Station
    listener: Station
    session: int
    ins: int | None = None
    chained: bool = False
    asked_ats: bool = False
    alive: bool = True

    def name_of(self, frame: bytes, downlink: bool) -> str:
        """The kind of `frame`; keeps track of the instruction that is under way."""
        if downlink and frame[:1] == bytes([isodep.RATS]):
            self.asked_ats = True
            return "RATS"
        if self.asked_ats and not downlink:
            self.asked_ats = False
            return "ATS"
        block = isodep.parse(frame)
        if block is None:
            return "raw"
        if block.kind == "I" and downlink:
            if not self.chained:
                self.ins = block.inf[1] if len(block.inf) > 1 else None
            self.chained = block.chaining
        return block.kind


class Field:
    """Stations `enter` and `leave`; each change of what could be found tells the watchers."""

    def __init__(self, timeline: Timeline, rules: Sequence[Rule] = ()) -> None:
        self.rules: list[Rule] = list(rules)
        self.log: deque[Passage] = deque(maxlen=LOG_MAX)
        self.air_us = 0
        self.sessions = 0
        self.tears = 0
        self._timeline = timeline
        self._stations: list[Station] = []
        self._carriers: list[Station] = []
        self._powered: list[Station] = []
        self._pairs: list[_Pair] = []
        self._watchers: list[Callable[[], None]] = []
        self._passages = 0

    # Presence

    def enter(self, station: Station) -> None:
        if station not in self._stations:
            self._stations.append(station)
            self._changed()

    def leave(self, station: Station) -> None:
        if station in self._stations:
            self._stations.remove(station)
            self._changed()

    def holds(self, station: Station) -> bool:
        return station in self._stations

    def carrier(self, station: Station, on: bool) -> None:
        """Switch the carrier of `station`; it may do so outside the field too."""
        if on != (station in self._carriers):
            (self._carriers.append if on else self._carriers.remove)(station)
            self._changed()

    def has_carrier(self, station: Station) -> bool:
        return station in self._carriers

    def powers(self, station: Station) -> bool:
        """Whether `station` is in the carrier of another one."""
        return station in self._powered

    def watch(self, changed: Callable[[], None]) -> None:
        self._watchers.append(changed)

    def unwatch(self, changed: Callable[[], None]) -> None:
        self._watchers.remove(changed)

    def touched(self) -> None:
        """A station has become findable."""
        for changed in list(self._watchers):
            changed()

    def _changed(self) -> None:
        present = [station for station in self._carriers if station in self._stations]
        for pair in list(self._pairs):
            if pair.poller not in present or pair.listener not in self._stations:
                self._part(pair)
        for station in list(self._stations):
            self._power(station, any(other is not station for other in present))
        for station in list(self._powered):
            if station not in self._stations:
                self._power(station, False)
        self.touched()

    def _power(self, station: Station, present: bool) -> None:
        if present != (station in self._powered):
            (self._powered.append if present else self._powered.remove)(station)
            station.outside_carrier(present)

    # Selection

    def _reach(self, poller: Station) -> list[Station]:
        """Those that could hear `poller`: two carriers at once drown each other."""
        present = [station for station in self._carriers if station in self._stations]
        if present != [poller]:
            return []
        return [station for station in self._stations if station is not poller]

    def callers(self, poller: Station, wake: bool = False) -> list[tuple[Card, Station]]:
        """Who answers REQA or WUPA, in the order in which anticollision finds them."""
        shown = [(station.answers(wake), station) for station in self._reach(poller)]
        found = [(card, station) for card, station in shown if card is not None]
        return sorted(found, key=lambda entry: entry[0].uid)

    def felica_callers(self, poller: Station) -> list[tuple[bytes, Station]]:
        """Who answers FeliCa polling: NFCID2, PAD and system code, and the station."""
        shown = [(station.answers_felica(), station) for station in self._reach(poller)]
        return [(answer, station) for answer, station in shown if answer is not None]

    def select(self, poller: Station, listener: Station, uid: bytes) -> bool:
        """Select `listener`; false when a rule spoils it. The caller spends SELECTION_US."""
        self.sessions += 1
        pair = _Pair(poller, listener, self.sessions)
        passage = self._note(pair, True, "SELECT", uid)
        self.air_us += SELECTION_US
        fate = self._fate(passage)
        if fate is not None:
            passage.fate = "lost"
            return False
        for old in list(self._pairs):
            if old.poller is poller or old.listener is listener:
                self._part(old)
        self._pairs.append(pair)
        listener.selected()
        return True

    def _part(self, pair: _Pair) -> None:
        pair.alive = False
        self._pairs.remove(pair)

    # Frames

    def send(self, sender: Station, frame: bytes) -> int:
        """Put `frame` on the air towards the selected other side; returns its microseconds."""
        duration_us = isodep.air_us(len(frame))
        self.air_us += duration_us
        for pair in self._pairs:
            if sender is pair.poller or sender is pair.listener:
                self._transmit(pair, sender is pair.poller, frame, duration_us)
                break
        return duration_us

    def _transmit(self, pair: _Pair, downlink: bool, frame: bytes, duration_us: int) -> None:
        passage = self._note(pair, downlink, pair.name_of(frame, downlink), frame)
        fate = self._fate(passage)
        if len(self._carriers) > 1 and fate is None:
            fate = Lose()
        if isinstance(fate, Tear) and fate.at_byte is not None:
            cut_us = fate.at_byte * isodep.AIR_BYTE_NS // 1000
            if cut_us < duration_us:
                self._timeline.after(cut_us, self._tear, pair, fate)
        self._timeline.after(duration_us, self._arrive, pair, passage, fate)

    def _arrive(self, pair: _Pair, passage: Passage, fate: object) -> None:
        if not pair.alive:
            passage.fate = "torn"
            return
        receiver = pair.listener if passage.downlink else pair.poller
        if isinstance(fate, Lose):
            passage.fate = "lost"
        elif isinstance(fate, Corrupt):
            passage.fate = "garbled"
            receiver.hear(None)
        else:
            receiver.hear(passage.frame)
            if isinstance(fate, Tear):
                self._tear(pair, fate)

    def _tear(self, pair: _Pair, fate: Tear) -> None:
        if not pair.alive:
            return
        self.tears += 1
        self.leave(pair.listener)
        if fate.back_us is not None:
            self._timeline.after(fate.back_us, self.enter, pair.listener)

    def _note(self, pair: _Pair, downlink: bool, kind: str, frame: bytes) -> Passage:
        self._passages += 1
        passage = Passage(
            self._passages,
            self._timeline.now_us(),
            pair.session,
            pair.poller.name,
            pair.listener.name,
            downlink,
            kind,
            frame,
            pair.ins,
        )
        self.log.append(passage)
        return passage

    def _fate(self, passage: Passage) -> object:
        for rule in self.rules:
            fate = rule(passage)
            if fate is not None:
                return fate
        return None
