# SPDX-License-Identifier: Apache-2.0
"""Constants by value: what is put in, what must stay, and that lines stay where they are."""

from __future__ import annotations

import pytest
from duotap_host.flash import image
from duotap_host.flash.constants import Constants

SHOP = """# prices
TEA = 3
CAKE = TEA * 2 + 1
NAME = "shop"
BIG = 1 << 40
TEN, TWENTY = 10, 20
lower = 4


def price(count, tea=TEA):
    return count * tea + CAKE  # told
"""


def rewritten(module: str, **sources: str) -> str:
    return Constants(sources).put_in(module, sources[module])


def test_constants_of_the_own_module() -> None:
    put_in = rewritten("shop", shop=SHOP)
    assert put_in.splitlines() == [
        "# prices",
        "pass",
        "pass",
        'NAME = "shop"',
        "BIG = 1 << 40",
        "pass",
        "lower = 4",
        "",
        "",
        "def price(count, tea=(3)):",
        "    return count * tea + (7)  # told",
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("from shop import TEA\nx = TEA\n", "pass\nx = (3)\n"),
        ("from shop import TEA, NAME\nx = TEA\n", "from shop import NAME\nx = (3)\n"),
        ("from shop import TEA as T\nx = T\n", "pass\nx = (3)\n"),
        (
            "from shop import (\n    TEA,\n    price,\n)\nx = -TEA\n",
            "from shop import price\n\n\n\nx = -(3)\n",
        ),
        ("from town import shop\nx = shop.CAKE\n", "from town import shop\nx = shop.CAKE\n"),
        ("X = -4\nY = X * 2\ny = [X, Y]\n", "pass\npass\ny = [(-4), (-8)]\n"),
        ("X = 1\nX = 2\ny = X\n", "X = 1\nX = 2\ny = X\n"),
        ("X = 1\ny = f'{X}'\n", "X = 1\ny = f'{X}'\n"),
        ("X = 1\ndef f(X):\n    return X\n", "X = 1\ndef f(X):\n    return X\n"),
        (
            "X = 1\ndef f():\n    X = 2\n    return X\n",
            "X = 1\ndef f():\n    X = 2\n    return X\n",
        ),
        (
            "X = 1\ndef f():\n    global X\n    X += 1\n",
            "X = 1\ndef f():\n    global X\n    X += 1\n",
        ),
        ("A, b = 1, 2\ny = A\n", "A, b = 1, 2\ny = (1)\n"),
        ("X = True\nY = 1.5\nz = X\n", "X = True\nY = 1.5\nz = X\n"),
        ("X = 1\nn = '漢字' + str(X)\n", "pass\nn = '漢字' + str((1))\n"),
        ("X = 1\ny = (X).real + X . real\n", "pass\ny = ((1)).real + (1) . real\n"),
    ],
)
def test_what_is_put_in_and_what_stays(text: str, wanted: str) -> None:
    assert rewritten("user", shop=SHOP, user=text) == wanted


def test_modules_that_had_only_constants_are_not_imported() -> None:
    sources = {
        "town.shop": "TEA = 3\ndef f(): pass\n",
        "user": "from town import shop\nx = shop.TEA\n",
    }
    assert Constants(sources).put_in("user", sources["user"]) == "pass\nx = (3)\n"
    used = "from town import shop\nx = shop.TEA\nshop.f()\n"
    sources["user"] = used
    assert Constants(sources).put_in("user", used) == used.replace("shop.TEA", "(3)")


def test_a_constant_that_somebody_has_from_somebody_else() -> None:
    sources = {"a": "X = 5\n", "b": "from a import X\n", "c": "from b import X\ny = X\n"}
    assert Constants(sources).put_in("c", sources["c"]) == "pass\ny = (5)\n"


def test_a_source_from_outside() -> None:
    constants = Constants({"shop": SHOP})
    assert constants.put_in("tool", "from shop import TEA\nx = TEA\n") == "pass\nx = (3)\n"


def test_the_firmware_keeps_its_lines_and_loses_its_constants() -> None:
    constants = image.firmware_constants()
    assert len(constants.values) > 200
    assert constants.values["port.entropy", "REPETITION_CUTOFF"] == 6
    for path in image.FIRMWARE.rglob("*.py"):
        name = path.relative_to(image.FIRMWARE).as_posix()
        text = path.read_text()
        put_in = constants.put_in(image.module_name(name), text)
        assert put_in.count("\n") == text.count("\n")
        compile(put_in, name, "exec")
    text = (image.FIRMWARE / "port" / "entropy.py").read_text()
    assert "REPETITION_CUTOFF" not in constants.put_in("port.entropy", text)
