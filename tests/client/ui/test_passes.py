"""A voucher's way into a phone's wallet app: there where programme, reward and phone have one, and nowhere else."""

import io
import zipfile

import pytest

from tests.backend import Backend
from tests.client.ui.visiting import visitor
from tests.pass_signers import pass_signers


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passes")
    with Backend(folder / "data", passes=pass_signers(folder / "signers").keys()) as backend:
        yield backend


async def chosen(window, kind: str) -> None:
    await window.tap(window.one(key="wallet"))
    await window.tap(window.one(key=f"wallet-{kind}", root=window.dialog))


@pytest.mark.parametrize(
    ("platform", "kinds"), [("ios", ["apple"]), ("android", ["google"]), ("linux", ["apple", "google"])]
)
async def test_each_phone_is_offered_its_own_wallet_app_and_a_computer_both(server, tmp_path, platform, kinds):
    async with visitor(server.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}", platform=platform) as window:
            await window.tap(window.one(key="wallet"))
            buttons = [kind for kind in ("apple", "google") if window.all(key=f"wallet-{kind}", root=window.dialog)]
            assert buttons == kinds
            assert any("three days at most" in words for words in window.texts(root=window.dialog))


async def test_apples_pass_is_handed_over_as_a_file_and_googles_followed_as_a_link(server, tmp_path):
    async with visitor(server.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}", platform="windows") as window:
            await chosen(window, "apple")
            [saved] = await window.until(lambda: [call[2] for call in window.window.calls if call[0] == "FilePicker"])
            assert saved["file_name"] == "croissant.pkpass"
            assert "signature" in zipfile.ZipFile(io.BytesIO(saved["src_bytes"])).namelist()
            await chosen(window, "google")
            [link] = await window.until(lambda: [call[2] for call in window.window.calls if call[0] == "UrlLauncher"])
            assert link["url"].startswith("https://pay.google.com/gp/v/save/")


async def test_a_reward_that_is_not_for_paper_has_no_such_way(server, tmp_path):
    async with visitor(server.url, tmp_path) as someone:
        voucher = (await someone.redeem("coffee-and-cake")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.all(key="calendar") and not window.all(key="wallet")


async def test_a_programme_without_wallet_apps_has_no_such_way(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.all(key="paper") and not window.all(key="wallet")
