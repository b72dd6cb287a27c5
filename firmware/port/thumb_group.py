# SPDX-License-Identifier: Apache-2.0
"""Multiples of points of P-256 by a runner of field programs (thumb_p256.py), for boards that have
one: the same answers as duotap.p256_comb.Integers, from the same tables.

Everything secret runs in the runner, by a script that hangs on the table's shape alone, and reads
each block of a table whole. A sum meets equal, opposite or infinite points at its beginning and
for chosen signatures: then the runner stops, portable integers do that one addition, and it goes
on. It knows no keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken
from duotap.p256_comb import (
    MAGNITUDE,
    MASKED_BITS,
    NEGATIVE,
    WINDOW_BITS,
    Comb,
    masked,
    wnaf,
)
from duotap.p256_point import INFINITY, P, add_affine, affine

if TYPE_CHECKING:
    from typing import Protocol

    from duotap.p256_point import Affine, Jacobian

    class Runner(Protocol):
        """The module thumb_p256."""

        def run(self, frame: bytearray, code: bytearray, script: bytes | memoryview) -> int: ...
        def address(self, buffer: bytes | bytearray | memoryview) -> int: ...


# Operations, as duotap_host.thumb.runner numbers them.
END, MUL, SQR, ADD, SUB, TEST, CHOOSE, TAKE, INVERT, BITS = range(10)
STOP = b"\xff\xff"
SLOT_BYTES = 32
# Slots: X, Y, Z, A, B are a point as Cached has it; four slots from D are for an inversion.
TABLES, X, Y, Z, A, B, C, D, E, F, G, EX, EY, ZERO = range(14)
SCALARS = (14, 16)  # two slots each: 8 bytes more than 256 bits
MASK = 18
TWICE = 19
WINDOW = 24
SLOTS = WINDOW + 5 * (1 << WINDOW_BITS - 2)
OF_ARGUMENT = 128  # a second operand counts from the slot that the script says

DOUBLE = bytes(  # dbl-2001-b of the Explicit-Formulas Database, a = -3; 3 products, 5 squares
    (SQR, A, Z, 0, SQR, B, Y, 0, ADD, Z, Y, Z, SQR, Z, Z, 0, SUB, Z, Z, B, SUB, Z, Z, A)
    + (SUB, D, X, A, ADD, C, X, A, MUL, C, C, D, ADD, D, C, C, ADD, C, C, D, ADD, B, B, B)
    + (ADD, D, B, B, MUL, E, X, D, SQR, X, C, 0, ADD, D, E, E, SUB, X, X, D, SUB, D, E, X)
    + (MUL, Y, C, D, SQR, B, B, 0, ADD, B, B, B, SUB, Y, Y, B, END, 0, 0, 0)
)
ADD_ENTRY = bytes(  # + (EX, EY), affine; 8 products, 3 squares
    (TEST, 0, Z, 0, SQR, A, Z, 0, MUL, C, EX, A, SUB, C, C, X, TEST, 0, C, 0, MUL, A, A, Z)
    + (MUL, D, EY, A, SUB, D, D, Y, SQR, A, C, 0, MUL, Z, Z, C, MUL, X, X, A, MUL, A, A, C)
    + (MUL, Y, Y, A, SQR, B, D, 0, SUB, B, B, A, SUB, B, B, X, SUB, B, B, X, SUB, X, X, B)
    + (MUL, X, X, D, SUB, Y, X, Y, ADD, X, B, ZERO, END, 0, 0, 0)
)
_REL = OF_ARGUMENT
ADD_CACHED = bytes(  # + the cached point at the argument, Y of it in EY; 12 products, 3 squares
    (TEST, 0, Z, 0, SQR, A, Z, 0, MUL, E, X, _REL + 3, MUL, C, A, _REL, SUB, C, C, E)
    + (TEST, 0, C, 0, MUL, A, A, Z, MUL, F, Y, _REL + 4, MUL, D, A, EY, SUB, D, D, F)
    + (MUL, Z, Z, _REL + 2, MUL, Z, Z, C, SQR, A, C, 0, MUL, E, E, A, MUL, A, A, C, MUL, F, F, A)
    + (SQR, X, D, 0, SUB, X, X, A, SUB, X, X, E, SUB, X, X, E, SUB, E, E, X, MUL, Y, D, E)
    + (SUB, Y, Y, F, END, 0, 0, 0)
)
PLUS = bytes((ADD, EY, ZERO, _REL + 1))
MINUS = bytes((SUB, EY, ZERO, _REL + 1))
CACHE = bytes((SQR, A, Z, 0, MUL, B, A, Z, END, 0, 0, 0))
BEGIN = bytes(  # the entry with masked coordinates (Coron 1999)
    (SQR, A, MASK, 0, MUL, X, EX, A, MUL, A, A, MASK, MUL, Y, EY, A, ADD, Z, MASK, ZERO)
    + (END, 0, 0, 0)
)
INVERSE = bytes((INVERT, D, A, B, END, 0, 0, 0))


class Programs:
    """All programs as one piece of code; an attribute is where a program begins."""

    def __init__(self) -> None:
        self.code = bytearray()
        self.double = self._put(DOUBLE)
        self.entry = self._put(ADD_ENTRY)
        self.plus = self._put(PLUS + ADD_CACHED)
        self.minus = self._put(MINUS + ADD_CACHED)
        self.cache = self._put(CACHE)
        self.begin = self._put(BEGIN)
        self.invert = self._put(INVERSE)
        # One for each table in turn: block of the table, scalar, shape and openness are filled in.
        self.tables = [self._put(bytes(12)) for _ in range(8)]

    def _put(self, program: bytes) -> int:
        place = len(self.code) // 4
        self.code.extend(program)
        return place


class ThumbGroup:
    """The group behind duotap.p256 on a board with a runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._programs = Programs()
        self._frame = bytearray(SLOTS * SLOT_BYTES)
        self._tables: list[object] = []  # what TABLES points to must stay alive
        self._scripts: dict[tuple[int, ...], bytes] = {}

    def multiply(self, comb: Comb, scalar: int, mask: int) -> Jacobian:
        """As p256_comb.multiply; the mask is on the coordinates from the first entry on."""
        if comb.teeth * comb.blocks * comb.columns < MASKED_BITS:
            raise Broken("comb is too short for a masked scalar")
        self._set(MASK, mask)
        self._show((comb,), CHOOSE)
        self._recode(comb, 0, masked(scalar, mask))
        stopped = self._run(self._script(comb.blocks, comb.columns, 0, 0))
        if stopped:
            raise Broken("masked point met itself")
        return self._point()

    def sum_of_combs(self, first: Comb, u1: int, second: Comb, u2: int) -> Jacobian:
        """As p256_comb.sum_of_combs, for public scalars."""
        self._show((first, second), TAKE)
        self._recode(first, 0, u1)
        self._recode(second, 1, u2)
        self._load(INFINITY)
        self._finish(self._script(first.blocks, first.columns, second.blocks, second.columns))
        return self._point()

    def sum_with_point(self, comb: Comb, u1: int, x: int, y: int, u2: int) -> Jacobian:
        """As p256_comb.sum_with_point, for public scalars and a public point."""
        self._show((comb,), TAKE)
        self._recode(comb, 0, u1)
        self._make_window(x, y)
        self._load(INFINITY)
        programs = self._programs
        script = bytearray()
        double = bytes((programs.double, 0))
        window, columns = wnaf(u2), comb.columns
        places = [i for i in range(len(window)) if window[i] or i < columns]
        place = places[-1]
        while places:
            script.extend(double * (place - places[-1]))
            place = places.pop()
            digit = window[place]
            if digit:
                script.append(programs.minus if digit & NEGATIVE else programs.plus)
                script.append(WINDOW + 5 * ((digit & MAGNITUDE) >> 1))
            if place < columns:
                self._put_column(script, place, comb.blocks, columns, 0)
        self._finish(bytes(script) + STOP)
        return self._point()

    def comb_of(self, x: int, y: int, teeth: int, blocks: int, columns: int) -> Comb:
        """As p256_making.comb_of."""
        from duotap.p256_making import comb_of  # late: once for each key

        return comb_of(x, y, teeth, blocks, columns, self)

    def double_times(self, point: Jacobian, times: int) -> Jacobian:
        """As p256_point.double_times."""
        self._load(point)
        self._run(bytes((self._programs.double, 0)) * times + STOP)
        return self._point()

    def add_affine(self, point: Jacobian, x: int, y: int) -> Jacobian:
        """As p256_point.add_affine."""
        self._load(point)
        self._set(EX, x)
        self._set(EY, y)
        self._finish(bytes((self._programs.entry, 0)) + STOP)
        return self._point()

    def inverse(self, value: int, modulus: int) -> int:
        """As p256_point.inverse; time depends on the value here too."""
        if not 0 < value < modulus:
            raise Broken("no inverse")
        self._set(A, value)
        self._set(B, modulus)
        self._run(bytes((self._programs.invert, 0)) + STOP)
        return self._get(A)

    def affine(self, point: Jacobian) -> Affine:
        """As p256_point.affine."""
        x, y, z = point
        inverted = self.inverse(z, P)
        squared = inverted * inverted % P
        return x * squared % P, y * (squared * inverted % P) % P

    def _set(self, slot: int, value: int) -> None:
        start = slot * SLOT_BYTES
        self._frame[start : start + SLOT_BYTES] = value.to_bytes(SLOT_BYTES, "little")

    def _get(self, slot: int) -> int:
        start = slot * SLOT_BYTES
        return int.from_bytes(self._frame[start : start + SLOT_BYTES], "little")

    def _load(self, point: Jacobian) -> None:
        for slot, value in zip((X, Y, Z), point):
            self._set(slot, value)

    def _point(self) -> Jacobian:
        return self._get(X), self._get(Y), self._get(Z)

    def _run(self, script: bytes | memoryview) -> int:
        return self._runner.run(self._frame, self._programs.code, script)

    def _finish(self, script: bytes) -> None:
        """Run it all, with portable integers wherever the runner stops."""
        rest = memoryview(script)
        while True:
            stopped = self._run(rest)
            if not stopped:
                return
            self._add_special(rest[stopped - 2], rest[stopped - 1])
            rest = rest[stopped:]

    def _add_special(self, program: int, argument: int) -> None:
        """The addition at which the runner stopped."""
        point = self._point()
        if program == self._programs.entry:
            self._load(add_affine(point, self._get(EX), self._get(EY)))
            return
        other = (self._get(argument), self._get(EY), self._get(argument + 2))
        self._load(add_affine(point, *affine(other)) if point[2] else other)

    def _show(self, combs: tuple[Comb, ...], how: int) -> None:
        """Let the frame and the programs know the blocks of these tables."""
        self._tables = []
        block = 0
        for i, comb in enumerate(combs):
            table = comb.table
            if self._runner.address(table) & 3:
                table = memoryview(bytearray(table))
            self._tables.append(table)
            start = self._runner.address(table)
            half = 1 << comb.teeth - 1
            for _ in range(comb.blocks):
                self._frame[4 * block : 4 * block + 4] = start.to_bytes(4, "little")
                place = 4 * self._programs.tables[block]
                self._programs.code[place : place + 8] = bytes(
                    (
                        BITS,
                        comb.blocks * comb.columns,
                        SCALARS[i],
                        comb.teeth,
                        how,
                        EX,
                        block,
                        half,
                    )
                )
                start += half * 64
                block += 1

    def _recode(self, comb: Comb, which: int, scalar: int) -> None:
        """Write the signs of the comb's digits."""
        start = SCALARS[which] * SLOT_BYTES
        signs = comb.signs(scalar).to_bytes(2 * SLOT_BYTES, "little")
        self._frame[start : start + 2 * SLOT_BYTES] = signs

    def _make_window(self, x: int, y: int) -> None:
        """Q, 3Q, 5Q ... 15Q from WINDOW on, as cached points."""
        programs = self._programs
        frame = self._frame
        five = 5 * SLOT_BYTES
        self._load((x, y, 1))
        self._run(bytes((programs.double, 0, programs.cache, 0)) + STOP)
        frame[TWICE * SLOT_BYTES : TWICE * SLOT_BYTES + five] = frame[
            SLOT_BYTES : SLOT_BYTES + five
        ]
        self._load((x, y, 1))
        self._run(bytes((programs.cache, 0)) + STOP)
        step = bytes((programs.plus, TWICE, programs.cache, 0)) + STOP
        for slot in range(WINDOW, SLOTS, 5):
            if slot > WINDOW:
                self._run(step)
            start = slot * SLOT_BYTES
            frame[start : start + five] = frame[SLOT_BYTES : SLOT_BYTES + five]

    def _script(self, blocks1: int, columns1: int, blocks2: int, columns2: int) -> bytes:
        """All columns of one table (a masked multiple) or of two (a sum); made once a shape."""
        shape = (blocks1, columns1, blocks2, columns2)
        if shape not in self._scripts:
            programs = self._programs
            script = bytearray()
            for column in range(max(columns1, columns2) - 1, -1, -1):
                script.extend(bytes((programs.double, 0)))
                if column < columns1:
                    self._put_column(script, column, blocks1, columns1, 0)
                if column < columns2:
                    self._put_column(script, column, blocks2, columns2, blocks1)
            if not blocks2:
                # Not from infinity: the first entry is where a masked multiple begins.
                script = script[2:]
                script[2] = programs.begin
            self._scripts[shape] = bytes(script) + STOP
        return self._scripts[shape]

    def _put_column(
        self, script: bytearray, column: int, blocks: int, columns: int, first: int
    ) -> None:
        programs = self._programs
        for block in range(blocks):
            script.append(programs.tables[first + block])
            script.append(block * columns + column)
            script.append(programs.entry)
            script.append(0)
