"""The signed catalog, on both databases: all of it in the order of popularity, then only what changed, never stale."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from mirabelle.contract import catalog as cm
from mirabelle.contract import limits
from mirabelle.contract.catalog_columns import listed
from mirabelle.rules.catalog_trust import HeldCatalog, judge
from mirabelle.server.routes.kept_pages import KeptPages, Page
from tests.backend import Backend, Person
from tests.clock import MovableClock
from tests.eventually import eventually


def asked(person: Person, after: str, columns: str = "1") -> tuple[cm.SignedCatalog, cm.CatalogManifest, str]:
    """A page, its manifest and its ETag."""
    answer = person.get(f"/catalog?form=2&columns={columns}&after={after}")
    signed = msgspec.json.decode(answer.content, type=cm.SignedCatalog)
    return signed, cm.read_manifest(signed), answer.headers["etag"]


def everything(person: Person, columns: str = "1") -> tuple[list[cm.CatalogPart], list[cm.CatalogManifest]]:
    """Every page of a whole load, each as a device would believe it."""
    parts, manifests = [], []
    held, after, more = None, "", True
    while more:
        signed, manifest, _ = asked(person, after, columns)
        now = int(manifest.issued_at.timestamp())
        assert judge(held, cm.offered(signed, manifest), now) is None
        held = HeldCatalog(bytes.fromhex(signed.programme_key), now, manifest.cursor, manifest.version)
        after, more = manifest.cursor, manifest.more
        parts.append(cm.read_parts(signed.parts))
        manifests.append(manifest)
    return parts, manifests


def test_all_of_it_comes_once_the_most_popular_first(any_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CATALOG_PAGE_ROWS", 20)
    monkeypatch.setattr(limits, "CATALOG_LOAD_ROWS", 20)
    person = any_backend.somebody()
    in_rows = [reward for part in everything(person, "0")[0] for reward in part.rewards]
    parts, manifests = everything(person)
    rewards = [reward for part in parts for reward in part.rewards]
    assert rewards == [listed(reward) for reward in in_rows]
    assert [(-one.popularity, one.reference) for one in rewards] == sorted(
        (-one.popularity, one.reference) for one in rewards
    )
    assert len({one.id for one in rewards}) == len(rewards) == manifests[0].total
    assert [manifest.loading for manifest in manifests[:4]] == [True, True, True, False]
    assert {one.id for one in rewards} >= {one["id"] for one in person.get("/catalog").json()["rewards"][:20]}


def test_a_redemption_changes_nothing_but_the_pieces_left(any_backend: Backend) -> None:
    amina = any_backend.participant()
    known = everything(amina)[1][-1].cursor
    reference = next(
        one["reference"] for one in amina.get("/catalog").json()["rewards"] if one["id"] == "coffee-and-cake"
    )
    assert amina.redeem("coffee-and-cake", 450).status_code == 201

    def told() -> Any:
        return dict(cm.stock_of(cm.read_parts(asked(amina, known)[0].parts).stock)).get(reference)

    eventually(lambda: told() is not None)
    part = cm.read_parts(asked(amina, known)[0].parts)
    assert (part.rewards, part.changed, part.removed) == ([], [], [])
    assert all(pieces is not None for _, pieces in cm.stock_of(part.stock))


def test_what_is_signed_is_renewed_every_day_though_nothing_changed(any_backend: Backend) -> None:
    person = any_backend.somebody()
    known = everything(person)[1][-1].cursor
    _, before, etag = asked(person, known)
    assert person.http.get(f"/catalog?form=2&after={known}", headers={"If-None-Match": etag}).status_code == 304
    any_backend.clock.move(days=1)  # type: ignore[attr-defined]
    answer = person.http.get(f"/catalog?form=2&after={known}", headers={"If-None-Match": etag})
    assert answer.status_code == 200
    _, after, _ = asked(person, known)
    assert after.expires_at - before.expires_at >= timedelta(hours=23)


def test_who_asks_for_the_same_gets_what_was_just_made_but_nothing_that_a_device_refuses(any_backend: Backend) -> None:
    clock = any_backend.clock
    assert isinstance(clock, MovableClock)
    one, other = any_backend.somebody(), any_backend.somebody()
    first, made, _ = asked(one, "")
    clock.move(seconds=20)
    assert asked(other, "00000000.1")[0].signature == first.signature  # a cursor that is none asks for the same
    clock.move(seconds=20)
    again, made_again, _ = asked(other, "")
    assert made_again.issued_at - made.issued_at >= timedelta(seconds=30)
    held = HeldCatalog(bytes.fromhex(first.programme_key), int(clock().timestamp()), made.cursor, made.version)
    assert judge(held, cm.offered(again, made_again), int(clock().timestamp())) is None


async def test_pages_are_made_once_for_all_who_wait_and_few_bytes_of_them_are_kept() -> None:
    now, made = datetime(2026, 3, 20, tzinfo=UTC), []
    pages = KeptPages(lambda: now, most_bytes=25)

    async def get(name: str) -> bytes:
        async def make() -> Page:
            made.append(name)
            await asyncio.sleep(0)
            return Page(name, name.encode() * 10, {})

        return (await pages.get((name,), make, "amina")).body

    assert await asyncio.gather(*(get(name) for name in "aabab")) == [name.encode() * 10 for name in "aabab"]
    assert made == ["a", "b"]
    for name in "cba":  # with "c" there are more bytes than are kept, and "a" is the oldest
        await get(name)
    assert made == ["a", "b", "c", "a"]
    now += timedelta(seconds=30)
    await get("a")
    assert made[-2:] == ["a", "a"]


async def test_whoever_asks_for_many_pages_makes_others_wait_for_one_and_forgets_none_that_others_ask_for() -> None:
    made: list[str] = []
    pages = KeptPages(lambda: datetime(2026, 3, 20, tzinfo=UTC), most_bytes=30)

    async def get(name: str, who: str) -> None:
        async def make() -> Page:
            made.append(name)
            await asyncio.sleep(0)
            return Page(name, name.encode() * 10, {})

        await pages.get((name,), make, who)

    await asyncio.gather(*(get(name, "a stranger") for name in "abcd"), get("z", "amina"))
    assert made == [*"azbcd"]
    for name in "efg":
        await get(name, "a stranger")
        await get("z", "amina")
    assert made.count("z") == 2  # once more than kept by then, and never again


@pytest.mark.parametrize("cursor", ["00000000.7fffffffffffff.7fffffffffffff.7fffffffffffff", "00000000.1", "7"])
def test_a_cursor_that_nobody_gave_loads_everything(any_backend: Backend, cursor: str) -> None:
    _, manifest, _ = asked(any_backend.somebody(), cursor)
    assert manifest.after == "" and manifest.total > 60
    life = manifest.cursor.partition(".")[0]
    far = asked(any_backend.somebody(), f"{life}.0.7fffffffffffff.7fffffffffffff")[1]
    assert far.after.startswith(life)


def test_a_name_that_no_picture_can_have_is_not_looked_for(any_backend: Backend) -> None:
    assert any_backend.somebody().get("/pictures/%00/256").json()["code"] == "not_found"
