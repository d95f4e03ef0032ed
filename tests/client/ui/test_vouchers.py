"""A voucher on the screen: black on white, large, alive, and bright; and a drawer that says where each one stands."""

import asyncio
import gc
import io
from datetime import UTC, datetime, timedelta

import flet as ft
import pytest
from PIL import Image

from mirabelle.client.device.decode import read_code
from mirabelle.client.device.qr import QUIET_MODULES
from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.ui.vouchers.qr import SMALLEST_PIXELS, draw, side
from mirabelle.client.ui.vouchers.state import on_tab, showing, works_offline
from mirabelle.rules.frame import Frame, parse
from tests.backend import Backend
from tests.client.devices import sign_in_by_mail
from tests.client.ui.visiting import Visitor, visitor
from tests.headless import LONGEST_WAIT
from tests.people import people_with_points

MODULES = 61  # version 9 with its quiet zone


def enlarged(png: bytes, pixels_a_module: int = 5) -> bytes:
    small = Image.open(io.BytesIO(png))
    file = io.BytesIO()
    small.resize((small.width * pixels_a_module,) * 2, Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


async def test_the_code_on_the_screen_reads_as_the_frame_of_this_very_voucher(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            text = read_code(enlarged(window.one(ft.Image, key="code").src))
            frame = parse(text)
            assert isinstance(frame, Frame) and frame.voucher.hex() == voucher.id
            assert voucher.code in window.texts()


async def test_the_code_changes_with_its_window_and_not_before(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        someone.ahead = someone.app.show_voucher.seconds_left(someone.now()) + 1  # at the start of a window
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            first = window.one(ft.Image, key="code").src
            ring = window.one(ft.ProgressRing).value
            await window.until(lambda: window.one(ft.ProgressRing).value != ring)
            assert window.one(ft.Image, key="code").src == first
            someone.ahead += 30
            await window.until(lambda: window.one(ft.Image, key="code").src != first)


async def test_a_window_that_closes_on_a_voucher_leaves_nothing_to_complain_about(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        window = await someone.window(f"/vouchers/{voucher.id}").__aenter__()
        [living] = [task for task in asyncio.all_tasks() if task.get_coro().__name__ == "keep_live"]
        window.session.close()
        await asyncio.sleep(0)
        window.session = window.window.session = None  # nothing but the page is left of it
        gc.collect()
        await asyncio.wait([living], timeout=LONGEST_WAIT)
        assert living.done() and living.exception() is None


async def test_the_screen_is_bright_and_awake_while_the_code_is_shown_and_as_before_afterwards(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            asked = [(kind, name) for kind, name, _arguments in window.window.calls]
            assert ("Wakelock", "enable") in asked and (
                "ScreenBrightness",
                "set_application_screen_brightness",
            ) in asked
            await window.tap(window.one(key="back"))
            await window.until(lambda: ("Wakelock", "disable", None) in window.window.calls)
            asked = [(kind, name) for kind, name, _arguments in window.window.calls]
            assert ("ScreenBrightness", "reset_application_screen_brightness") in asked


@pytest.mark.parametrize("page", [{"web": True, "platform": "linux"}, {"platform": "windows"}])
async def test_where_brightness_is_not_to_be_had_one_is_told_to_raise_it(backend, tmp_path, page):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}", **page) as window:
            assert window.one(ft.Image, key="code")
            assert any(words.startswith("Turn up the brightness") for words in window.texts())
            assert not [call for call in window.window.calls if call[0] == "ScreenBrightness"]


async def test_a_used_voucher_shows_when_instead_of_a_code(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        till = backend.till()
        assert till.post("/scans", {"code": voucher.code}).json()["verdict"] == "accepted"
        await someone.app.sync.quietly()
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.one(key="is-used") and not window.all(ft.Image, key="code")
            assert any(words.startswith("Used on") for words in window.texts())


async def test_a_cancelled_voucher_gives_its_points_back(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        before = someone.app.wallet.current().available
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            await window.tap(window.one(key="cancel"))
            dialog = window.page._dialogs.controls[0]
            await window.tap(window.one(key="cancel-confirm", root=dialog))
            await window.until(lambda: window.all(key="is-cancelled"))
        assert someone.app.wallet.current().available == before


async def test_past_its_lease_a_voucher_asks_for_a_moment_of_network(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("coffee-and-cake")).voucher
        someone.ahead = 73 * 3600
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.one(key="is-renew") and window.one(key="renew")
        assert showing(voucher, datetime.now(UTC) + timedelta(hours=73), is_here=True) == "renew"
        assert showing(voucher, voucher.expires_at, is_here=True) == "expired"


@pytest.mark.parametrize(
    ("reward", "words"),
    [("croissant", "Good at the till until {time} without network"), ("gift-card-cafe", "The shop needs the network")],
)
async def test_it_says_until_when_the_till_takes_it_without_network_or_that_it_does_not(
    backend, tmp_path, reward, words
):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem(reward, recipient="Nour")).voucher
        time = someone.app.t.weekday_time(voucher.lease_ends_at).replace(" ", "\u00a0")
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert any(told.startswith(words.format(time=time)) for told in window.texts())


async def test_the_last_day_is_handed_over_as_a_calendar_file(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            await window.tap(window.one(key="calendar"))
            [saved] = [arguments for kind, _, arguments in window.window.calls if kind == "FilePicker"]
            assert saved["file_name"] == "croissant.ics"
            assert saved["src_bytes"].startswith(b"BEGIN:VCALENDAR\r\n")


async def test_paper_is_offered_where_the_reward_allows_it_and_handed_over_in_the_size_that_is_chosen(
    backend, tmp_path
):
    async with visitor(backend.url, tmp_path) as someone:
        other = (await someone.redeem("coffee-and-cake")).voucher
        async with someone.window(f"/vouchers/{other.id}") as window:
            assert window.all(key="calendar") and not window.all(key="paper")
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            await window.tap(window.one(key="paper"))
            await window.tap(window.one(key="paper-letter", root=window.dialog))
            saved = await window.until(lambda: [one for one in window.window.calls if one[0] == "FilePicker"])
            assert saved[0][2]["src_bytes"].startswith(b"%PDF")


async def test_a_voucher_that_lives_on_another_device_shows_no_code_but_says_so(tmp_path):
    data = tmp_path / "server"
    people_with_points(data, "nour@example.org")
    with Backend(data) as backend:
        old, new = Visitor(backend.url, tmp_path / "old"), Visitor(backend.url, tmp_path / "new")
        await sign_in_by_mail(old.app, backend, "nour@example.org")
        voucher = (await old.redeem("croissant")).voucher
        await sign_in_by_mail(new.app, backend, "nour@example.org")
        await old.app.sync.quietly()
        async with old.window(f"/vouchers/{voucher.id}") as window:
            assert window.one(key="is-elsewhere") and not window.all(ft.Image, key="code")
        async with new.window(f"/vouchers/{voucher.id}") as window:
            assert window.one(ft.Image, key="code")
        await old.app.close()
        await new.app.close()


async def test_the_drawer_tells_ready_used_and_ordered_apart(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        ready = (await someone.redeem("coffee-and-cake")).voucher
        used = (await someone.redeem("croissant")).voucher
        cheap = someone.app.catalog.search(CatalogQuery(affordable_with=1000, limit=500))
        plain = next(one for one in cheap if (one.fulfilment, one.needs, one.from_tier) == ("order", "nothing", None))
        order = await someone.redeem(plain.id)
        backend.till().post("/scans", {"code": used.code})
        await someone.app.sync.quietly()
        async with someone.window("/vouchers") as window:
            assert window.all(key=f"voucher-{ready.id}") and not window.all(key=f"voucher-{used.id}")
        async with someone.window("/vouchers?tab=used") as window:
            assert window.all(key=f"voucher-{used.id}") and not window.all(key=f"voucher-{ready.id}")
        async with someone.window("/vouchers?tab=orders") as window:
            assert window.all(key=f"order-{order.id}")


async def test_ready_vouchers_lie_with_the_next_to_expire_on_top(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        for reward in ("coffee-and-cake", "croissant"):
            await someone.redeem(reward)
        ready = on_tab(someone.app.vouchers.list(), "ready")
        assert [one.expires_at for one in ready] == sorted(one.expires_at for one in ready)
        assert works_offline(ready[0])


async def test_in_arabic_the_typed_code_stays_left_to_right(backend, tmp_path):
    async with visitor(backend.url, tmp_path, language="ar") as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert window.page.rtl and window.one(ft.Text, key="typed").value.strip("\u2066\u2069") == voucher.code


def test_a_code_has_four_modules_of_white_around_it_and_one_pixel_a_module():
    png, modules = draw("MV1:" + "A" * 306)
    picture = Image.open(io.BytesIO(png)).convert("L")
    assert modules == MODULES and picture.size == (MODULES, MODULES)
    edge = [picture.getpixel((x, y)) for x in range(MODULES) for y in range(QUIET_MODULES)]
    assert set(edge) == {255} and set(picture.tobytes()) == {0, 255}


@pytest.mark.parametrize(("room", "ratio"), [(390, 3.0), (412, 2.625), (820, 2.0), (520, 1.0)])
def test_a_code_is_sixty_millimetres_wide_and_every_module_a_whole_number_of_pixels(room, ratio):
    length = side(MODULES, room, ratio)
    pixels = length * ratio / MODULES
    assert SMALLEST_PIXELS <= length <= room and pixels == pytest.approx(round(pixels))


def test_on_a_narrower_phone_a_code_takes_all_the_room_there_is():
    length = side(MODULES, 360, 3.0)
    assert 360 - MODULES / 3 < length <= 360


async def test_what_was_handed_over_in_a_shop_long_ago_is_not_said_to_be_on_its_way(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/vouchers?tab=orders") as window:
        assert {"Butter croissant", "Received"} <= set(window.texts())
        assert "On its way" not in window.texts()
