# SPDX-License-Identifier: Apache-2.0
"""Style as a test: the whole project obeys each rule, and each rule can be broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from host.style_rules import RULES, Findings
from host.style_source import Source, project

HEAD = "# SPDX-License-Identifier: Apache-2.0\n"
CORE = "firmware/duotap/x.py"
DRIVER = "firmware/drivers/x.py"
HOST = "host/duotap_host/x.py"
SOURCES = project()

# rule, path, text that breaks it
BREACHES = (
    ("licence", CORE, '"""A module."""\n'),
    ("licence", "Makefile", "help:\n"),
    ("opening", CORE, HEAD + "LIMIT = 1\n"),
    ("module_length", CORE, "LIMIT = 1\n" * 401),
    ("function_length", CORE, "def f():\n" + "    g()\n" * 41),
    ("function_length", CORE, "async def main():\n" + "    g()\n" * 61),
    ("core_imports", CORE, "import time\n"),
    ("core_imports", CORE, "def f():\n    from asyncio import sleep\n"),
    ("core_imports", CORE, "import os.path as hashlib\n"),
    ("chip_imports", DRIVER, "from machine import Pin\n"),
    ("chip_imports", HOST, "import rp2\n"),
    ("arrows", CORE, "from port import clock\n"),
    ("arrows", DRIVER, "import card.screen\n"),
    ("arrows", "firmware/card/x.py", "from stand import desk\n"),
    ("arrows", "firmware/port/x.py", "from duotap_host import cli\n"),
    ("arrows", HOST, "from card import screen\n"),
    ("arrows", "firmware/strange/x.py", "LIMIT = 1\n"),
    ("words", "host/duotap_host/utils.py", ""),
    ("words", HOST, "class CardManager:\n    pass\n"),
    ("words", CORE, "def read_data():\n    pass\n"),
    ("words", CORE, "async def handleHTTPInfo():\n    pass\n"),
    ("words", CORE, "def event_handlers():\n    pass\n"),
    ("printing", DRIVER, "def f():\n    print(1)\n"),
    ("printing", HOST, "def main():\n    pass\nprint(1)\n"),
    ("device_language", DRIVER, "from dataclasses import dataclass\n"),
    ("device_language", "boards/X/modules/board.py", "import struct\n"),
    ("device_language", CORE, "import enum\n"),
    ("device_language", CORE, "match x:\n    case 1:\n        pass\n"),
    ("device_language", CORE, "raise ValueError from error\n"),
    ("device_language", CORE, "y = x[::-1]\n"),
    ("device_language", CORE, "y = x.bit_length()\n"),
    ("integer_width", CORE, "@micropython.viper\ndef f(x: int) -> int:\n    return x << 31\n"),
    ("integer_width", CORE, "y = hash(x)\n"),
    ("integer_width", CORE, "y = sys.maxsize\n"),
    ("integer_width", CORE, "y = x is 1000\n"),
    ("integer_width", CORE, "y = pow(x, -1, p)\n"),
    ("integer_width", CORE, "y = array('L', x)\n"),
    ("machine_places", HOST, 'HOME = "' + "/wo" + 'rk/main"\n'),
    ("machine_places", "README.md", "see " + "/tm" + "p/report\n"),
    ("machine_places", "pyproject.toml", 'index = "https://py' + 'pi.org/simple"\n'),
    ("unfinished", HOST, "# TO" + "DO: later\n"),
    ("unfinished", HOST, "raise Not" + "ImplementedError\n"),
    ("type_ignores", CORE, "x = y  # type: ignore\n"),
    ("type_ignores", CORE, "x = y  # type: ignore[attr-defined]\n"),
    ("type_ignores", CORE, "x = y  # type: ignore  # for a reason\n"),
    ("broad_excepts", HOST, "try:\n    f()\nexcept Exception:\n    pass\n"),
    ("broad_excepts", CORE, "try:\n    f()\nexcept:\n    raise ValueError\n"),
    ("test_habits", "tests/sim/x.py", "import time\ntime.sleep(1)\n"),
    ("test_habits", "tests/sim/x.py", "from unittest.mock import MagicMock\n"),
    ("two_interpreters", "tests/both/test_x.py", "import pytest\n"),
    ("two_interpreters", "tests/both/test_x.py", "def test_x(tmp_path):\n    pass\n"),
    ("two_interpreters", "tests/both/test_x.py", "@twice\ndef test_x():\n    pass\n"),
    ("two_interpreters", "tests/both/test_x.py", "async def test_x():\n    pass\n"),
    ("two_interpreters", "tests/both/test_x.py", "class TestX:\n    pass\n"),
)

# path, text that every rule lets pass
NEAR = (
    ("firmware/stand/__init__.py", HEAD),
    (CORE, HEAD + '"""M."""\n\ndef f():\n    """D.\n' + "    d\n" * 60 + '    """\n    # why\n'),
    (CORE, HEAD + '"""M."""\n\nfrom collections.abc import Callable\nfrom duotap import uint\n'),
    (CORE, HEAD + '"""M."""\n\nraise ValueError("no") from None\n'),
    (CORE, HEAD + '"""M."""\n\nx = y  # type: ignore[misc]  # typeshed knows no viper\n'),
    (CORE, HEAD + '"""M."""\n\nx = y is None and pow(3, 5, 7) and z[1::2]\n'),
    (CORE, HEAD + '"""M."""\n\nx = y  # type: ignore[misc]\n# typeshed knows no viper\n'),
    (DRIVER, HEAD + '"""M."""\n\ndef tg_get_data():\n    return metadata, imprint\n'),
    (DRIVER, HEAD + '"""M."""\n\ntry:\n    f()\nexcept Exception:\n    undo()\n    raise\n'),
    ("firmware/main.py", HEAD + '"""M."""\n\nimport machine\nimport card\n\nprint(1)\n'),
    ("host/duotap_host/virtual/x.py", HEAD + '"""M."""\n\nimport card\nimport struct\n'),
    ("host/duotap_host/cli/x.py", HEAD + '"""M."""\n\ndef apdu_handler():\n    print(1)\n'),
    ("tests/sim/test_x.py", HEAD + '"""M."""\n\ndef test_torn_data(tmp_path):\n    pass\n'),
)


def named(name: str) -> Callable[[Source], Findings]:
    return next(rule for rule in RULES if rule.__name__ == name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_obeys(rule: Callable[[Source], Findings]) -> None:
    findings = [f"{s.path}:{line}: {text}" for s in SOURCES for line, text in rule(s)]
    if findings:
        pytest.fail("\n".join([rule.__doc__ or "", *findings]), pytrace=False)


@pytest.mark.parametrize(("name", "path", "text"), BREACHES)
def test_rule_can_be_broken(name: str, path: str, text: str) -> None:
    assert list(named(name)(Source(path, text)))


@pytest.mark.parametrize(("path", "text"), NEAR)
def test_what_is_near_a_breach_passes(path: str, text: str) -> None:
    assert [finding for rule in RULES for finding in rule(Source(path, text))] == []


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule.__name__ for rule in RULES} == {name for name, _, _ in BREACHES}


def test_the_project_is_seen() -> None:
    """An empty list would obey every rule."""
    seen = {source.path for source in SOURCES}
    assert {"Makefile", "pyproject.toml", "firmware/duotap/errors.py", ".ci/run"} <= seen
