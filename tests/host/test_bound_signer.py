# SPDX-License-Identifier: Apache-2.0
"""The signer of class bound on a virtual ATECC608: what its slots allow, to whom, and who is told
from whom."""

from __future__ import annotations

from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from drivers import atecc608_host as host
from drivers.atecc608 import (
    BLOCK,
    DATA_ZONE,
    ENCRYPTED,
    MAC,
    READ,
    SIGN,
    VERIFY,
    WRITE,
    Denied,
    Miscompare,
    crc16,
    slot_address,
)
from duotap import p256
from duotap.errors import Broken, Fault, Refusal
from duotap_host.issuer import es256
from duotap_host.virtual.nor import Mix, PowerCut
from host.element_bench import ElementBench
from port import bound, personal

DIGEST = bytes(range(32))


def words(bench: ElementBench) -> list[int]:
    return [opcode for opcode, _, _, _ in bench.chip.log]


# What the slots of a purse allow


@pytest.fixture(scope="module")
def made() -> ElementBench:
    bench = ElementBench(b"made")
    bench.signer()
    return bench


def test_personalizing_locks_everything(made: ElementBench) -> None:
    eeprom = made.chip.eeprom
    assert eeprom.config_locked
    assert eeprom.values_locked
    assert eeprom.slot_locked(bound.PURSE)
    assert personal.is_ours(bytes(eeprom.config))


@pytest.mark.parametrize("slot", range(16))
def test_no_slot_is_written_in_the_clear(made: ElementBench, slot: int) -> None:
    driver = made.driver
    before = bytes(made.chip.eeprom.slots[slot])
    for zone, content in ((DATA_ZONE | BLOCK, bytes(32)), (DATA_ZONE, bytes(4))):
        with pytest.raises(Denied):
            driver.run(partial(driver.write, zone, slot_address(slot), content))
    with pytest.raises(Denied):
        driver.run(
            lambda: driver.write(
                DATA_ZONE | BLOCK | ENCRYPTED, slot_address(slot), bytes(32), bytes(32)
            )
        )
    assert bytes(made.chip.eeprom.slots[slot]) == before


@pytest.mark.parametrize("slot", range(16))
def test_only_the_marks_are_read(made: ElementBench, slot: int) -> None:
    driver = made.driver
    if slot in bound.MARKS:
        assert len(driver.run(lambda: driver.read(DATA_ZONE | BLOCK, slot_address(slot)))) == 32
    else:
        with pytest.raises(Denied):
            driver.run(lambda: driver.read(DATA_ZONE | BLOCK, slot_address(slot)))


def test_no_key_signs_unasked_and_none_is_made_anew(made: ElementBench) -> None:
    driver = made.driver
    public = driver.run(lambda: driver.public_key(bound.PURSE))

    def unasked() -> bytes:
        driver.load(DIGEST)
        return driver.sign(bound.PURSE)

    for work in (unasked, lambda: driver.genkey(bound.PURSE)):
        with pytest.raises(Denied):
            driver.run(work)
    assert driver.run(lambda: driver.public_key(bound.PURSE)) == public


def test_the_pairing_key_answers_nobody(made: ElementBench) -> None:
    """What MAC said of TempKey, CheckMac would take: so it says nothing."""
    driver = made.driver

    def oracle() -> bytes:
        driver.nonce(bytes(20))
        return driver.mac(bound.PAIRING)

    with pytest.raises(Denied):
        driver.run(oracle)


def test_fixed_nonces_are_not_taken(made: ElementBench) -> None:
    driver = made.driver
    serial = made.chip.eeprom.serial
    pairing = made.chip.eeprom.key(bound.PAIRING)  # even by somebody who knows the key

    def fixed() -> None:
        driver.load(DIGEST)
        response = host.checkmac(serial, pairing, DIGEST, bytes(13))
        driver.command(0x28, 0x05, bound.PAIRING, bytes(32) + response + bytes(13))

    with pytest.raises(Denied):
        driver.run(fixed)


def test_a_recorded_write_does_not_come_again() -> None:
    bench = ElementBench(b"replay")
    signer = bench.signer()
    assert signer.accepts(0, (bytes(32), bytes(32)), True)
    packets: list[bytes] = []

    def tap(way: str, addr: int, content: bytes) -> bytes:
        if way == "write" and content[2:3] in (b"\x16", b"\x15", b"\x12"):
            packets.append(content)
        return content

    bench.tap = tap
    signer.tick(b"\x01" * 32)
    recorded = list(packets)
    signer.tick(b"\x02" * 32)
    signer.tick(b"\x03" * 32)
    before = [bytes(bench.chip.eeprom.slots[slot]) for slot in bound.MARKS]

    def again() -> None:
        for packet in recorded:
            bench.driver.command(packet[2], packet[3], packet[4] | packet[5] << 8, packet[6:-2])

    with pytest.raises(Miscompare):
        bench.driver.run(again)
    assert [bytes(bench.chip.eeprom.slots[slot]) for slot in bound.MARKS] == before


def test_old_marks_are_not_taken_for_fresh_ones() -> None:
    """Whoever answers for the element at boot lacks the key of its MAC."""
    bench = ElementBench(b"answers")
    signer = bench.signer()
    assert signer.accepts(0, (bytes(32), bytes(32)), True)
    old = [bytes(bench.chip.eeprom.slots[slot][:32]) for slot in bound.MARKS]
    signer.tick(b"\x01" * 32)

    def garble(packet: bytes) -> bytes:
        for slot, content in zip(bound.MARKS, old, strict=True):
            if packet[1:-2] == bytes(bench.chip.eeprom.slots[slot][:32]):
                changed = packet[:1] + content
                return changed + crc16(changed)
        return packet

    bench.chip.garble = garble
    with pytest.raises(Fault, match="MAC of the marks"):
        bench.signer().accepts(0, (bytes(32), bytes(32)), True)


def test_a_forged_yes_of_verify_is_not_taken() -> None:
    bench = ElementBench(b"forged")
    signer = bench.signer()
    signature = signer.sign(DIGEST)
    wrong = bytes((signature[0] ^ 1,)) + signature[1:]
    signer.verify(signer.public_key(), DIGEST, signature)
    with pytest.raises(Refusal):
        signer.verify(signer.public_key(), DIGEST, wrong)

    def garble(packet: bytes) -> bytes:
        if packet == b"\x04\x01" + crc16(b"\x04\x01"):
            forged = b"\x23" + bytes(32)
            return forged + crc16(forged)
        return packet

    bench.chip.garble = garble
    with pytest.raises(Fault, match="MAC of an answer"):
        signer.verify(signer.public_key(), DIGEST, wrong)


# The signer


def test_signatures_are_p256() -> None:
    bench = ElementBench(b"signs")
    signer = bench.signer()
    public = signer.public_key()
    for number in range(12):
        digest = bytes([number]) * 32
        signature = signer.sign(digest)
        es256.verify(public, digest, signature)
        p256.verify(public, digest, signature)
    assert words(bench).count(SIGN) == 12


def test_it_verifies_what_others_signed_and_nothing_else() -> None:
    bench = ElementBench(b"verifies")
    keys = [bench.signer(), bound.signer(bench.driver, 0, bench.entropy, 1, 1)]
    key = es256.SigningKey(ec.generate_private_key(ec.SECP256R1()))
    signature = key.sign(DIGEST)
    for signer in keys:
        signer.verify(key.public, DIGEST, signature)
        for place in (0, 31, 32, 63):
            wrong = bytearray(signature)
            wrong[place] ^= 1
            with pytest.raises(Refusal):
                signer.verify(key.public, DIGEST, bytes(wrong))
        for public in (key.public[:-1] + b"\x00", b"\x04" + bytes(64), key.public[:64], b""):
            with pytest.raises(Refusal):
                signer.verify(public, DIGEST, signature)
        with pytest.raises(Refusal):
            signer.verify(key.public, bytes(32), signature)
    assert VERIFY in words(bench)


def test_an_element_of_another_board_is_told() -> None:
    bench = ElementBench(b"moved")
    bench.signer(7)
    with pytest.raises(Broken):
        bench.signer(8).sign(DIGEST)
    with pytest.raises(Fault, match="MAC of the marks"):
        bench.signer(8).accepts(0, (bytes(32), bytes(32)), True)


def test_an_element_that_somebody_else_configured_is_told() -> None:
    bench = ElementBench(b"configured")
    bench.chip.eeprom.lock(87)
    with pytest.raises(Broken, match="somebody else"):
        bench.signer()


def test_personalizing_survives_a_cut_at_every_write() -> None:
    cut = 0
    publics = set()
    while True:
        bench = ElementBench(b"cut")
        bench.chip.eeprom.plan_cut(cut, Mix(cut))
        try:
            bench.signer()
            finished = True
        except PowerCut:
            finished = False
        bench.power_on()
        signer = bench.signer()
        es256.verify(signer.public_key(), DIGEST, signer.sign(DIGEST))
        assert signer.accepts(0, (bytes(32), bytes(32)), True)
        assert bench.chip.eeprom.slot_locked(bound.PURSE)
        publics.add(signer.public_key())
        if finished:
            break
        cut += 1
    print(f"cut at each of {cut} writes; {len(publics)} keys born")
    assert cut > 20


def test_the_mac_of_a_read_says_the_whole_of_both_slots() -> None:
    bench = ElementBench(b"mac")
    signer = bench.signer()
    assert signer.accepts(0, (bytes(32), bytes(32)), True)
    assert (MAC, 0x41, bound.WIRE, 0) in bench.chip.log
    assert [row for row in bench.chip.log if row[0] in (READ, WRITE)]
