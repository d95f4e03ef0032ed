"""The catalog on its way to a device: the parts that changed, under a manifest that the programme signed."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from mirabelle.contract.catalog_columns import RewardColumns, rewards_in
from mirabelle.contract.fields import Message, Points, PublicKey
from mirabelle.contract.messages import Reward
from mirabelle.rules import catalog_trust as rules

FORM: Final = "2"
"""What a device asks for that understands this; without it the server answers as the first apps understood it."""

COLUMNS: Final = "1"
"""What a device says that understands whole rewards in columns; servers of before pass over it."""

Part = Literal["rewards", "columns", "changed", "stock", "removed"]


class CatalogManifest(Message, frozen=True, kw_only=True):
    """What a part says and where it belongs: after `after` ("": from nothing) comes this, then what is after `cursor`.

    `parts` are SHA-256 hashes in hexadecimal. `loading`: all rewards are on their way, and these are not the last. The
    first of them come with how many there are, `total`.
    """

    programme: str
    after: str
    cursor: str
    more: bool
    version: int
    issued_at: datetime
    expires_at: datetime
    parts: dict[Part, str]
    loading: bool = False
    total: int = 0


class SignedCatalog(Message, frozen=True, kw_only=True):
    """`manifest` is the JSON of a CatalogManifest, signed as it stands by `programme_key`, see `rules.catalog_trust`;
    `parts` are JSON as well: whole rewards, or in place of them `columns` with their fields for who asks so, fields of
    others that changed, pieces in stock, and what was taken off."""

    manifest: str
    signature: Annotated[str, Meta(max_length=128, pattern=r"^[0-9a-f]{128}$")]
    programme_key: PublicKey
    parts: dict[Part, str]


class Stock(Message, frozen=True, kw_only=True):
    """How many `pieces` are left, by reference; None where nobody counts. Each reference is the distance to the one
    before, which makes a thousand of them small."""

    steps: list[int]
    pieces: list[int | None]


class CatalogPart(Message, frozen=True, kw_only=True):
    """The parts, read. What `changed` has the reference and, by their names, the fields that did."""

    rewards: Sequence[Reward] = msgspec.field(default_factory=list)
    changed: list[dict[str, Any]] = msgspec.field(default_factory=list)
    stock: Stock = msgspec.field(default_factory=lambda: Stock(steps=[], pieces=[]))
    removed: list[int] = msgspec.field(default_factory=list)


class _Changed(Message, frozen=True):
    """What is looked at of each that changed, whichever fields did."""

    reference: int
    points: Points = 0


_TYPES: Final[dict[str, Any]] = {
    "rewards": list[Reward],
    "columns": RewardColumns,
    "changed": list[dict[str, Any]],
    "stock": Stock,
    "removed": list[int],
}


def steps_of(stock: dict[int, int | None]) -> Stock:
    """Pieces by reference, on their way."""
    references = sorted(stock)
    steps = [one - before for before, one in zip([0, *references], references, strict=False)]
    return Stock(steps=steps, pieces=[stock[reference] for reference in references])


def stock_of(stock: Stock) -> list[tuple[int, int | None]]:
    """Pieces by reference, as they were before they went on their way."""
    at, found = 0, []
    for step, pieces in zip(stock.steps, stock.pieces, strict=True):
        at += step
        found.append((at, pieces))
    return found


def hashes_of(texts: dict[Part, str]) -> dict[Part, str]:
    """What a manifest says of its parts."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def read_manifest(signed: SignedCatalog) -> CatalogManifest:
    """The manifest in its JSON; raises msgspec.MsgspecError."""
    return msgspec.json.decode(signed.manifest.encode(), type=CatalogManifest)


def read_parts(parts: Mapping[str, str | bytes]) -> CatalogPart:
    """The parts in their JSON; raises msgspec.MsgspecError and ValueError."""
    read = {name: msgspec.json.decode(text, type=_TYPES[name]) for name, text in parts.items()}
    for one in read.get("changed", ()):
        msgspec.convert(one, _Changed)
    if columns := read.pop("columns", None):
        read["rewards"] = rewards_in(columns)
    return CatalogPart(**read)


def offered(signed: SignedCatalog, manifest: CatalogManifest) -> rules.OfferedCatalog:
    """What `catalog_trust.judge` judges; raises ValueError where a hash is none."""
    return rules.OfferedCatalog(
        raw=signed.manifest.encode(),
        signature=bytes.fromhex(signed.signature),
        programme_key=bytes.fromhex(signed.programme_key),
        manifest=rules.Manifest(
            programme=manifest.programme,
            after=manifest.after,
            cursor=manifest.cursor,
            version=manifest.version,
            issued_at=int(manifest.issued_at.timestamp()),
            expires_at=int(manifest.expires_at.timestamp()),
            parts={name: bytes.fromhex(text) for name, text in manifest.parts.items()},
        ),
        parts={name: text.encode() for name, text in signed.parts.items()},
    )
