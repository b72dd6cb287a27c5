# SPDX-License-Identifier: Apache-2.0
"""PN532 frames as UM0701-02 and other people's traces show them, in every piece they may come."""

from binascii import hexlify, unhexlify

from drivers.pn532_frame import (
    ACK,
    ACK_FRAME,
    BAD,
    ERROR,
    FRAME,
    FRAME_MAX,
    MORE,
    NACK,
    NACK_FRAME,
    FrameReader,
    encode,
    whole_bytes,
)
from duotap.errors import Broken
from raising import raises

# Command code and parameters; the frame around them.
SENT = (
    ("02", "0000ff02fed4022a00"),  # GetFirmwareVersion
    ("140100", "0000ff04fcd41401001700"),  # SAMConfiguration, short form
    ("86", "0000ff02fed486a600"),  # TgGetData
    ("4a0200", "0000ff04fcd44a0200e000"),  # InListPassiveTarget, two of type A
    ("320100", "0000ff04fcd4320100f900"),  # RFConfiguration, field off
)
# What a chip sends; what it is, and the body of frames.
RECEIVED = (
    ("0000ff00ff00", ACK, ""),
    ("0000ffff0000", NACK, ""),
    ("0000ff01ff7f8100", ERROR, ""),
    ("0000ff06fad50332010607e800", FRAME, "d50332010607"),  # nfcpy insists on this beginning
    ("0000ff05fbd58d08e0803600", FRAME, "d58d08e080"),  # TgInitAsTarget at a phone's RATS
    ("0000ff03fdd58729" + "7b00", FRAME, "d58729"),  # TgGetData after a release
)


def feed(reader, octets):
    view = reader.room(len(octets))
    assert len(view) == len(octets)
    view[:] = octets
    reader.took(len(octets))


def text(view):
    return hexlify(bytes(view)).decode()


def extended(count):
    """A chip's extended frame with a body of `count` bytes."""
    body = b"\xd5\x41" + bytes(i & 0xFF for i in range(count - 2))
    head = bytes([0, 0, 0xFF, 0xFF, 0xFF, count >> 8, count & 0xFF])
    return head + bytes([-((count >> 8) + count) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0])


def test_frames_are_written_as_the_manual_shows():
    buffer = bytearray(FRAME_MAX)
    for body, frame in SENT:
        octets = unhexlify(body)
        for split in range(1, len(octets) + 1):
            count = encode(buffer, octets[:split], octets[split:])
            assert text(buffer[:count]) == frame, body


def test_a_frame_beyond_255_bytes_is_extended():
    buffer = bytearray(FRAME_MAX)
    assert encode(buffer, b"\x40\x01", bytes(252)) == 255 + 7
    assert text(buffer[:7]) == "0000ffff01d440"
    assert encode(buffer, b"\x40\x01", bytes(253)) == 256 + 10
    assert text(buffer[:10]) == "0000ffffff0100ffd440"
    assert sum(buffer[8 : 8 + 257]) & 0xFF == 0
    assert encode(buffer, b"\x40\x01", bytes(262)) == FRAME_MAX
    assert raises(Broken, encode, buffer, b"\x40\x01", bytes(263))


def test_whole_frames_are_found():
    reader = FrameReader()
    for octets, kind, body in RECEIVED:
        feed(reader, unhexlify(octets))
        assert reader.scan() == kind, octets
        if kind == FRAME:
            assert text(reader.body()) == body
        assert reader.scan() == MORE
        assert not reader.begun()


def test_every_piece_of_a_frame_asks_for_no_more_than_is_missing():
    for octets in [unhexlify(entry[0]) for entry in RECEIVED] + [extended(260)]:
        for cut in range(len(octets) - 1):
            reader = FrameReader()
            feed(reader, octets[:cut])
            if reader.scan() != MORE:
                assert cut == len(octets) - 1
                continue
            assert 0 < reader.need <= len(octets) - 1 - cut
            assert reader.begun() == any(octets[:cut])
            feed(reader, octets[cut:])
            assert reader.scan() != MORE


def test_frames_may_follow_at_once():
    reader = FrameReader()
    feed(reader, b"".join([unhexlify(octets) for octets, kind, body in RECEIVED]))
    for octets, kind, body in RECEIVED:
        assert reader.scan() == kind, octets
        if kind == FRAME:
            assert text(reader.body()) == body
    assert reader.scan() == MORE


def test_anything_before_a_frame_is_eaten():
    for padding in (b"", b"\x00" * 5, b"\x55\x55\x00\x00", b"\x01\x00\x00"):
        reader = FrameReader()
        feed(reader, padding + unhexlify("00ff06fad50332010607e8"))
        assert reader.scan() == FRAME
        assert text(reader.body()) == "d50332010607"


def test_the_longest_frame_fits_behind_an_ack():
    reader = FrameReader()
    feed(reader, unhexlify("0000ff00ff00") + extended(265))
    assert reader.scan() == ACK
    assert reader.scan() == FRAME
    assert len(reader.body()) == 265
    assert text(reader.body()[:4]) == "d5410001"


def test_a_changed_bit_never_gives_another_frame():
    octets = unhexlify("0000ff06fad50332010607e800")
    for at in range(2, len(octets) - 1):
        for bit in range(8):
            spoiled = bytearray(octets)
            spoiled[at] ^= 1 << bit
            reader = FrameReader()
            feed(reader, spoiled)
            assert reader.scan() in (BAD, MORE), (at, bit)


def test_bad_frames_leave_nothing_behind():
    for octets in (
        "0000ff06fad50332010607e900",  # DCS
        "0000ff06fbd50332010607e800",  # LCS
        "0000ffffff0109f7" + "00" * 12,  # length 265 with a wrong LCS
        "0000ffffff010af5" + "00" * 12,  # length 266
        "0000ff02fed4022a00",  # a host's frame
        "0000ff01ffd52b00",  # no command code
        "0000ff000000",  # no body
    ):
        reader = FrameReader()
        feed(reader, unhexlify(octets))
        assert reader.scan() == BAD, octets
        assert reader.scan() == MORE
        feed(reader, unhexlify("0000ff00ff00"))
        assert reader.scan() == ACK


def test_the_beginning_of_a_frame_tells_how_long_it_is():
    for count in (2, 3, 100, 254, 255, 256, 257, 264, 265):
        frame = extended(count) if count > 255 else normal(count)
        assert whole_bytes(frame[:8]) == whole_bytes(frame) == len(frame)
        assert whole_bytes(frame[:6]) == (8 if count > 255 else len(frame))
    for bare in (ACK_FRAME, NACK_FRAME):
        assert whole_bytes(bare) == whole_bytes(bare + b"\x80\x80") == 6
    assert whole_bytes(unhexlify("0000ff01ff7f")) == 8
    broken_acks = ("0000ff01ff00", "0000ff808080", "0000ff00fe00", "0000fe00ff00")
    for stray in ("000000ff02fe", "0000ff02ffd5", "000100ff02fe", "80" * 6) + broken_acks:
        assert whole_bytes(unhexlify(stray)) == 0
    assert whole_bytes(unhexlify("0000ffffff0200fe")) == 0


def normal(count):
    """A chip's frame with a body of `count` bytes."""
    body = b"\xd5\x41" + bytes(count - 2)
    return bytes([0, 0, 0xFF, count, -count & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0])
