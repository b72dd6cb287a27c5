# SPDX-License-Identifier: Apache-2.0
"""One round of the signature benchmark, on MicroPython's Unix port.

`micropython crypto_round.py MODE OPERATION COUNT DIRECTORY...`: MODE is `ours` or `embit`,
OPERATION one of crypto_bench.OPERATIONS: each has an interpreter of its own, so that it collects
no garbage of another's. Prints one line `name|microseconds` an operation: CPU time, the mean of
many runs over COUNT digests, after one that is not counted.
"""

import sys

SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def digests(count):
    from hashlib import sha256

    return [sha256(bytes([i])).digest() for i in range(count + 1)]


# Between two readings of the clock, which knows milliseconds: long enough to be right within 1 %.
SPAN_S = 0.1


def timed(name, call, arguments):
    """Print the CPU time of a call, in microseconds; the first call only warms up."""
    import gc
    from time import clock

    call(*arguments[0])
    gc.collect()
    count = 0
    begin = clock()
    while clock() - begin < SPAN_S:
        for each in arguments[1:]:
            call(*each)
        count += len(arguments) - 1
    print(f"{name}|{(clock() - begin) * 1e6 / count}")


def ours(operation, count):
    from duotap import p256

    hashes = digests(count)
    extra = bytes(range(32))
    public = p256.public_key(SECRET)
    if operation == "sign":
        timed("sign", p256.sign, [(SECRET, digest, extra) for digest in hashes])
    elif operation == "parts":
        parts(p256, hashes, extra, public)
    else:
        key = public if operation == "verify" else p256.KnownKey(public)
        signed = [(key, digest, p256.sign(SECRET, digest, extra)) for digest in hashes]
        timed(operation, p256.verify, signed)


def parts(p256, hashes, extra, public):
    """What each protection is made of, alone; crypto_bench.py says what is subtracted."""
    from duotap import p256_comb, p256_point

    generator = p256._GENERATOR
    secrets = [SECRET + i for i in range(len(hashes))]
    timed("uniform, masked", p256_comb.multiply, [(generator, i, SECRET) for i in secrets])
    timed("uniform", uniform, [(p256_point, generator, i) for i in secrets])
    timed("skipping", skipping, [(p256_point, generator, i) for i in secrets])
    timed("nonce", nonce, [(p256, digest, b"") for digest in hashes])
    timed("nonce, hedged", nonce, [(p256, digest, extra) for digest in hashes])
    timed("nonce, masks", masks, [(p256, digest, b"") for digest in hashes])
    timed("masked inversion", blinds, [(p256_point, i) for i in secrets])
    timed("on curve", p256_point.is_on_curve, [p256.load_public(public)] * len(hashes))


def steps(comb, scalar, bits, skip):
    """The steps of a product without masks, of so many bits; skipping those of digits 0."""
    digits = comb.digits(scalar | 1)
    positions = comb.teeth * comb.blocks
    for column in range((bits + positions - 1) // positions - 1, -1, -1):
        times = 1
        place = column
        for x, y in comb.entries(digits, column):
            if digits[place] or not skip:
                yield times, x, y
                times = 0
            place += comb.columns


def uniform(p256_point, comb, scalar):
    """The fixed schedule without masks: the 257 bits of an odd scalar, no masked coordinates."""
    return p256_point.walk(p256_point.INFINITY, steps(comb, scalar, 257, False))


def skipping(p256_point, comb, scalar):
    """What the same table takes with digits 0 and 1: 256 bits, and one addition in 2**teeth is
    skipped."""
    return p256_point.walk(p256_point.INFINITY, steps(comb, scalar, 256, True))


def nonce(p256, digest, extra):
    return p256.Nonces(SECRET, digest, extra).next()


def masks(p256, digest, extra):
    nonces = p256.Nonces(SECRET, digest, extra)
    nonces.next()
    return nonces.mask(p256.MASK_POINT), nonces.mask(p256.MASK_INVERSE)


def blinds(p256_point, scalar):
    """The products that a masked inversion adds to s."""
    n = p256_point.N
    mask = n - scalar
    return (scalar * mask + mask * scalar % n * scalar) % n, scalar * mask % n


class Hmac:
    """The two calls that embit makes to a module `hmac`, which MicroPython lacks."""

    @staticmethod
    def new(key, message, name):
        from duotap import hmac

        assert name == "sha256"
        made = Hmac()
        made.digest = lambda: hmac.digest(key, message)
        return made


def embit_key(folder):
    """embit's own key.py; of its DER encoding alone int.bit_length is replaced (MicroPython has
    none): every number is written with 33 bytes."""
    with open(folder + "/embit/util/key.py") as file:
        text = file.read()
    sys.modules["hmac"] = Hmac
    assert text.count(".bit_length()") == 2
    names = {}
    exec(text.replace("r.bit_length()", "256").replace("s.bit_length()", "256"), names)
    return names


def embit(operation, count):
    key = embit_key(sys.path[0])
    hashes = digests(count)
    extra = bytes(range(32))
    secret = key["ECKey"]()
    secret.set(SECRET.to_bytes(32, "big"), False)
    curve = key["SECP256K1"]
    public = secret.get_pubkey()
    point = curve.affine(public.p)
    encoded = b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    signed = []

    def sign(digest):
        """Hedged, as ours is."""
        signed.append(secret.sign_ecdsa(digest, None, extra))

    if operation == "sign":
        timed("sign", sign, [(digest,) for digest in hashes])
        return
    for digest in hashes:
        sign(digest)
    # Numbers of 33 bytes are refused where 32 do: the shortest form, outside of the timing.
    each = [(shortest(der), digest) for der, digest in zip(signed, hashes)]

    def verify(der, digest):
        """From the bytes of a key, as ours does; both look whether it is on the curve."""
        public = key["ECPubKey"]()
        public.set(encoded)
        assert public.verify_ecdsa(der, digest)

    timed("verify", verify, each)


def shortest(der):
    """The same two numbers in the shortest form that DER allows."""
    numbers = b""
    for start in (4, 39):
        number = der[start : start + 33]
        while len(number) > 1 and number[0] == 0 and number[1] < 0x80:
            number = number[1:]
        numbers += bytes([2, len(number)]) + number
    return bytes([0x30, len(numbers)]) + numbers


def main():
    mode, operation, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sys.path[:] = sys.argv[4:] + [".frozen"]
    {"ours": ours, "embit": embit}[mode](operation, count)


main()
