"""A reward of several uses: one redemption, a code for each use, and how many are left."""

import flet as ft

from tests.client.ui.visiting import visitor

BREAD, USES = "bread-week", 3


async def test_each_use_has_a_code_of_its_own_and_the_page_leads_to_the_next(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        redemption = await someone.redeem(BREAD)
        vouchers = [redemption.voucher, *redemption.others]
        assert len({voucher.code for voucher in vouchers}) == USES
        till = backend.till()
        app = someone.app
        assert all(app.show_voucher.is_here(voucher) for voucher in vouchers)
        shown = app.show_voucher.frame(vouchers[0], app.now())
        assert till.post("/scans", {"frame": shown}).json()["verdict"] == "accepted"
        await app.sync.quietly()
        async with someone.window("/vouchers") as window:
            assert f"{USES - 1} of {USES} left" in window.texts()
            tickets = window.all(where=lambda one: str(getattr(one, "key", "")).find("voucher-") >= 0)
            assert len(tickets) == 1
        async with someone.window(f"/vouchers/{vouchers[0].id}") as window:
            assert window.one(key="is-used")
            await window.tap(window.one(key="next"))
            await window.until(lambda: window.all(ft.Image, key="code"))
            assert vouchers[1].code in window.texts() and f"{USES - 1} of {USES} left" in window.texts()


async def test_all_of_them_are_cancelled_together_or_none(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        before = someone.app.wallet.current().available
        redemption = await someone.redeem(BREAD)
        await someone.app.cancel(redemption.id)
        assert someone.app.wallet.current().available == before
        assert {voucher.state for voucher in someone.app.vouchers.list() if voucher.redemption == redemption.id} == {
            "cancelled"
        }
        redemption = await someone.redeem(BREAD)
        backend.till().post("/scans", {"code": redemption.others[1].code})
        refused = await someone.app.cancel(redemption.id)
        assert refused.reason == "not_cancellable"


async def test_a_lease_of_one_is_kept_beside_the_others(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        redemption = await someone.redeem(BREAD)
        someone.ahead = 40 * 3600
        before = someone.app.vouchers.list()
        await someone.app.sync.quietly()
        after = [voucher for voucher in someone.app.vouchers.list() if voucher.redemption == redemption.id]
        assert len(after) == USES and [one.number for one in after] == list(range(1, USES + 1))
        assert len(before) == len(someone.app.vouchers.list())
