"""The catalog on the device: searched without network, in any spelling, and kept fresh by what changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from mirabelle.client.app import App
from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.store.search import fold
from mirabelle.client.ui.catalog.state import SORTS
from mirabelle.client.use_cases.redeem import Redeemed, Refused
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument
from tests.backend import Backend
from tests.client.devices import Device, balance, confirm, signed_in


@pytest_asyncio.fixture
async def app(backend: Backend, tmp_path: Path) -> AsyncIterator[App]:
    """The app of someone who looks at the shop window, not signed in."""
    async with Device(tmp_path).on(backend.url) as app:
        await app.sync()
        yield app


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("croissant", "croissant"),
        ("CROISS", "croissant"),
        ("théière", "teapot"),
        ("THEIERE", "teapot"),
        ("CASQUE", "headphones"),
        ("ابريق", "teapot"),
        ("إبريق", "teapot"),
    ],
)
async def test_a_search_forgives_case_accents_and_arabic_letter_forms(app: App, typed: str, found: str) -> None:
    hits = [reward.id for reward in app.catalog.search(CatalogQuery(text=typed))]
    titles = app.catalog.get(found)
    assert found in hits, (hits, titles and titles.title)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("أُرْزٌ", "ارز"),
        ("مقهى", "مقهي"),
        ("قهوة", "قهوه"),
        ("مـــرحبا", "مرحبا"),
        ("Œuvre", "oeuvre"),
        ("Straße", "strasse"),
        ("٢٠ نقطة", "20 نقطه"),
        ("É", "e\u0301"),
        ("ﬁn", "fin"),
        ("𝔘𝔫𝔦 ℡", "uni tel"),
    ],
)
def test_spellings_of_one_word_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize("typed", ['"', "*", "a OR b", "NEAR(", "-", "  ", "café*", "a'b", "\x00", "(", ":", "^x"])
async def test_whatever_is_typed_is_words_and_never_a_query(app: App, typed: str) -> None:
    assert len(app.catalog.search(CatalogQuery(text=typed))) == min(app.catalog.count(CatalogQuery(text=typed)), 60)


async def test_every_word_must_be_found(app: App) -> None:
    assert "coffee-and-cake" in {reward.id for reward in app.catalog.search(CatalogQuery(text="cake coff"))}
    assert not app.catalog.search(CatalogQuery(text="coffee zzz"))


async def test_filters_narrow_and_add_up(app: App) -> None:
    everything = app.catalog.search(CatalogQuery(limit=1000))
    assert len(everything) == app.catalog.total() == app.catalog.count(CatalogQuery())
    assert sum(count for _, count in app.catalog.categories()) == len(everything)
    assert sum(count for _, count in app.catalog.kinds()) == len(everything)
    assert len(app.catalog.kinds()) == 16
    affordable = app.catalog.search(CatalogQuery(affordable_with=300, limit=1000))
    assert affordable and all(reward.points <= 300 and reward.stock != 0 for reward in affordable)
    narrow = CatalogQuery(kind="charity", price_min=200, price_max=900, sort="price_down")
    prices = [reward.points for reward in app.catalog.search(narrow)]
    assert prices == sorted(prices, reverse=True) and all(200 <= price <= 900 for price in prices)


async def test_pages_show_each_reward_once(app: App) -> None:
    for sort in SORTS:
        shown: list[m.Reward] = []
        while page := app.catalog.search(CatalogQuery(sort=sort, limit=20, after=shown[-1] if shown else None)):
            shown += page
        ids = [reward.id for reward in shown]
        assert len(ids) == len(set(ids)) == app.catalog.total()


def changed(document: ProgrammeDocument, **prices: int) -> ProgrammeDocument:
    """The programme with other prices, by reward."""
    new = msgspec.convert(msgspec.to_builtins(document), ProgrammeDocument)
    new.rewards = [
        msgspec.structs.replace(reward, points=prices.get(reward.id, reward.points), kind=reward.kind)
        for reward in new.rewards
    ]
    return new


async def test_a_price_that_changed_is_shown_before_it_is_paid(tmp_path: Path) -> None:
    data, device = tmp_path / "server", Device(tmp_path)
    with Backend(data) as before:
        port = int(before.url.rpartition(":")[2])
        async with device.on(before.url) as app:
            await signed_in(app)
            points = balance(app)
    with Backend(data, programme=changed(demo_programme(), croissant=135), port=port) as after:
        async with device.on(after.url) as app:
            key = app.redeem.draft("croissant").key
            outcome = await confirm(app, "croissant")
            assert isinstance(outcome, Refused) and outcome.refusal.reason == Reason.PRICE_CHANGED
            reward = app.catalog.get("croissant")
            assert reward is not None and reward.points == 135
            assert [one.id for one in app.catalog.search(CatalogQuery(text="croissant"))].count("croissant") == 1
            app.redeem.seen(key)
            assert app.redeem.draft("croissant").key != key
            assert isinstance(await confirm(app, "croissant"), Redeemed)
            assert balance(app) == points - 135


async def test_the_last_one_gone_is_said_and_shown(tmp_path: Path) -> None:
    with Backend(tmp_path / "server") as backend:
        async with Device(tmp_path).on(backend.url) as app:
            await signed_in(app)
            others = [backend.participant() for _ in range(2)]
            for person, times in zip(others, (2, 1), strict=True):
                for _ in range(times):
                    assert person.redeem("cinema-tickets", 900).status_code == 201
            outcome = await confirm(app, "cinema-tickets")
            assert isinstance(outcome, Refused) and outcome.refusal.reason == Reason.OUT_OF_STOCK
            assert [entry.state for entry in app.outbox.entries()] == ["refused"]
            assert balance(app) == 5070
