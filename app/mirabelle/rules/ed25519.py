"""Ed25519 as strict as money needs it: one spelling a point, one spelling a signature, no small-order points.

`cryptography` takes small-order keys, and under one of those a signature fits many messages, so anyone can forge.
"""

from functools import lru_cache

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SIGN_BIT = 1 << 255

# The y of the points whose order divides 8: the neutral point, order 2, order 4, and the two of order 8.
_ORDER_8_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset(
    (y | sign).to_bytes(PUBLIC_KEY_BYTES, "little")
    for y in (1, _P - 1, 0, _ORDER_8_Y, _P - _ORDER_8_Y)
    # Both signs of each: for y = 1 and y = -1, where x is 0, the set sign is a second spelling and is refused as well.
    for sign in (0, _SIGN_BIT)
)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the signature is the key's, refusing small-order or non-canonical A and R, and S >= L."""
    if len(signature) != SIGNATURE_BYTES or int.from_bytes(signature[32:], "little") >= _L:
        return False
    if not _is_sound_point(public_key) or not _is_sound_point(signature[:32]):
        return False
    # A native library, loaded at the first signature: a phone's first screen does not wait for it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(
    maxsize=1024
)  # asked at the door and again where the voucher is signed, and each time costs a signature's work
def is_safe_public_key(raw: bytes) -> bool:
    """Tell whether these 32 bytes may be enrolled as a key: canonical, on the curve, not of small order."""
    return _is_sound_point(raw) and _is_on_curve(int.from_bytes(raw, "little") & ~_SIGN_BIT)


def _is_sound_point(raw: bytes) -> bool:
    if len(raw) != PUBLIC_KEY_BYTES or raw in _SMALL_ORDER:
        return False
    return int.from_bytes(raw, "little") & ~_SIGN_BIT < _P


def _is_on_curve(y: int) -> bool:
    """Tell whether an x exists: x^2 = (y^2 - 1) / (d y^2 + 1) must be a square."""
    square = y * y % _P
    return _jacobi((square - 1) * (_D * square + 1) % _P, _P) >= 0


def _jacobi(a: int, n: int) -> int:
    """The Jacobi symbol of a modulo an odd n: under a prime 1 for squares, 0 for 0, else -1; all of it is public.

    By quadratic reciprocity it takes a seventh of the time that Euler's criterion does.
    """
    symbol = 1
    while a:
        twos = (a & -a).bit_length() - 1
        a >>= twos
        if twos & 1 and n & 7 in (3, 5):
            symbol = -symbol
        if a & n & 2:
            symbol = -symbol
        a, n = n % a, a
    return symbol if n == 1 else 0
