# SPDX-License-Identifier: Apache-2.0
"""The tag that phones read: what Android, iPhones and others were seen to ask, byte by byte."""

from binascii import hexlify, unhexlify

from duotap.type4 import Tag, uri_record

URI = b"https://pay.example/s/1"
MESSAGE = "d101105504" + hexlify(b"pay.example/s/1").decode()
APPLICATION = "00a4040007d276000085010100"
MISSING, UNKNOWN = "6a82", "6d00"


def ask(tag, *commands):
    """The answers, as text."""
    return [hexlify(tag.answer(unhexlify(command))).decode() for command in commands]


def test_an_android_phone_reads_the_link():
    length = len(MESSAGE) // 2
    commands = (
        APPLICATION,
        "00a4000c02e103",
        "00b000000f",
        "00a4000c02e104",
        "00b0000002",
        f"00b00002{length:02x}",
    )
    assert ask(Tag(URI), *commands) == [
        "9000",
        "9000",
        "000f20003b00340406e1047fff00ff9000",
        "9000",
        f"{length:04x}9000",
        MESSAGE + "9000",
    ]


def test_select_without_le_and_with_another_p2():
    answers = ask(Tag(URI), APPLICATION[:-2], "00a4000002e104", "00b0000002")
    assert answers[:2] == ["9000", "9000"] and len(answers[2]) == 8


def test_probes_for_other_cards_are_answered():
    tag = Tag(URI)
    for probe, answer in (
        ("9060000000", "6e00"),
        ("00a4040007d276000085010000", MISSING),
        ("00a404000e325041592e5359532e444446303100", MISSING),
        ("00a4000c02e103", MISSING),
        ("00b0000002", "6985"),
        ("00ca000000", UNKNOWN),
        ("00", "6700"),
        ("", "6700"),
        ("00b00002000010", "6700"),
    ):
        assert ask(tag, probe) == [answer], probe
    assert ask(tag, APPLICATION) == ["9000"]
    assert ask(tag, "00a4000c02e105", "00b0000002") == [MISSING, "6985"]


def test_nothing_can_be_written():
    tag = Tag(URI)
    before = ask(tag, APPLICATION, "00a4000c02e104", "00b0000000")
    assert ask(tag, "00d600000201ff") == ["6982"]
    assert ask(tag, APPLICATION, "00a4000c02e104", "00b0000000") == before


def test_every_read_shows_what_lies_there_and_nothing_behind():
    tag = Tag(URI)
    whole = unhexlify(ask(tag, APPLICATION, "00a4000c02e104", "00b0000000")[2])[:-2]
    assert whole == bytes((0, len(MESSAGE) // 2)) + unhexlify(MESSAGE)
    for offset in range(len(whole) + 3):
        for le in (1, 2, 59, 255, 256):
            command = bytes((0, 0xB0, offset >> 8, offset & 0xFF, le & 0xFF))
            answer = tag.answer(command)
            if offset > len(whole):
                assert answer == b"\x6b\x00"
            else:
                assert answer == whole[offset : offset + le] + b"\x90\x00"
    assert tag.answer(b"\x00\xb0\xff\xff\x01") == b"\x6b\x00"


def test_each_activation_begins_anew():
    tag = Tag(URI)
    ask(tag, APPLICATION, "00a4000c02e104")
    tag.begin()
    assert ask(tag, "00b0000002", "00a4000c02e104") == ["6985", MISSING]


def test_a_tag_without_a_link_is_empty():
    assert ask(Tag(b""), APPLICATION, "00a4000c02e104", "00b0000000")[2] == "00009000"


def test_links_become_records():
    for uri, record in (
        (b"https://www.a.cn", "d1010555" + "02" + "612e636e"),
        (b"http://www.a.cn", "d1010555" + "01" + "612e636e"),
        (b"https://a.cn", "d1010555" + "04" + "612e636e"),
        (b"http://a.cn", "d1010555" + "03" + "612e636e"),
        (b"tel:1", "d1010655" + "00" + "74656c3a31"),
    ):
        assert hexlify(uri_record(uri)).decode() == record
    assert uri_record(b"a" * 254)[:5] == unhexlify("d101ff5500")
    assert uri_record(b"a" * 255)[:8] == unhexlify("c101000001005500")
    assert len(uri_record(b"a" * 255)) == 7 + 256
