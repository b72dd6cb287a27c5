# SPDX-License-Identifier: Apache-2.0
"""What a linked program holds: nothing that it does not need; and what is refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from duotap_host.link import rom
from duotap_host.link.source import LinkError, read_tree
from host.link_bench import linked, modules
from host.test_link import PROGRAMS


def names_in(text: str) -> set[str]:
    """Every name, attribute and text of a source."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        for _, value in ast.iter_fields(node):
            if isinstance(value, str):
                found.add(value)
    return found


def test_what_nobody_asks_for_is_left_out() -> None:
    texts = linked(
        {
            "main": """
                from lib.used import Used, LIMIT
                def main(): return Used().run(LIMIT), hasattr(Used, 'told')
                def nobody(): return Used().unused()
                """,
            "lib.used": """
                from lib.never import never
                LIMIT, OTHER = 4, 5
                NAMED_NOWHERE = {1: 2}
                class Used:
                    def run(self, limit): return self._half(limit)
                    def _half(self, limit): return limit // 2
                    def unused(self): return never()
                    def told(self): return NAMED_NOWHERE
                """,
            "lib.never": "def never(): return 'never'\n",
        }
    ).texts
    assert list(texts) == ["out"]
    assert names_in(texts["out"]) & {"nobody", "unused", "LIMIT", "OTHER"} == set()
    assert "never" not in texts["out"]
    assert {"told", "main"} <= names_in(texts["out"])
    assert "// 2" in texts["out"]


def test_a_class_that_micropython_calls_keeps_its_methods() -> None:
    texts = linked(
        {
            "main": """
                import io
                class Stream(io.IOBase):
                    def readinto(self, buf): return 0
                def main(): return Stream()
                """
        }
    ).texts
    assert "readinto" in names_in(texts["out"])


def test_code_lies_where_it_is_surely_loaded() -> None:
    texts = linked(PROGRAMS["late imports"], limit=6000).texts
    assert set(texts) == {"out", "lib.late", "lib.later", "lib.inner"}
    assert "both" in texts["out"]
    assert "both" not in texts["lib.late"].replace("from out", "")
    assert "'inner'" in texts["lib.inner"]


def test_files_of_the_root_are_small() -> None:
    one = "\n".join(f"def f{i}(): return {i}" for i in range(9))
    calls = "+".join(f"m{k}.f{i}()" for k in range(4) for i in range(9))
    texts = {f"lib.m{k}": one for k in range(4)}
    texts["main"] = "from lib import m0, m1, m2, m3\n" + f"def main(): return {calls}"
    assert sorted(linked(texts, limit=60).texts) == ["out", "part0", "part1", "part2", "part3"]
    assert list(linked(texts, limit=6000).texts) == ["out"]


def test_names_are_short_and_shared() -> None:
    texts = linked(
        {
            "main": """
                from lib.a import One, first_function
                from lib.b import Two, second_function
                def main(): return One().public_method(1) + Two().public_method(2)
                """,
            "lib.a": """
                TABLE = {1: 2}
                class One:
                    def __init__(self): self._private_a, self.stored = 1, 2
                    def public_method(self, argument): return self._private_a + first_function()
                def first_function(): return TABLE[1]
                """,
            "lib.b": """
                class Two:
                    def __init__(self): self._private_b = self.kept = 1
                    def public_method(self, argument): return self._private_b + self.kept
                def second_function(): return 0
                """,
        },
        foreign=("kept",),
    ).texts["out"]
    assert {"main", "self", "kept"} <= names_in(texts)
    gone = {"_private_a", "_private_b", "stored", "TABLE", "argument", "One", "public_method"}
    assert gone & names_in(texts) == set()
    first = next(rom.short_names())
    assert texts.count(f"self.{first}") == 4, "one name for the private ones of both"


def test_reasons_stay_behind() -> None:
    done = linked(
        {
            "main": """
                from duotap.errors import DuotapError, Refusal, Late
                class Worse(Refusal):
                    pass
                def main(text):
                    if text == 1:
                        raise Refusal(5, 'a reason')
                    if text == 2:
                        raise Worse(5, 'another')
                    if text == 3:
                        raise Late()
                    raise DuotapError(text + ' is no constant')
                """,
            "duotap.errors": """
                class DuotapError(Exception):
                    def __init__(self, reason):
                        super().__init__(reason)
                class Refusal(DuotapError):
                    def __init__(self, sw, reason):
                        super().__init__(reason)
                class Late(DuotapError):
                    def __init__(self): super().__init__('kept')
                """,
        }
    )
    assert [tuple(row)[1:] for row in done.reasons] == [
        ("main.py", 7, "a reason"),
        ("main.py", 9, "another"),
    ]
    text = done.texts["out"]
    assert "Refusal(5, 1)" in text
    assert "Worse(5, 2)" in text
    assert " is no constant" in text
    assert "reason'" not in text


# What a program must not do, with what the refusal says.
REFUSED = (
    ("its own module binds this anew", "from lib.b import X, f\ndef main(): return f(), X\n"),
    (
        "a name that is bound from elsewhere",
        "def main():\n    x = 1\n    def f():\n        nonlocal x\n",
    ),
    ("an assignment inside an expression", "def main():\n    return (x := 1)\n"),
    ("a relative import", "from . import lib\ndef main(): pass\n"),
    ("an import of everything", "from lib import *\ndef main(): pass\n"),
    ("say from ... import", "import lib.a\ndef main(): pass\n"),
    ("a late import says", "def main():\n    import other\n    return other\n"),
    ("a module as a value", "from lib import a\ndef main(): return [a]\n"),
    ("whose name is not told", "def main(x): return getattr(x, x.name)\n"),
    ("defined again", "def main(): return 1\ndef main(): return 2\n"),
    ("no nothing in lib.a", "from lib.a import nothing\ndef main(): return nothing\n"),
    ("no nothing in lib.a", "from lib import a\ndef main(): return a.nothing\n"),
    ("no nothing in lib.a", "def main():\n    from lib.a import nothing\n    return nothing\n"),
    ("no main in main", "def other(): pass\n"),
)


@pytest.mark.parametrize(("why", "text"), REFUSED)
def test_refused(why: str, text: str) -> None:
    other = "X = 1\ndef f():\n    global X\n    X = 2\n"
    with pytest.raises(LinkError, match=why):
        linked({"main": text, "lib.a": "def f(): pass\n", "lib.b": other, "other": other})


def test_a_package_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(): pass\n")
    (tmp_path / "__init__.py").write_text("# nothing\n")
    assert [module.name for module in read_tree(tmp_path, "lib", tmp_path)] == ["lib.a"]
    (tmp_path / "__init__.py").write_text("X = 1\n")
    with pytest.raises(LinkError, match="a package with code"):
        list(read_tree(tmp_path, "lib", tmp_path))


def test_the_same_sources_give_the_same_texts() -> None:
    for texts in PROGRAMS.values():
        backwards = dict(reversed(texts.items()))
        assert linked(texts).texts == linked(backwards).texts


def test_positions_are_told_in_errors() -> None:
    with pytest.raises(LinkError, match=r"main\.py:3: "):
        linked({"main": "X = 1\ndef main():\n    nonlocal X\n"})
    assert modules({"a.b": "x = 1"})[0].path == "a/b.py"
