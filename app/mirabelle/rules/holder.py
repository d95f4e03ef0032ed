"""The holder's side of a voucher: one key a voucher, derived on the device from a seed that never leaves it."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEED_BYTES = 32


def derive_holder_key(seed: bytes, salt: bytes) -> bytes:
    """Derive a voucher's raw Ed25519 private key (32 bytes) by HKDF-SHA256; the salt tells the vouchers apart."""
    if len(seed) < SEED_BYTES:
        raise ValueError(f"a device seed has at least {SEED_BYTES} bytes")
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"MV1 holder").derive(seed)


def public_key(raw_private: bytes) -> bytes:
    """Compute the 32-byte Ed25519 public key of a raw private key."""
    return Ed25519PrivateKey.from_private_bytes(raw_private).public_key().public_bytes_raw()


def sign(raw_private: bytes, message: bytes) -> bytes:
    """Sign with a raw private key; 64 bytes (RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(raw_private).sign(message)
