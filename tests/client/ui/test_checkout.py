"""Checkout: what it costs, what is needed, confirm - and nothing is ever spent twice, whatever happens on the way."""

import asyncio
from contextlib import AsyncExitStack

import flet as ft
import pytest

from mirabelle.client.api import Refusal
from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.store.rewards import set_points
from mirabelle.client.ui.checkout.outcome import refused
from mirabelle.client.ui.checkout.state import merged, paying
from mirabelle.contract.reasons import Reason
from mirabelle.contract.translation import LANGUAGES, Translator, texts
from tests.backend import Backend
from tests.client.devices import REDEMPTION
from tests.client.ui.visiting import visitor

AFFORDABLE = CatalogQuery(affordable_with=5000, limit=500)


async def to_confirm(window) -> ft.FilledButton:
    """Walk through the steps to the last button."""
    while window.all(key="continue"):
        await window.tap(window.one(key="continue"))
    return window.one(key="confirm")


def spent(someone) -> list[int]:
    """What was spent on this device, besides what the demo's participant had before."""
    return [one.points for one in someone.app.redemptions.list() if one.created_at > someone.arrived]


async def test_from_the_price_to_the_thanks_by_name_and_to_the_voucher(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        before = someone.app.wallet.current().available
        async with someone.window("/checkout/croissant") as window:
            assert f"{before:,}" in window.texts() and f"{before - 110:,}" in window.texts()
            await window.tap(await to_confirm(window))
            await window.until(lambda: window.all(key="thanks"))
            assert f"Thank you, {someone.app.session.name}" in window.texts()
            await window.tap(window.one(key="show"))
            voucher = someone.app.vouchers.list()[0]
            await window.until(lambda: window.page.route == f"/vouchers/{voucher.id}")
        assert someone.app.wallet.current().available == before - 110


async def test_the_lots_that_expire_soonest_pay_as_the_server_then_says(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        points = someone.app.catalog.get("teapot").points
        foretold = paying(someone.app.wallet.current(), points, someone.app.now())
        redemption = await someone.redeem("teapot", address="1 rue du Port")
        assert foretold == redemption.paid_by
        dates = [expires_at for expires_at, _points in merged(foretold)]
        assert dates == sorted(dates) and sum(share.points for share in foretold) == points


@pytest.mark.parametrize("needs", ["address", "recipient", "date", "charity"])
async def test_what_a_reward_needs_is_asked_for_before_it_can_be_confirmed(backend, tmp_path, needs):
    async with visitor(backend.url, tmp_path) as someone:
        reward = next(
            reward
            for reward in someone.app.catalog.search(AFFORDABLE)
            if reward.needs == needs and not reward.from_tier
        )
        async with someone.window(f"/checkout/{reward.id}") as window:
            await window.tap(window.one(key="continue"))
            assert window.one(key="continue").disabled
            await fill(window, someone, needs)
            await window.tap(await to_confirm(window))
            await window.until(lambda: window.all(key="thanks"))
        assert getattr(someone.app.redemptions.list()[0].details, needs)


async def fill(window, someone, needs: str) -> None:
    detail = window.one(key="detail")
    if needs == "charity":
        charity = someone.app.programme.current().charities[0].id
        window.session.apply_patch(detail._i, {"value": charity})
        await window.fire(detail, "change", charity)
    elif needs == "date":
        await window.tap(detail)
        calendar = window.page._dialogs.controls[0]
        await window.fire(calendar, "change")
    else:
        await window.type(detail, "Nour Haddad")


async def test_what_was_filled_in_survives_a_reload(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        async with someone.window("/checkout/headphones") as window:
            await window.tap(window.one(key="continue"))
            await window.type(window.one(ft.TextField, key="detail"), "1 rue du Port")
        async with someone.window("/checkout/headphones") as window:
            await window.tap(window.one(key="continue"))
            assert window.one(ft.TextField, key="detail").value == "1 rue du Port"


async def test_a_double_tap_spends_once(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/checkout/croissant") as window:
        button = await to_confirm(window)
        first = asyncio.ensure_future(window.fire(button, "click"))
        second = asyncio.ensure_future(window.fire(button, "click"))
        await asyncio.gather(first, second)
        await window.until(lambda: window.all(key="thanks"))
        assert spent(someone) == [110]


async def test_back_at_the_counter_after_a_reload_one_is_told_it_was_done(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        await someone.redeem("croissant")
        async with someone.window("/checkout/croissant") as window:
            assert any(words.startswith("You redeemed this at") for words in window.texts())
        assert spent(someone) == [110]


async def test_a_price_that_changed_meanwhile_is_refused_and_nothing_is_spent(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        croissant = someone.app.catalog.get("croissant")
        with someone.app.store.write("catalog") as connection:
            set_points(connection, [(croissant.reference, 90)])
        async with someone.window("/checkout/croissant") as window:
            await window.tap(await to_confirm(window))
            await window.until(lambda: "The price has changed" in window.texts())
            assert "Nothing was spent." in window.texts()
        assert spent(someone) == []


async def test_what_one_person_may_have_once_is_not_offered_twice(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        reward = next(
            reward
            for reward in someone.app.catalog.search(AFFORDABLE)
            if reward.per_participant == 1
            and reward.needs == "nothing"
            and not reward.from_tier
            and reward.points < 2000
        )
        await someone.redeem(reward.id)
        async with someone.window(f"/checkout/{reward.id}") as window:
            assert "You already have as many as one person can" in window.texts()
            assert window.one(key="continue").disabled


async def test_without_network_nothing_is_spent_and_the_request_waits_or_is_taken_back(tmp_path):
    async with AsyncExitStack() as stack:
        with Backend(tmp_path / "server") as backend:
            port = int(backend.url.rpartition(":")[2])
            someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "device"))
        window = await stack.enter_async_context(someone.window("/checkout/croissant"))
        await window.tap(await to_confirm(window))
        await window.until(lambda: window.all(key="waiting-not_sent"))
        assert any(words.startswith("Nothing has been spent") for words in window.texts())
        await window.tap(window.one(key="discard"))
        await window.tap(await to_confirm(window))
        await window.until(lambda: window.all(key="waiting-not_sent"))
        with Backend(tmp_path / "server", port=port):
            await window.tap(window.one(key="retry"))
            await window.until(lambda: window.all(key="thanks"))
        assert spent(someone) == [110]


async def test_an_answer_that_comes_late_still_brings_the_thanks(tmp_path):
    async with AsyncExitStack() as stack:
        with Backend(tmp_path / "server") as backend:
            port = int(backend.url.rpartition(":")[2])
            someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "device"))
        window = await stack.enter_async_context(someone.window("/checkout/croissant"))
        await window.tap(await to_confirm(window))
        await window.until(lambda: window.all(key="waiting-not_sent"))
        with Backend(tmp_path / "server", port=port):
            await someone.app.sync.quietly()
            await window.until(lambda: window.all(key="thanks"))
        assert spent(someone) == [110]


async def test_what_nobody_knows_yet_is_said_so_and_cannot_be_taken_back(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        draft = someone.app.redeem.draft("croissant")
        someone.app.outbox.add(draft.key, "redemption", "croissant", REDEMPTION, someone.app.now())
        someone.app.outbox.claim(draft.key)
        async with someone.window("/checkout/croissant") as window:
            assert window.all(key="waiting-unknown") and not window.all(key="discard")
            assert any("cannot be paid twice" in words for words in window.texts())


def test_the_words_of_every_refusal_say_what_is_safe_and_what_to_do():
    for language in LANGUAGES:
        for reason in Reason:
            assert all(texts(language)[f"reasons.{reason}{part}"] for part in ("", "_safe", "_do")), (language, reason)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_of_a_newer_server_is_told_without_its_reason(language: str) -> None:
    translate, nothing = Translator(language), lambda: None
    card = refused(translate, Refusal("not_on_sundays", 409, "", None), nothing, nothing, nothing)
    assert translate("shared.refused") in repr(card)
