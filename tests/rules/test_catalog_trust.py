"""What a device believes of the catalog: only what its programme signed, fresh, whole, and next to what it holds."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.rules.catalog_trust import (
    CLOCK_STEP_SECONDS,
    CatalogRefusal,
    HeldCatalog,
    Manifest,
    OfferedCatalog,
    judge,
    manifest_message,
)
from mirabelle.rules.trust import programme_id

NOW = 1_800_000_000
PROGRAMME, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PARTS = {"rewards": b"[1]", "stock": b"{}"}
HASHES = {name: hashlib.sha256(part).digest() for name, part in PARTS.items()}


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


HELD = HeldCatalog(public(PROGRAMME), NOW - 100, "a.5", 5)
NEXT = Manifest(programme_id(public(PROGRAMME)), "a.5", "a.9", 9, NOW, NOW + 1000, HASHES)


def offer(manifest: Manifest, key: Ed25519PrivateKey = PROGRAMME, raw: bytes = b"{}") -> OfferedCatalog:
    return OfferedCatalog(raw, key.sign(manifest_message(raw)), public(key), manifest, PARTS)


def test_what_the_programme_signed_and_comes_next_is_believed() -> None:
    assert judge(HELD, offer(NEXT), NOW) is None


def test_the_first_catalog_pins_the_programme() -> None:
    first = replace(NEXT, after="", programme=programme_id(public(STRANGER)))
    assert judge(None, offer(first, STRANGER), NOW) is None
    assert judge(HELD, offer(first, STRANGER), NOW) is CatalogRefusal.OTHER_PROGRAMME


def test_what_is_signed_by_nobody_is_refused() -> None:
    assert judge(HELD, replace(offer(NEXT), raw=b"{ }"), NOW) is CatalogRefusal.BAD_SIGNATURE
    assert judge(HELD, replace(offer(NEXT), signature=bytes(64)), NOW) is CatalogRefusal.BAD_SIGNATURE


def test_a_signature_for_tills_signs_no_catalog() -> None:
    signature = PROGRAMME.sign(b"MV1\0trust\0" + b"{}")
    assert judge(HELD, replace(offer(NEXT), signature=signature), NOW) is CatalogRefusal.BAD_SIGNATURE


def test_a_manifest_of_another_programme_is_refused() -> None:
    assert judge(HELD, offer(replace(NEXT, programme="00" * 8)), NOW) is CatalogRefusal.OTHER_PROGRAMME


@pytest.mark.parametrize("after", ["", "a.5"])
def test_what_was_kept_back_and_comes_after_a_newer_one_is_refused(after: str) -> None:
    allowed = replace(NEXT, after=after, issued_at=HELD.issued_at - CLOCK_STEP_SECONDS)
    assert judge(HELD, offer(allowed), NOW) is None
    old = replace(allowed, issued_at=allowed.issued_at - 1)
    assert judge(HELD, offer(old), NOW) is CatalogRefusal.ROLLBACK


def test_a_step_back_is_refused_and_only_a_beginning_may_be_of_a_lower_version() -> None:
    assert judge(HELD, offer(replace(NEXT, version=4)), NOW) is CatalogRefusal.ROLLBACK
    assert judge(HELD, offer(replace(NEXT, version=4, after="")), NOW) is None


def test_what_is_too_old_to_be_relied_on_is_refused() -> None:
    assert judge(HELD, offer(replace(NEXT, expires_at=NOW + 1)), NOW) is None
    assert judge(HELD, offer(replace(NEXT, expires_at=NOW)), NOW) is CatalogRefusal.EXPIRED


def test_a_part_that_belongs_elsewhere_is_refused() -> None:
    assert judge(HELD, offer(replace(NEXT, after="a.4")), NOW) is CatalogRefusal.MIXED
    assert judge(None, offer(NEXT), NOW) is CatalogRefusal.MIXED


@pytest.mark.parametrize("parts", [{}, {"rewards": b"[1]"}, PARTS | {"stock": b"{ }"}, PARTS | {"removed": b"[1]"}])
def test_parts_that_the_manifest_does_not_name_as_they_are_are_refused(parts: dict[str, bytes]) -> None:
    assert judge(HELD, replace(offer(NEXT), parts=parts), NOW) is CatalogRefusal.MIXED
