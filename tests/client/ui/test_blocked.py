"""A voucher that the operator blocked does not look ready to its holder: the page says so, and where to ask."""

import asyncio
from datetime import UTC, datetime

import flet as ft

from mirabelle.client.ui.vouchers.state import left_of, on_tab
from mirabelle.server.hosted import key_commands
from tests.client.ui.visiting import visitor


async def test_one_blocked_while_its_page_is_open_says_so_at_the_next_sync_until_that_is_lifted(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.all(ft.Image, key="code") and window.all(key="cancel")
            await asyncio.to_thread(
                key_commands.block_voucher, backend.data, "", voucher.id, "sold on", datetime.now(UTC)
            )
            await someone.app.sync()
            await window.until(lambda: window.all(key="is-blocked"))
            assert any("no till takes it" in words and "hello@mirabelle.example" in words for words in window.texts())
            assert not any("sold on" in words for words in window.texts())
            assert not window.all(ft.Image, key="code") and not window.all(key="more")
        async with someone.window("/vouchers") as window:
            assert {"Butter croissant", "Blocked"} <= set(window.texts())
        await asyncio.to_thread(key_commands.unblock_voucher, backend.data, "", voucher.id, datetime.now(UTC))
        await someone.app.sync()
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.all(ft.Image, key="code")


async def test_of_several_uses_the_blocked_one_does_not_stand_for_the_others(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        first = (await someone.redeem("bread-week")).voucher
        before = left_of(someone.app.vouchers.list(), first)
        await asyncio.to_thread(key_commands.block_voucher, backend.data, "", first.id, "lost", datetime.now(UTC))
        await someone.app.sync()
        vouchers = someone.app.vouchers.list()
        left = left_of(vouchers, first)
        assert [each.id for each in left] == [each.id for each in before[1:]] != []
        assert [each.id for each in on_tab(vouchers, "ready")] == [left[0].id]
        async with someone.window(f"/vouchers/{first.id}") as window:
            assert window.all(key="is-blocked") and window.all(key="next")
