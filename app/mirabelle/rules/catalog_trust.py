"""Which part of the catalog a device may believe: one that its programme signed, fresh, and next to what it holds.

Decides only: fetching and keeping are for others. Times are unix seconds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mirabelle.rules import ed25519
from mirabelle.rules.trust import programme_id

CLOCK_STEP_SECONDS = 60
"""How far a server's clock may be set back without its catalog being taken for an old one."""


class CatalogRefusal(StrEnum):
    """Why a part of the catalog is not believed; the catalog held before stays."""

    OTHER_PROGRAMME = "other_programme"
    BAD_SIGNATURE = "bad_signature"
    ROLLBACK = "rollback"
    EXPIRED = "expired"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class HeldCatalog:
    """What a device remembers of what it believed last: whose it was, when it was signed, and up to where it goes."""

    programme_key: bytes
    issued_at: int
    cursor: str
    version: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is signed: the part goes from `after` ("": from nothing) to `cursor`; `parts` are SHA-256 hashes by name.

    `version` only grows within one life of a server's database; one that was restored begins anew, from nothing.
    """

    programme: str
    after: str
    cursor: str
    version: int
    issued_at: int
    expires_at: int
    parts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class OfferedCatalog:
    """A part of the catalog as it arrived: the manifest's bytes, what they are signed with, and what they say."""

    raw: bytes
    signature: bytes
    programme_key: bytes
    manifest: Manifest
    parts: Mapping[str, bytes]


def manifest_message(raw: bytes) -> bytes:
    """Put together what the programme signs, apart from every other message by its first words."""
    return b"MV1\0catalog\0" + raw


def judge(held: HeldCatalog | None, offered: OfferedCatalog, now: int) -> CatalogRefusal | None:
    """Say why what is offered is not believed, or None where it is. The first that a device gets pins the key.

    A part that somebody kept back and hands out after a newer one is a rollback. One that goes on must go on exactly
    from where the device is; only one that begins from nothing may be of a lower version, as after a restore.
    """
    key, manifest = offered.programme_key, offered.manifest
    if held is not None and key != held.programme_key:
        return CatalogRefusal.OTHER_PROGRAMME
    if not ed25519.verify(key, manifest_message(offered.raw), offered.signature):
        return CatalogRefusal.BAD_SIGNATURE
    if manifest.programme != programme_id(key):
        return CatalogRefusal.OTHER_PROGRAMME
    if held is not None and manifest.issued_at < held.issued_at - CLOCK_STEP_SECONDS:
        return CatalogRefusal.ROLLBACK
    if manifest.after and (held is None or manifest.after != held.cursor):
        return CatalogRefusal.MIXED
    if manifest.after and held is not None and manifest.version < held.version:
        return CatalogRefusal.ROLLBACK
    if now >= manifest.expires_at:
        return CatalogRefusal.EXPIRED
    hashes = {name: hashlib.sha256(part).digest() for name, part in offered.parts.items()}
    return None if hashes == manifest.parts else CatalogRefusal.MIXED
