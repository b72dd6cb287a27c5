# SPDX-License-Identifier: Apache-2.0
"""The comb of a point of P-256, computed: at boot for the keys that a device knows in advance, and
once for each shared secret. Imported late; a board drops it afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.p256_comb import ENTRY_BYTES, Comb
from duotap.p256_point import P, add_affine, affine_all, double, double_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from duotap.p256_comb import Group
    from duotap.p256_point import Affine, Jacobian

AT_ONCE = 4  # entries that share an inversion while a table is computed


def comb_of(
    x: int, y: int, teeth: int, blocks: int, columns: int, group: Group | None = None
) -> Comb:
    """Compute the comb of the point x, y; takes about teeth * blocks * columns doublings."""
    times = group.double_times if group else double_times
    add = group.add_affine if group else add_affine
    # Long pieces of the heap come first.
    table = bytearray(blocks * ENTRY_BYTES << teeth - 1)
    size = len(table) // blocks
    sums = _Sums(memoryview(table), bytearray(size // 2), add)
    powers: list[Affine] = []
    point = (x, y, 1)
    for _ in range(teeth * blocks):
        # Two at once, not all: a heap has more time than room.
        powers += affine_all([point, double(point)])
        point = (powers[-1][0], powers[-1][1], 1)
        if columns > 1:
            point = times(point, columns - 1)
    for block in range(blocks):
        chosen = [2 * (tooth * blocks + block) for tooth in range(teeth)]
        sums.fill(block * size, powers, chosen)
    return Comb(table, teeth, blocks, columns)


class _Sums:
    """The blocks of a table while it is computed. Points lie in it as bytes, with the Z of one
    block's beside it: as integers they would lie all over the heap and leave no long piece of it.
    """

    def __init__(
        self, table: memoryview, z: bytearray, add: Callable[[Jacobian, int, int], Jacobian]
    ) -> None:
        self._table = table
        self._z = z
        self._add = add
        self._start = 0

    def fill(self, start: int, powers: list[Affine], chosen: list[int]) -> None:
        """Write the block at start: the sums of + or - powers[i], i in chosen, the last of them +;
        powers[i + 1] is twice powers[i]."""
        self._start = start
        x, y = powers[chosen.pop()]
        point = (x, y, 1)
        for i in chosen:
            x, y = powers[i]
            point = self._add(point, x, P - y)
        self._put(0, point)
        count = 1
        for i in chosen:
            x, y = powers[i + 1]
            for k in range(count):
                self._put(count + k, self._add(self._get(k), x, y))
            count *= 2
        for k in range(0, count, AT_ONCE):
            for x, y in affine_all([self._get(k + i) for i in range(min(AT_ONCE, count))]):
                self._put(k, (x, y, 1))
                k += 1

    def _put(self, k: int, point: Jacobian) -> None:
        x, y, z = point
        at = self._start + k * ENTRY_BYTES
        self._table[at : at + 32] = x.to_bytes(32, "big")
        self._table[at + 32 : at + ENTRY_BYTES] = y.to_bytes(32, "big")
        self._z[32 * k : 32 * k + 32] = z.to_bytes(32, "big")

    def _get(self, k: int) -> Jacobian:
        at = self._start + k * ENTRY_BYTES
        x = int.from_bytes(self._table[at : at + 32], "big")
        y = int.from_bytes(self._table[at + 32 : at + ENTRY_BYTES], "big")
        return x, y, int.from_bytes(self._z[32 * k : 32 * k + 32], "big")
