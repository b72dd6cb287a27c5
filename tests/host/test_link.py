# SPDX-License-Identifier: Apache-2.0
"""The linker: linked programs do what they did, and hold nothing that they do not need."""

from __future__ import annotations

from pathlib import Path

import pytest
from host.link_bench import Texts, both_ways

# What a linker that knows names less than exactly gets wrong; each prints something.
PROGRAMS: dict[str, Texts] = {
    "a local hides a module": {
        "main": """
            from lib import amount, total
            def main():
                print(outer(3), amount.text(5), total.total([1, 2]))
            def outer(amount):
                total = amount + 1
                return [total for total in range(total)], amount
            """,
        "lib.amount": "def text(minor): return f'{minor}.00'\n",
        "lib.total": "def total(rows): return sum(rows)\n",
    },
    "one name in many modules": {
        "main": """
            from lib import a, b
            from lib.b import encode as encode_b
            def main():
                print(a.encode(1), b.encode(2), encode_b(3), encode(4))
            def encode(x): return ('main', x)
            """,
        "lib.a": "from lib import b\ndef encode(x): return ('a', b.encode(x))\n",
        "lib.b": "def encode(x): return ('b', _half(x))\ndef _half(x): return x / 2\n",
    },
    "a name that hides a builtin of another module": {
        "main": "from lib import a, b\ndef main(): print(a.sum([1]), b.all([2, 3]))\n",
        "lib.a": "def sum(rows): return 'own'\n",
        "lib.b": "def all(rows): return sum(rows)\n",
    },
    "private names of two families": {
        "main": """
            from lib.base import Base
            from lib.other import Other
            class Derived(Base):
                def __init__(self):
                    super().__init__()
                    self._more = 1
                def _step(self): return self._value + self._more
            def main():
                one, two = Derived(), Other()
                print(one.run(), two.run(), one.public, two.public)
            """,
        "lib.base": """
            class Base:
                _kind = 7
                def __init__(self):
                    self._value = self._kind * 2
                    self.public = 'p'
                def run(self): return self._step()
                def _step(self): return None
            """,
        "lib.other": """
            class Other:
                def __init__(self):
                    self._one, self._value, self._more = 1, 2, 3
                    self.public = 'q'
                def run(self): return [self._one, self._value, self._more]
            """,
    },
    "a class that takes functions in": {
        "main": """
            from lib.functions import double, halve
            SIZE = 4
            class Group:
                double = staticmethod(double)
                SIZE = SIZE
                LARGER = SIZE + 1
                def halve(self, value): return halve(value) + self.LARGER
            def main():
                print(Group().double(4), Group().halve(4), Group.SIZE, Group.LARGER)
            """,
        "lib.functions": "def double(x): return 2 * x\ndef halve(x): return x // 2\n",
    },
    "fields and attributes by one name": {
        "main": """
            from collections import namedtuple
            Row = namedtuple("Row", "kind size")
            class Box:
                def __init__(self, row):
                    self.kind, self.size, self.weight = row.kind, row.size, 3
            def main():
                box = Box(Row('k', 2))
                print(box.kind, box.size, box.weight, getattr(box, 'weight'), Row(1, 2).size)
            """,
    },
    "parameters": {
        "main": """
            from lib.calls import named, plain, starred
            def main():
                a = 5
                print(plain(1, a), named(1, second=2), plain(second=1, first=2))
                print(starred(1, 2, 3, key=4))
                print((lambda first, a: first - a)(7, 2), [f(3) for f in (lambda x: x + a,)])
            """,
        "lib.calls": """
            def plain(first, second=9):
                def inner(third): return first + second + third
                return inner(100)
            def named(first, second): return first * 10 + second
            def starred(first, *rest, **more): return first, rest, more
            """,
    },
    "constants": {
        "main": """
            from lib.constants import *  # noqa
            """.replace("import *  # noqa", "import BIG, LIST, NEGATIVE, ONE, TEXT, TWO")
        + """
            WIDE = ONE << 40
            LATER = TWO
            def main(value=TWO):
                print(ONE, TWO, NEGATIVE ** 2, -NEGATIVE, BIG, LIST, TEXT, WIDE, LATER, value)
                print(ONE.to_bytes(2, 'big'), NEGATIVE.real, f'{TWO:02d}', {ONE: TWO}[1])
            """,
        "lib.constants": """
            ONE, TWO = range(1, 3)
            NEGATIVE = -3
            BIG = (1 << 300) - 1
            LIST = [ONE, TWO]
            TEXT = b'x' * 3
            """,
    },
    "what runs when a module is loaded": {
        "main": """
            from lib import noisy
            from lib.table import TABLE
            print('main')
            def main(): print(noisy.count(), TABLE)
            """,
        "lib.noisy": "print('noisy')\nROWS = []\ndef count(): return len(ROWS)\nROWS.append(1)\n",
        "lib.table": """
            try:
                from lib.missing import TABLE
            except ImportError:
                TABLE = 'none'
            """,
    },
    "a name that is bound anew": {
        "main": """
            from lib import state
            def main():
                print(state.count(), state.count())
                late()
                print(state.count(), state.local())
            def late():
                from lib.setter import set_to
                set_to(7)
            """,
        "lib.state": """
            _count = 0
            def count():
                global _count
                _count += 1
                return _count
            def put(value):
                global _count
                _count = value
            def behind(value):
                if value: put(value)
                return apart(value)
            def apart(value): return -_count, value
            def local():
                _count = 'local'
                return _count, [_count for _count in (1, 2)]
            """,
        "lib.setter": """
            from lib import state
            def set_to(value): print(state.behind(value))
            """,
    },
    "late imports": {
        "main": """
            from lib import shared
            def main():
                from lib.late import late, LIMIT
                from lib.later import later as other
                print(late(), other(), shared.both(), LIMIT, LIMIT)
            """,
        "lib.shared": "def both(): return 'both'\n",
        "lib.late": """
            from lib import shared
            LIMIT = 4
            def late(): return 'late', shared.both(), _own()
            def _own():
                from lib.inner import inner
                return inner()
            """,
        "lib.later": "from lib import shared\ndef later(): return 'later', shared.both()\n",
        "lib.inner": "from lib import late\ndef inner(): return 'inner', late.LIMIT\n",
    },
    "types": {
        "main": """
            from __future__ import annotations
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                from typing import Any
                class Row: ...
            else:
                Row = tuple
            class Empty:
                '''Nothing but annotations.'''
                size: int
            def main() -> None:
                '''A text.'''
                rows: list[Any] = [Row((1, 2))]
                print(rows, Empty().size if False else Row)
            """,
    },
    "generators, handlers and comprehensions": {
        "main": """
            from lib import steps
            class Wrong(Exception):
                def __init__(self, code):
                    super().__init__(code)
                    self.code = code
            def main():
                run = steps.walk([1, 2])
                print(next(run), run.send(5), {k: v for k, v in steps.pairs()})
                try:
                    fail(3)
                except Wrong as error:
                    print(error.code, [error.code for _ in range(error.code)])
            def fail(code):
                raise Wrong(code)
            """,
        "lib.steps": """
            def walk(rows):
                for row in rows:
                    got = yield row
                    if got:
                        yield got, [row for row in rows if row]
            def pairs(): return [(a, b) for a in (1, 2) for b in (a,)]
            """,
    },
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("limit", [6000, 1])
def test_a_linked_program_does_the_same(name: str, limit: int, tmp_path: Path) -> None:
    plain, together = both_ways(tmp_path, PROGRAMS[name], limit=limit)
    assert plain == together
    assert plain
    assert "Error" not in plain
