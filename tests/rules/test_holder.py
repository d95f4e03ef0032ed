"""One key a voucher, from one seed a device."""

import hashlib
import hmac

import pytest

from mirabelle.rules import ed25519, holder

SEED = bytes(range(32))


def test_the_derived_key_is_hkdf_sha256_with_the_frames_own_label() -> None:
    extracted = hmac.digest(b"voucher one", SEED, hashlib.sha256)
    assert holder.derive_holder_key(SEED, b"voucher one") == hmac.digest(extracted, b"MV1 holder\x01", hashlib.sha256)


def test_each_voucher_has_its_own_key_and_the_same_one_every_time() -> None:
    keys = [holder.derive_holder_key(SEED, f"{number}".encode()) for number in range(50)]
    assert len(set(keys)) == 50
    assert keys[7] == holder.derive_holder_key(SEED, b"7")


def test_another_device_derives_another_key() -> None:
    assert holder.derive_holder_key(SEED, b"7") != holder.derive_holder_key(bytes(32), b"7")


def test_a_derived_key_signs_what_its_public_key_verifies() -> None:
    private = holder.derive_holder_key(SEED, b"7")
    assert ed25519.verify(holder.public_key(private), b"shown", holder.sign(private, b"shown"))


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        holder.derive_holder_key(SEED[:31], b"7")
