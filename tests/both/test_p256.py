# SPDX-License-Identifier: Apache-2.0
"""P-256: the vectors of RFC 6979 A.2.5 and of NIST's ECDH, and every edge of the group law."""

from hashlib import sha256

from duotap import p256
from duotap.errors import Broken, Malformed
from duotap.p256 import BadSignature, KnownKey
from duotap.p256_comb import (
    MAGNITUDE,
    NEGATIVE,
    Comb,
    masked,
    multiply,
    odd_multiples,
    sum_of_combs,
    sum_with_point,
    wnaf,
)
from duotap.p256_making import comb_of
from duotap.p256_point import (
    GX,
    GY,
    INFINITY,
    N,
    P,
    add_affine,
    affine,
    affine_all,
    double,
    double_times,
    inverse,
    is_on_curve,
    walk,
)
from raising import raises

SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
PUBLIC = bytes.fromhex(
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
SAMPLE = sha256(b"sample").digest()
# RFC 6979 A.2.5, with SHA-256: message, r, s.
RFC_6979 = (
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
)
# NIST CAVS 14.1, ECC CDH primitive, P-256, counts 0 and 1: secret, public x, y, shared x.
ECDH = (
    (
        0x7D7DC5F71EB29DDAF80D6214632EEAE03D9058AF1FB6D22ED80BADB62BC1A534,
        "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
        "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
        "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
    ),
    (
        0x38F65D6DCE47676044D58CE5139582D568F64BB16098D179DBAB07741DD5CAF5,
        "809f04289c64348c01515eb03d5ce7ac1a8cb9498f5caa50197e58d43a86a7ae"
        "b29d84e811197f25eba8f5194092cb6ff440e26d4421011372461f579271cda3",
        "057d636096cb80b67a8c038c890e887d1adfa4195e9b3ce241c8a778c59cda67",
    ),
)
MASK = 0x0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
GENERATOR = comb_of(GX, GY, 5, 2, 29)


def encoded(r, s):
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def times_g(scalar):
    """The plainest double-and-add, to compare with."""
    point = INFINITY
    for i in range(255, -1, -1):
        point = double(point)
        if scalar >> i & 1:
            point = add_affine(point, GX, GY)
    return point


def finite(point):
    return None if point[2] == 0 else affine(point)


def verdict(public, digest, signature):
    """True or False, and the same from a bare and from a known key."""
    bare = not raises(BadSignature, p256.verify, public, digest, signature)
    known = not raises(BadSignature, p256.verify, KnownKey(public), digest, signature)
    assert bare == known
    return bare


def test_rfc_6979_signatures():
    for message, r, s in RFC_6979:
        digest = sha256(message).digest()
        assert p256.rfc6979_signature(SECRET, digest, b"") == (r, s)
        assert p256.sign(SECRET, digest) == encoded(r, min(s, N - s))
        assert verdict(PUBLIC, digest, encoded(r, s))
        assert verdict(PUBLIC, digest, encoded(r, N - s))


def test_public_key():
    assert p256.public_key(SECRET) == PUBLIC
    generator = b"\x04" + encoded(GX, GY)
    assert p256.public_key(1) == generator
    assert p256.public_key(N - 1) == b"\x04" + encoded(GX, P - GY)
    for secret in (2, 3, N - 2, N >> 1, (N >> 1) + 1, (1 << 255) - 1, 1 << 255, 1 << 31, 1 << 32):
        x, y = affine(times_g(secret))
        assert p256.public_key(secret) == b"\x04" + encoded(x, y)


def test_secret_out_of_range_is_broken():
    for secret in (-1, 0, N, N + 1, 1 << 256):
        assert raises(Broken, p256.public_key, secret)
        assert raises(Broken, p256.sign, secret, SAMPLE)
        assert raises(Broken, p256.ecdh, secret, PUBLIC)


def test_digest_of_wrong_length_is_broken():
    for digest in (b"", SAMPLE[:31], SAMPLE + b"\x00"):
        assert raises(Broken, p256.sign, SECRET, digest)
        assert raises(Broken, p256.verify, PUBLIC, digest, bytes(64))


def test_secret_from_entropy():
    """FIPS 186-5 A.2.1: (c mod (n - 1)) + 1, so that neither 0 nor n can come out."""
    assert p256.secret_from_entropy(bytes(48)) == 1
    assert p256.secret_from_entropy((N - 2).to_bytes(48, "big")) == N - 1
    assert p256.secret_from_entropy((N - 1).to_bytes(48, "big")) == 1
    assert p256.secret_from_entropy(b"\xff" * 48) == ((1 << 384) - 1) % (N - 1) + 1
    for size in (0, 32, 40, 47, 49):
        assert raises(Broken, p256.secret_from_entropy, bytes(size))


def test_signatures_are_low_and_hedged():
    seen = []
    for i in range(6):
        signature = p256.sign(SECRET, SAMPLE, bytes([i]) * 32)
        assert len(signature) == 64
        assert p256.is_low_s(signature)
        assert signature == p256.sign(SECRET, SAMPLE, bytes([i]) * 32)
        assert signature not in seen
        p256.verify(PUBLIC, SAMPLE, signature)
        seen.append(signature)


def test_is_low_s():
    half = N >> 1
    assert p256.is_low_s(encoded(1, 1))
    assert p256.is_low_s(encoded(1, half))
    assert not p256.is_low_s(encoded(1, half + 1))
    assert not p256.is_low_s(encoded(1, N - 1))


def test_digests_at_the_edges_sign_and_verify():
    """A digest is reduced modulo N; 0 and N make u1 = 0, an infinite product of G."""
    for number in (0, 1, N - 1, N, N + 1, (1 << 256) - 1):
        digest = number.to_bytes(32, "big")
        signature = p256.sign(SECRET, digest)
        assert verdict(PUBLIC, digest, signature)
        assert not verdict(PUBLIC, SAMPLE, signature)
    # RFC 6979 section 2.3.4: the nonce hangs on the reduced digest.
    assert p256.sign(SECRET, N.to_bytes(32, "big")) == p256.sign(SECRET, bytes(32))


def test_range_of_r_and_s():
    signature = p256.sign(SECRET, SAMPLE)
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    top = (1 << 256) - 1
    for wrong in ((0, s), (r, 0), (0, 0), (N, s), (r, N), (top, s), (r, top), (s, r), (P, s)):
        assert not verdict(PUBLIC, SAMPLE, encoded(wrong[0], wrong[1]))
    padded = signature[:32] + b"\x00" + signature[32:]
    for wrong in (b"", signature[:63], signature + b"\x00", padded, bytes(64)):
        assert not verdict(PUBLIC, SAMPLE, wrong)


def test_every_part_of_a_signature_counts():
    signature = p256.sign(SECRET, SAMPLE)
    known = KnownKey(PUBLIC)
    for i in range(0, 512, 37):
        forged = bytearray(signature)
        forged[i >> 3] ^= 1 << (i & 7)
        assert raises(BadSignature, p256.verify, PUBLIC, SAMPLE, bytes(forged))
        assert raises(BadSignature, p256.verify, known, SAMPLE, bytes(forged))
    other = p256.public_key(SECRET + 1)
    assert not verdict(other, SAMPLE, signature)


def test_sums_that_meet_equal_opposite_and_infinite_points():
    """A chosen digest lets u1 * G be equal or opposite to u2 * Q (FIPS 186-5 section 6.4.2)."""
    for secret in (1, 2, 3, N - 1, N - 2, SECRET):
        public = p256.public_key(secret)
        nonce = 0x1234567 << 200
        r = affine(times_g(nonce))[0] % N
        equal = r * secret % N
        s = inverse(nonce, N) * (2 * equal) % N
        assert verdict(public, equal.to_bytes(32, "big"), encoded(r, s))
        assert not verdict(public, (N - equal).to_bytes(32, "big"), encoded(r, s))
        # z + r * secret = 0: the sum is infinite whatever s is.
        assert not verdict(public, ((N - r) * secret % N).to_bytes(32, "big"), encoded(r, s))


def test_x_coordinate_above_the_order():
    """x of the sum may lie in [N, P): then r = x - N. The key is made for R = (N + 3, y)."""
    x, r, s, z = N + 3, 3, 5, 7
    y = 0x484F0C0FDA434EF0A808458914F328715D7A545E198AC7EEE31DFFE861B5D23F
    inverted = inverse(r, N)
    point = sum_of_combs(
        comb_of(x, y, 5, 2, 26), s * inverted % N, GENERATOR, N - z * inverted % N
    )
    public = b"\x04" + encoded(*affine(point))
    assert verdict(public, z.to_bytes(32, "big"), encoded(r, s))
    assert not verdict(public, z.to_bytes(32, "big"), encoded(r + 1, s))
    assert not verdict(public, z.to_bytes(32, "big"), encoded(r + N, s))
    assert not verdict(public, (z + 1).to_bytes(32, "big"), encoded(r, s))


def test_load_public():
    assert p256.load_public(PUBLIC) == (
        int.from_bytes(PUBLIC[1:33], "big"),
        int.from_bytes(PUBLIC[33:], "big"),
    )
    x, y = p256.load_public(PUBLIC)
    for wrong in (
        b"",
        b"\x00",
        PUBLIC[:64],
        PUBLIC + b"\x00",
        PUBLIC[:33] + b"\x00" + PUBLIC[33:],
        b"\x02" + PUBLIC[1:33],
        b"\x03" + PUBLIC[1:],
        b"\x06" + PUBLIC[1:],
        bytes(65),
        b"\x04" + bytes(64),
        b"\x04" + encoded(y, x),
        b"\x04" + encoded(x, y ^ 1),
        b"\x04" + encoded(P, y),
        b"\x04" + encoded(x, P),
        b"\x04" + encoded((1 << 256) - 1, y),
    ):
        assert raises(Malformed, p256.load_public, wrong)
        assert raises(Malformed, p256.ecdh, SECRET, wrong)
        assert raises(Malformed, KnownKey, wrong)
        assert raises(Malformed, p256.verify, wrong, SAMPLE, encoded(1, 1))


def test_coordinates_are_not_reduced_silently():
    """One point has x = 5, one has y = 5; 5 + P is the same field element, but no encoding."""
    y = 0x459243B9AA581806FE913BCE99817ADE11CA503C64D9A3C533415C083248FBCC
    x = 0xD7325D7646CD60D80A92738CEB345F844CFFAF35841022CAB176F692DE8DE1D7
    assert p256.load_public(b"\x04" + encoded(5, y)) == (5, y)
    assert p256.load_public(b"\x04" + encoded(x, 5)) == (x, 5)
    assert is_on_curve(5 + P, y)
    assert is_on_curve(x, 5 + P)
    assert raises(Malformed, p256.load_public, b"\x04" + encoded(5 + P, y))
    assert raises(Malformed, p256.load_public, b"\x04" + encoded(x, 5 + P))


def test_ecdh_vectors():
    for secret, public, shared in ECDH:
        assert p256.ecdh(secret, b"\x04" + bytes.fromhex(public)) == bytes.fromhex(shared)


def test_ecdh_agrees_and_has_edges():
    other = 0x1111
    assert p256.ecdh(SECRET, p256.public_key(other)) == p256.ecdh(other, PUBLIC)
    for secret in (1, N - 1):
        assert p256.ecdh(secret, PUBLIC) == PUBLIC[1:33]


def test_group_law():
    g = (GX, GY, 1)
    minus = (GX, P - GY)
    assert double(INFINITY)[2] == 0
    assert finite(add_affine(INFINITY, GX, GY)) == (GX, GY)
    for point in (g, (GX * 9 % P, GY * 27 % P, 3)):
        assert finite(add_affine(point, GX, GY)) == finite(double(g))
        assert add_affine(point, minus[0], minus[1])[2] == 0
    assert raises(Broken, affine, INFINITY)
    assert raises(Broken, affine_all, [g, INFINITY])
    assert affine_all([g, double(g)]) == [affine(g), affine(double(g))]


def test_double_times():
    for point in ((GX, GY, 1), (GX * 9 % P, GY * 27 % P, 3)):
        expected = point
        for times in range(1, 9):
            expected = double(expected)
            assert finite(double_times(point, times)) == finite(expected)
    assert double_times(INFINITY, 5)[2] == 0


def test_inverse():
    for modulus in (N, P):
        for value in (1, 2, 3, modulus - 1, modulus - 2, modulus >> 1, 1 << 255, SECRET):
            assert inverse(value, modulus) * value % modulus == 1
        for value in (-1, 0, modulus, modulus + 1):
            assert raises(Broken, inverse, value, modulus)


def test_window_form():
    for scalar in (0, 1, 15, 16, 17, 31, 32, N - 1, (1 << 256) - 1, 1 << 255, SECRET):
        value = 0
        end = -5
        window = wnaf(scalar)
        assert len(window) == 257
        for place in range(257):
            digit = window[place] & MAGNITUDE
            if window[place]:
                assert digit & 1
                assert place >= end + 5
                end = place
                value += (-digit if window[place] & NEGATIVE else digit) << place
        assert value == scalar


def test_odd_multiples():
    for scalar in (1, 2, N - 1, SECRET):
        x, y = affine(times_g(scalar))
        expected = [affine(times_g(scalar * i % N)) for i in (1, 3, 5, 7, 9, 11, 13, 15)]
        assert odd_multiples(x, y) == expected


def test_walk():
    g = (GX, GY, 1)
    assert finite(walk(INFINITY, ())) is None
    assert finite(walk(INFINITY, ((5, 0, 0), (3, GX, GY), (2, 0, 0)))) == affine(times_g(4))
    assert finite(walk(g, ((3, GX, GY), (1, GX, P - GY), (2, 0, 0)))) == affine(times_g(68))
    assert finite(walk(g, ((0, GX, P - GY), (4, 0, 0)))) is None
    assert finite(walk(g, ((0, GX, P - GY), (4, GX, GY)))) == (GX, GY)


def test_comb_digits():
    comb = GENERATOR
    scalars = ((1, 1), (3, 3), (N, N), (SECRET, SECRET), ((1 << 290) - 1, (1 << 290) - 1))
    for scalar, expected in scalars + ((0, -N), (2, 2 - N), (N - 1, -1)):
        digits = comb.digits(scalar)
        value = 0
        for tooth in range(5):
            for position in range(58):
                sign = 2 * (digits[position] >> tooth & 1) - 1
                value += sign * (1 << tooth * 58 + position)
        assert value == expected
    for scalar in (-1, N + 1, 1 << 290, (1 << 290) + 1):
        assert raises(Broken, comb.digits, scalar)


def test_masks_change_the_way_and_not_the_result():
    assert len({masked(SECRET, mask) for mask in range(100)}) == 100
    for scalar in (1, 2, N - 1, SECRET):
        for mask in (1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, P - 1, MASK):
            long_scalar = masked(scalar, mask)
            assert long_scalar % N == scalar
            assert long_scalar & 1
            assert long_scalar >> 288 == 0
            point = multiply(GENERATOR, scalar, mask)
            assert affine(point) == affine(times_g(scalar))


def test_combs_of_any_shape_agree():
    x, y = p256.load_public(PUBLIC)
    expected = affine(add_affine(times_g(5 * SECRET % N), GX, GY))
    for teeth, blocks, columns in ((1, 1, 256), (2, 3, 43), (4, 1, 65), (5, 2, 26), (6, 2, 22)):
        comb = comb_of(x, y, teeth, blocks, columns)
        assert affine(sum_of_combs(GENERATOR, 1, comb, 5)) == expected
        assert affine(sum_of_combs(comb, 5, GENERATOR, 1)) == expected
    assert affine(sum_with_point(GENERATOR, 1, x, y, 5)) == expected
    assert raises(Broken, multiply, comb_of(x, y, 5, 2, 26), 1, MASK)
    assert raises(Broken, Comb, bytes(64), 2, 1, 144)
