# SPDX-License-Identifier: Apache-2.0
"""P-256 in Thumb instructions, as the RP2040 runs it: the compiled machine code in a Cortex-M0."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import p256_lines
import pytest
import test_p256
from bench.cortex_m0 import cost
from bench.thumb_runner import UnicornRunner, compiled
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from duotap import p256, p256_comb, p256_making, p256_table
from duotap.errors import Broken
from duotap.p256_comb import Integers
from duotap.p256_point import GX, GY, N, P, affine, double, double_times
from duotap_host.thumb import __main__ as thumb
from host.wycheproof import Case, load_cases, wrong
from port import thumb_group
from port.thumb_group import ADD, CHOOSE, END, MUL, SQR, SUB, TAKE, ThumbGroup

SEED = 20260
MPY_BYTES_MAX = 5 * 1024
# Where carries begin, end and run through, in numbers of eight words.
EDGES = sorted(
    value % P
    for base in (0, P, N, 1 << 255, 1 << 224, 1 << 192, 1 << 96, 1 << 32, 1 << 128, P >> 1)
    for value in (base - 2, base - 1, base, base + 1, base + 2)
)
GENERATOR = p256_comb.Comb(p256_table.TABLE, p256_table.TEETH, p256_table.BLOCKS, 18)
# A test counts on the frame's own slots; these are not used by what runs below.
FIRST, SECOND, RESULT = 14, 18, 7


@pytest.fixture(scope="module")
def group() -> ThumbGroup:
    return ThumbGroup(UnicornRunner())


@pytest.fixture
def thumb_everywhere() -> Iterator[None]:
    """The whole of duotap.p256 computes with the machine code."""
    p256.compute_with(ThumbGroup(UnicornRunner(counting=False)))
    yield
    p256.compute_with(Integers())


def run(group: ThumbGroup, operation: int, a: int, b: int, at: int = RESULT) -> int:
    """One field operation."""
    group._set(FIRST, a)
    group._set(SECOND, b)
    program = bytearray((operation, RESULT, FIRST, SECOND, END, 0, 0, 0))
    assert group._runner.run(group._frame, program, b"\x00\x00\xff\xff") == 0
    return group._get(at)


def test_module_is_what_the_command_writes() -> None:
    assert thumb.path().read_text(encoding="utf-8") == thumb.render()


def test_module_is_small() -> None:
    functions, size = compiled()
    assert size <= MPY_BYTES_MAX
    assert [len(code) for code in functions][1] < size


def test_only_instructions_of_armv6m() -> None:
    """The Cortex-M0 of unicorn would also run what other cores have: of 32 bits only BL."""
    _, code = compiled()[0]
    place = 0
    while place < len(code):
        half = int.from_bytes(code[place : place + 2], "little")
        if half >> 11 in (0b11101, 0b11110, 0b11111):
            second = int.from_bytes(code[place + 2 : place + 4], "little")
            assert (half >> 11, second >> 14, second >> 12 & 1) == (0b11110, 0b11, 1), hex(place)
            place += 2
        # IT, CBZ and CBNZ are of ARMv7-M.
        assert half & 0xFF00 != 0xBF00
        assert half & 0xF500 != 0xB100
        place += 2


@pytest.mark.parametrize("operation", [MUL, SQR, ADD, SUB])
def test_field(operation: int, group: ThumbGroup) -> None:
    def right(a: int, b: int) -> int:
        return {MUL: a * b, SQR: a * a, ADD: a + b, SUB: a - b}[operation] % P

    drawn = random.Random(SEED)
    pairs = [(a, b) for a in EDGES for b in EDGES[:: 1 if operation != SQR else 50]]
    pairs += [(drawn.randrange(P), drawn.randrange(P)) for _ in range(1000)]
    for a, b in pairs:
        assert run(group, operation, a, b) == right(a, b), (SEED, hex(a), hex(b))


@pytest.mark.parametrize("modulus", [P, N])
def test_inverse(modulus: int, group: ThumbGroup) -> None:
    drawn = random.Random(SEED)
    values = [edge for edge in EDGES if 0 < edge < modulus]
    values += [drawn.randrange(1, modulus) for _ in range(100)]
    for value in values:
        assert group.inverse(value, modulus) * value % modulus == 1, (SEED, hex(value))
    for value in (-1, 0, modulus, modulus + 1):
        with pytest.raises(Broken):
            group.inverse(value, modulus)


@pytest.mark.parametrize("how", [CHOOSE, TAKE])
def test_every_entry_of_the_table(how: int, group: ThumbGroup) -> None:
    """All digits of both blocks, against Comb.entries."""
    group._show((GENERATOR,), how)
    for block in range(GENERATOR.blocks):
        place = 4 * (group._programs.tables[block] + 1)
        choose = bytearray(group._programs.code[place : place + 8])
        for digit in range(1 << GENERATOR.teeth):
            assert group._runner.run(group._frame, choose, bytes((0, digit, 255, 255))) == 0
            digits = bytearray([digit]) * (GENERATOR.blocks * GENERATOR.columns)
            expected = list(GENERATOR.entries(digits, 0))[block]
            assert (group._get(thumb_group.EX), group._get(thumb_group.EY)) == expected


def test_every_secret_takes_the_same_instructions() -> None:
    """The machine code of a multiple, counted: the same for every scalar and mask."""
    runner = UnicornRunner()
    group = ThumbGroup(runner)
    counts = set()
    for scalar in (1, 2, N - 1, 1 << 255, 0x1234567890 << 100):
        for mask in (1, N - 1, 0x7FFFFFFF, 12345 << 200):
            runner.reset()
            point = group.multiply(GENERATOR, scalar, mask)
            counts.add(runner.count)
            assert affine(point) == affine(p256_comb.multiply(GENERATOR, scalar, mask))
    assert len(counts) == 1, counts


def test_reading_a_table_uniformly_is_seen(group: ThumbGroup) -> None:
    """The comparison above can fail: an inversion takes its time from the value."""
    runner = UnicornRunner()
    other = ThumbGroup(runner)
    counts = set()
    for value in (1, 3, N - 1):
        runner.reset()
        other.inverse(value, N)
        counts.add(runner.count)
    assert len(counts) > 1


def test_group_law(group: ThumbGroup) -> None:
    g = (GX, GY, 1)
    assert affine(group.double_times(g, 7)) == affine(double_times(g, 7))
    assert affine(group.add_affine(g, GX, GY)) == affine(double(g))
    assert group.add_affine(g, GX, P - GY)[2] == 0
    assert group.add_affine((1, 1, 0), GX, GY) == g
    table = group.comb_of(GX, GY, 4, 1, 72).table
    assert bytes(table) == bytes(p256_making.comb_of(GX, GY, 4, 1, 72).table)


# What needs tables that no board makes, and what asks the functions of p256_comb themselves.
ELSEWHERE = ("test_combs_of_any_shape_agree",)
WHOLE = sorted(n for n in dir(test_p256) if n.startswith("test_") and n not in ELSEWHERE)


@pytest.mark.usefixtures("thumb_everywhere")
@pytest.mark.parametrize("name", WHOLE)
def test_signatures(name: str) -> None:
    """tests/both/test_p256.py once more."""
    getattr(test_p256, name)()


# A vector takes three multiples; so many parts share the work of two cores.
PARTS = 6


@pytest.mark.usefixtures("thumb_everywhere")
@pytest.mark.parametrize("part", range(PARTS))
def test_wycheproof(part: int) -> None:
    """With a bare key; one in eight also with a known one."""
    cases: list[Case] = load_cases()[part::PARTS]
    answers = []
    for i, (question, _, _) in enumerate(cases):
        if i % 8 == 0:
            answers.append(p256_lines.answer(p256, question))
            continue
        _, public, digest, signature = question.split()
        fields = [b"" if word == "-" else bytes.fromhex(word) for word in (digest, signature)]
        try:
            p256.verify(bytes.fromhex(public), *fields)
        except p256.BadSignature:
            answers.append("bad bad")
        else:
            answers.append("good good")
    assert not wrong(cases, answers)


@pytest.mark.usefixtures("thumb_everywhere")
def test_against_openssl() -> None:
    drawn = random.Random(SEED)
    for _ in range(20):
        secret = drawn.randrange(1, N)
        digest = hashlib.sha256(drawn.randbytes(9)).digest()
        public = p256.public_key(secret)
        key = ec.derive_private_key(secret, ec.SECP256R1())
        form = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        r, s = utils.decode_dss_signature(key.sign(digest, form))
        p256.verify(public, digest, r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        ours = p256.sign(secret, digest, drawn.randbytes(32))
        pair = (int.from_bytes(ours[:32], "big"), int.from_bytes(ours[32:], "big"))
        key.public_key().verify(utils.encode_dss_signature(*pair), digest, form)
        with pytest.raises(InvalidSignature):
            key.public_key().verify(utils.encode_dss_signature(*pair), bytes(32), form)


def test_what_cycles_are_counted() -> None:
    """LDR, MULS, BL and a taken branch, by the table of the manual."""
    assert cost(bytes.fromhex("0868")) == (1, 2)
    assert cost(bytes.fromhex("4843")) == (1, 1)
    assert cost(bytes.fromhex("fff7fefe")) == (1, 3)
    assert cost(bytes.fromhex("fed1")) == (1, 2)


def test_invert_needs_slots_of_its_own() -> None:
    """Programs write no slot of another one's."""
    assert thumb_group.SLOTS < thumb_group.OF_ARGUMENT
    assert thumb_group.D + 4 <= thumb_group.EX
