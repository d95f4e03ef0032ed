"""Strict Ed25519, against curve arithmetic written out here so that the constants of the code prove themselves."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import ed25519, holder

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
MESSAGE = b"one voucher"

Point = tuple[int, int]


def add(left: Point, right: Point) -> Point:
    (x1, y1), (x2, y2) = left, right
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def times(count: int, point: Point) -> Point:
    total = (0, 1)
    while count:
        if count & 1:
            total = add(total, point)
        point, count = add(point, point), count >> 1
    return total


def encoded(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decoded(y: int) -> Point | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x, y) if x * x % P == square else None


BASE = next(p if p[0] % 2 == 0 else (P - p[0], p[1]) for p in [decoded(4 * pow(5, -1, P) % P)] if p)


def small_order_points() -> set[Point]:
    """Multiply points of the curve by L until one of order 8 is left; its multiples are all eight."""
    candidates = (point for y in range(2, 200) if (point := decoded(y)))
    generator = next(torsion for point in candidates if times(4, torsion := times(L, point)) != (0, 1))
    return {times(count, generator) for count in range(8)}


SMALL_ORDER = sorted(encoded(point) for point in small_order_points())
# y = 1 and y = -1 have x = 0, so that a set sign bit is a second spelling; and the 19 values of y past the field.
NOT_CANONICAL = [
    (1 | 1 << 255).to_bytes(32, "little"),
    (P - 1 | 1 << 255).to_bytes(32, "little"),
    *((y | sign << 255).to_bytes(32, "little") for y in range(P, 2**255) for sign in (0, 1)),
]


def challenge(r: bytes, public_key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little") % L


def test_the_first_vector_of_rfc_8032_verifies() -> None:
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert ed25519.verify(public, b"", signature)
    assert ed25519.is_safe_public_key(public)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_a_key_signs_it_verifies_and_nothing_else(private: bytes, message: bytes) -> None:
    public, signature = holder.public_key(private), holder.sign(private, message)
    assert ed25519.is_safe_public_key(public)
    assert ed25519.verify(public, message, signature)
    assert not ed25519.verify(public, message + b"\0", signature)


def test_there_are_eight_points_of_small_order() -> None:
    assert len(SMALL_ORDER) == 8


@pytest.mark.parametrize("raw", SMALL_ORDER + NOT_CANONICAL, ids=bytes.hex)
def test_a_small_order_or_non_canonical_key_is_never_enrolled(raw: bytes) -> None:
    assert not ed25519.is_safe_public_key(raw)


@pytest.mark.parametrize("point", sorted(small_order_points()), ids=lambda point: encoded(point).hex()[:8])
def test_a_forgery_under_a_small_order_key_is_refused(point: Point) -> None:
    public, s = encoded(point), 12345
    # The sum holds for one message in eight at worst, so a forger just tries: R = sB - kA.
    for number in range(1000):
        message = f"{number}".encode()
        r = encoded(times(s, BASE))
        if times(challenge(r, public, message), point) == (0, 1):
            break
    else:
        raise AssertionError("no forgery found")
    assert not ed25519.verify(public, message, r + s.to_bytes(32, "little"))


@pytest.mark.parametrize("point", sorted(small_order_points()), ids=lambda point: encoded(point).hex()[:8])
def test_a_signature_with_a_small_order_r_is_refused_even_from_the_key_itself(point: Point) -> None:
    private = bytes(range(32))
    digest = bytearray(hashlib.sha512(private).digest()[:32])
    digest[0], digest[31] = digest[0] & 248, digest[31] & 127 | 64
    secret, public = int.from_bytes(digest, "little"), holder.public_key(private)
    assert encoded(times(secret % L, BASE)) == public
    s = challenge(encoded(point), public, MESSAGE) * secret % L
    assert not ed25519.verify(public, MESSAGE, encoded(point) + s.to_bytes(32, "little"))


@pytest.mark.parametrize("multiple", range(1, 8))
def test_a_signature_with_s_plus_l_is_refused(multiple: int) -> None:
    private = bytes(32)
    signature = holder.sign(private, MESSAGE)
    s = int.from_bytes(signature[32:], "little") + multiple * L
    assert ed25519.verify(holder.public_key(private), MESSAGE, signature)
    assert not ed25519.verify(holder.public_key(private), MESSAGE, signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("raw", NOT_CANONICAL, ids=bytes.hex)
def test_a_non_canonical_r_or_key_is_refused_in_a_signature(raw: bytes) -> None:
    private = bytes(32)
    public, signature = holder.public_key(private), holder.sign(private, MESSAGE)
    assert not ed25519.verify(public, MESSAGE, raw + signature[32:])
    assert not ed25519.verify(raw, MESSAGE, signature)


def test_a_key_off_the_curve_is_never_enrolled() -> None:
    chosen = random.Random(7)
    values = [*range(2, 100), *(chosen.randrange(2, P) for _ in range(200))]
    off = [y.to_bytes(32, "little") for y in values if decoded(y) is None]
    on = [y.to_bytes(32, "little") for y in values if decoded(y) is not None]
    assert off and not any(map(ed25519.is_safe_public_key, off))
    assert on and all(map(ed25519.is_safe_public_key, on))


def test_wrong_lengths_are_refused_without_a_crash() -> None:
    public, signature = holder.public_key(bytes(32)), holder.sign(bytes(32), MESSAGE)
    for length in (0, 31, 33):
        assert not ed25519.is_safe_public_key((public * 2)[:length])
        assert not ed25519.verify((public * 2)[:length], MESSAGE, signature)
    for length in (0, 32, 63, 65):
        assert not ed25519.verify(public, MESSAGE, (signature * 2)[:length])


def test_random_bytes_never_verify_nor_crash() -> None:
    source = random.Random(8032)
    for _ in range(500):
        assert not ed25519.verify(source.randbytes(32), MESSAGE, source.randbytes(63) + b"\x0f")
