"""Deleting the account on the screen: figures first, one deliberate confirmation, then the first page says so."""

import pytest

from tests.client.ui.visiting import visitor


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Your account is deleted"), ("fr", "Votre compte est supprimé"), ("ar", "حُذف حسابك")],
)
async def test_what_is_lost_is_shown_and_agreed_to_before_anything_is_deleted(backend, tmp_path, language, words):
    async with visitor(backend.url, tmp_path, language=language) as someone, someone.window("/settings") as window:
        await window.tap(window.one(key="delete-account"))
        await window.until(lambda: window.all(key="losses"))
        told = await someone.app.leave.would_lose()
        assert someone.app.t("leaving.points", count=told.points) in window.texts()
        assert window.one(key="delete").disabled
        agree = window.one(key="agree")
        await window.fire(agree, "change", True)
        await window.until(lambda: not window.one(key="delete").disabled)
        await window.tap(window.one(key="delete"))
        await window.until(lambda: window.page.route == "/welcome" and words in window.texts())
        assert someone.app.session is None


async def test_what_stands_in_the_way_is_said_in_words_and_offers_no_button(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        await someone.redeem("bowling")
        async with someone.window("/settings/delete") as window:
            await window.until(lambda: window.all(key="losses"))
            assert "Points are still held for a voucher" in window.texts()
            assert not window.all(key="delete")
