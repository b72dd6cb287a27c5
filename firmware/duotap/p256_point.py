# SPDX-License-Identifier: Apache-2.0
"""Points of the curve P-256 (SP 800-186 section 3.2.1.3): field, group law, inversion.

Field elements are plain integers in [0, P). A point on its way is Jacobian, (X, Y, Z) with
x = X / Z**2 and y = Y / Z**3; Z = 0 is the point at infinity. Sums are complete: every case of
equal, opposite and infinite points is handled, because verification meets chosen points.
Integers of any size only: nothing here depends on the width of a machine word. Remainders are
what costs (on the boards twice a product), so formulas take a product more to save one.

It knows nothing of scalars, keys, hashes and signatures. Long integers are not constant in time;
callers mask what is secret before it comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    Affine = tuple[int, int]
    Jacobian = tuple[int, int, int]
    Step = tuple[int, int, int]

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5

INFINITY = (1, 1, 0)


def inverse(value: int, modulus: int) -> int:
    """Return 1 / value for 0 < value < modulus, modulus prime (extended Euclid, HAC 2.107).

    Two steps a turn: in one the cofactor stands for itself, in the next one for its opposite, so
    both stay positive. Time depends on the value: callers mask secrets first.
    """
    if not 0 < value < modulus:
        raise Broken("no inverse")
    high, low = modulus, value
    before, cofactor = 0, 1
    while low != 1:
        quotient, high = divmod(high, low)
        before += quotient * cofactor
        if high == 1:
            return modulus - before
        quotient, low = divmod(low, high)
        cofactor += quotient * before
    return cofactor


def is_on_curve(x: int, y: int) -> bool:
    """Tell whether the field elements x, y satisfy y**2 = x**3 - 3x + B."""
    return (y * y - (x * x - 3) * x - B) % P == 0


def double(point: Jacobian) -> Jacobian:
    """Return 2 * point; 8 products, 7 remainders (a = -3). Infinity stays infinity."""
    x, y, z = point
    p = P
    zz = z * z % p
    yy = y * y % p
    beta = 4 * x * yy % p
    alpha = 3 * (x - zz) * (x + zz) % p
    x3 = (alpha * alpha - 2 * beta) % p
    return x3, (alpha * (beta - x3) - 8 * yy * yy) % p, 2 * y * z % p


def walk(point: Jacobian, steps: Iterable[Step]) -> Jacobian:
    """Return the point after all steps; a step is (n, x, y): n doublings, then + (x, y) unless x
    and y are 0, which are no point.

    All of it is one function, because calls and tuples cost a tenth of a sum. While it doubles it
    carries 2 * Y, which saves two small products a turn. A doubling takes 8 products and 7
    remainders, a sum 12 and 9.
    """
    x, y, z = point
    p = P
    for times, x2, y2 in steps:
        if z == 0:
            x, y, z = x2, y2, 1 if y2 else 0
            continue
        if times:
            y += y
            while times:
                times -= 1
                yy = y * y % p
                zz = z * z % p
                z = y * z % p
                beta = x * yy % p
                alpha = (x - zz) * (x + zz) * 3 % p
                x = (alpha * alpha - beta - beta) % p
                beta -= x
                y = ((beta + beta) * alpha - yy * yy) % p
            y = (y + p if y & 1 else y) >> 1
        if y2:
            zz = z * z % p
            x2 = x2 * zz % p
            r = (zz * z % p * y2 - y) % p
            h = x2 - x
            if h == 0:
                x, y, z = INFINITY if r else double((x, y, z))
                continue
            z = z * h % p
            zz = h * h % p
            y = (r * x - y * h) % p
            x = (r * r - (x2 + x) * zz) % p
            y = (zz * y - r * x) % p
    return x, y, z


def double_times(point: Jacobian, times: int) -> Jacobian:
    """Return 2**times * point."""
    return walk(point, ((times, 0, 0),))


def add_affine(point: Jacobian, x2: int, y2: int) -> Jacobian:
    """Return point + (x2, y2)."""
    return walk(point, ((0, x2, y2),))


def affine(point: Jacobian) -> Affine:
    """Return x, y of a finite point."""
    x, y, z = point
    if z == 0:
        raise Broken("point at infinity")
    inverted = inverse(z, P)
    squared = inverted * inverted % P
    return x * squared % P, y * (squared * inverted % P) % P


def affine_all(points: list[Jacobian]) -> list[Affine]:
    """Return x, y of finite points with one inversion for all (Montgomery's trick)."""
    products = [1]
    for point in points:
        products.append(products[-1] * point[2] % P)
    if products[-1] == 0:
        raise Broken("point at infinity")
    inverted = inverse(products.pop(), P)
    done: list[Affine] = []
    for x, y, z in reversed(points):
        own = inverted * products.pop() % P
        inverted = inverted * z % P
        squared = own * own % P
        done.append((x * squared % P, y * (squared * own % P) % P))
    done.reverse()
    return done
