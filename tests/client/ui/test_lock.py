"""The lock over the screens: nothing is seen or reached before it opens, and nothing is lost meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import flet as ft
import flet_camera as fc
import pytest

from mirabelle.client.ui.lock.screen import ROUTE
from mirabelle.client.ui.till.scanning import scanning_of
from mirabelle.client.use_cases.app_lock import AppLock
from tests.client.ui.visiting import Visitor, visitor
from tests.headless import HeadlessApp

PIN = "284193"


async def state(window: HeadlessApp, *states: str) -> None:
    """What a real window says of itself."""
    for name in states:
        await window.session.dispatch_event(window.page._i, "app_lifecycle_state_change", {"state": name})
    await window.settle()


async def enter(window: HeadlessApp, pin: str) -> None:
    await window.type(window.one(ft.TextField, key="pin"), pin)
    await window.tap(window.one(key="open"))
    await window.until(lambda: not window.all(ft.ProgressRing))


async def put_lock_on(window: HeadlessApp, pin: str = PIN) -> None:
    await window.go("/settings/lock")
    await window.type(window.one(ft.TextField, key="new"), pin)
    await window.type(window.one(ft.TextField, key="again"), pin)
    await window.tap(window.one(key="turn_on"))
    await window.until(lambda: window.all(key="lock-now"))


@asynccontextmanager
async def locked_later(url: str, tmp_path, role: str = "participant") -> AsyncIterator[Visitor]:
    """Somebody signed in whose app has a lock, open so far."""
    async with visitor(url, tmp_path, role) as someone:
        await someone.app.lock.choose(PIN, 5)
        yield someone


def seen(window: HeadlessApp) -> set[str]:
    """Every word of every page that is drawn, also beneath."""
    return {word for view in window.views for word in window.texts(view) + window.labels(view)}


async def test_before_the_pin_nothing_is_drawn_whatever_is_asked_for(start, start_signed_in):
    await start_signed_in()
    async with start("/wallet") as app:
        before = seen(app)
        await put_lock_on(app)
    for route in ("/", "/wallet", "/vouchers/1", "/settings/lock", "/till", "/sign-in", "/nowhere"):
        async with start(route) as app:
            assert [view.route for view in app.views] == [ROUTE]
            assert not seen(app) & before - {"Mirabelle"}
            await app.go("/activity")
            await app.back()
            assert [view.route for view in app.views] == [ROUTE] and app.top.can_pop is False


async def test_the_pin_opens_the_page_that_was_asked_for(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        await put_lock_on(app)
    async with start("/activity") as app:
        await app.type(app.one(ft.TextField, key="pin"), "123321", submit=True)
        await app.until(lambda: any("9 tries are left" in words for words in app.texts()))
        await app.until(lambda: ("TextField", "focus") in [call[:2] for call in app.window.calls])
        assert app.one(ft.TextField, key="pin").value == ""
        await enter(app, "٢٨٤١٩٣")
        await app.until(lambda: app.page.route == "/activity" and "Activity" in app.texts())
        await app.go("/settings/lock")
        await app.tap(app.one(key="lock-now"))
        assert app.top.route == ROUTE


async def test_wrong_tries_make_one_wait_also_after_a_restart(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        await put_lock_on(app)
    async with start() as app:
        for _ in range(5):
            await enter(app, "111222")
        assert app.one(ft.TextField, key="pin").disabled
    async with start() as app:
        assert app.one(ft.TextField, key="pin").disabled
        assert any("The next try is taken in" in words for words in app.texts())


async def test_what_is_half_typed_is_there_after_the_lock(backend, tmp_path):
    async with locked_later(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        field = window.all(ft.TextField)[0]
        await window.type(field, "crois")
        await state(window, "inactive", "hide")
        assert window.top.route == ROUTE and not window.all(ft.TextField)  # a curtain, no door
        await state(window, "show", "resume")
        assert window.all(ft.TextField)[0].value == "crois"
        await state(window, "inactive", "hide", "pause")
        someone.ahead += 301
        await state(window, "show", "resume")
        await window.go("/settings")
        assert [view.route for view in window.views[1:]] == [ROUTE] and not window.all(key="sign-out")
        await window.go("/rewards")
        await enter(window, PIN)
        await window.until(lambda: window.top.route != ROUTE)
        assert window.all(ft.TextField)[0].value == "crois"


async def test_no_dialog_lies_over_the_curtain_or_the_lock_or_is_opened_there_again(backend, tmp_path):
    async with locked_later(backend.url, tmp_path) as someone, someone.window("/settings") as window:
        await window.tap(window.one(key="sign-out"))
        assert window.dialog is not None
        await state(window, "inactive", "hide")
        assert window.dialog is None and window.top.route == ROUTE
        someone.app.lock.close()
        someone.app.connection = "offline"
        someone.app.store.tell("connection")
        await window.settle()
        assert window.dialog is None and window.top.route == ROUTE


async def test_beneath_the_lock_the_screen_is_as_its_owner_has_set_it_until_the_voucher_is_seen_again(
    backend, tmp_path
):
    async with locked_later(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:

            def asked() -> list[str]:
                return [call[1] for call in window.window.calls if call[0] == "Wakelock"]

            await window.until(lambda: asked()[-1:] == ["enable"])
            someone.app.lock.close()
            await window.until(lambda: asked()[-1:] == ["disable"])
            await window.type(window.one(ft.TextField, key="pin"), PIN, submit=True)
            await window.until(lambda: asked()[-1:] == ["enable"])


async def test_the_camera_is_off_beneath_the_lock_and_on_again_after_it(backend, tmp_path):
    one_camera = {
        ("Camera", "get_available_cameras"): [{"name": "0", "lens_direction": "back", "sensor_orientation": 90}],
        ("Camera", "supports_image_streaming"): False,
        ("Camera", "take_picture"): b"",
    }
    async with (
        locked_later(backend.url, tmp_path, "staff") as someone,
        someone.window("/till", answers=one_camera) as window,
    ):

        def cameras() -> list[ft.Control]:
            return [found for view in window.views for found in window.all(fc.Camera, root=view)]

        scanning_of(someone.app).watch()
        await window.until(cameras)
        someone.app.lock.close()
        await window.settle()
        assert window.top.route == ROUTE and not cameras()
        await enter(window, PIN)
        await window.until(cameras)


async def test_a_verdict_is_never_cut_off_and_a_locked_till_judges_nothing(backend, tmp_path):
    async with locked_later(backend.url, tmp_path, "staff") as someone, someone.window("/till") as window:
        scanning = scanning_of(someone.app)
        await scanning.judge("no voucher")
        await window.until(lambda: scanning.verdict is not None)
        await state(window, "inactive", "hide")
        someone.ahead += 3600
        await state(window, "show", "resume")
        assert window.top.route != ROUTE and someone.app.lock.next_look() == 1
        scanning.go_on()
        someone.app.lock.look()
        await window.settle()
        assert window.top.route == ROUTE
        await scanning.judge("no voucher")
        assert scanning.verdict is None
        await window.type(window.one(ft.TextField, key="pin"), "MV1:X62-4512", submit=True)  # by the till's scanner
        assert someone.app.lock.tries_left == 10 and window.one(ft.TextField, key="pin").value == ""


async def test_whoever_forgot_the_pin_signs_in_again_and_is_told_what_waits(backend, tmp_path):
    async with locked_later(backend.url, tmp_path) as someone, someone.window("/wallet") as window:
        app = someone.app
        app.outbox.add("kept", "gift", "voucher", b'{"recipient": "friend@example.org"}', someone.now())
        file = app.store.path
        app.lock.close()
        await window.settle()
        await window.tap(window.one(key="forgotten"))
        assert any("1 thing that was done here is not with the programme yet" in words for words in window.texts())
        await window.tap(window.one(key="leave"))
        await window.until(lambda: window.all(key="try-participant"))
        assert app.session is None and not app.lock.is_on and app.store.path != file
        assert file in [str(found) for found in tmp_path.rglob("*.sqlite")]


async def test_signing_out_takes_the_lock_along(backend, tmp_path):
    async with locked_later(backend.url, tmp_path) as someone, someone.window("/settings") as window:
        await window.tap(window.one(key="sign-out"))
        await window.tap(window.one(key="leave", root=window.dialog))
        await window.until(lambda: window.all(key="try-participant"))
        assert not someone.app.lock.is_on


async def test_only_who_knows_the_pin_changes_it_or_turns_the_lock_off(backend, tmp_path):
    async with locked_later(backend.url, tmp_path) as someone, someone.window("/settings/lock") as window:
        lock = someone.app.lock

        async def fill(**typed: str) -> None:
            for key, value in typed.items():
                await window.type(window.one(ft.TextField, key=key), value)

        assert window.one(key="turn_off").disabled
        await fill(pin="999111")
        await window.tap(window.one(key="turn_off"))
        await window.until(lambda: any("9 tries" in words for words in window.texts()))
        assert lock.is_on
        await fill(pin=PIN, new="123456", again="123456")
        assert window.one(key="change_do").disabled
        await fill(new="730519", again="730519")
        await window.tap(window.one(key="change_do"))
        await window.until(lambda: not window.one(key="change_do").disabled or lock.tries_left == 10)
        await fill(pin="730519")
        await window.tap(window.one(key="turn_off"))
        await window.until(lambda: not lock.is_on)


@pytest.mark.parametrize("is_owner", [True, False])
async def test_a_phone_opens_to_its_owner_where_they_chose_so(backend, tmp_path, is_owner):
    phone = {
        ("LocalAuthentication", "get_available_biometrics"): ["fingerprint"],
        ("LocalAuthentication", "authenticate"): is_owner,
    }
    async with (
        locked_later(backend.url, tmp_path) as someone,
        someone.window("/settings/lock", answers=phone) as window,
    ):
        [switch] = await window.until(lambda: window.all(ft.Switch, key="biometrics"))
        await window.fire(switch, "change", True)
        await window.until(lambda: someone.app.lock.biometrics)
        await window.tap(window.one(key="lock-now"))
        asked = ("LocalAuthentication", "authenticate")
        await window.until(lambda: asked in [call[:2] for call in window.window.calls])
        await window.settle()
        assert someone.app.lock.is_closed is not is_owner


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_the_door_speaks_every_language(backend, tmp_path, language):
    async with visitor(backend.url, tmp_path, language=language) as someone:
        await someone.app.lock.choose(PIN, 5)
        someone.app.lock.close()
        async with someone.window("/wallet") as window:
            assert someone.app.t("lock.open") in window.texts() and someone.app.t("lock.forgotten") in window.texts()


async def test_a_tab_that_was_in_the_background_when_another_put_the_lock_on_is_closed_at_the_return(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/wallet") as window:
        await state(window, "inactive", "hide")
        assert window.top.route != ROUTE
        await AppLock(someone.app.secrets, now=someone.now).choose(PIN, 1)
        someone.ahead += 8 * 3600
        await state(window, "show", "resume")
        assert window.top.route == ROUTE and someone.app.lock.is_closed


async def test_without_a_lock_the_page_is_there_again_after_any_time_away(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/wallet") as window:
        await state(window, "inactive", "hide")
        someone.ahead += 8 * 3600
        await state(window, "show", "resume")
        await window.until(lambda: window.top.route != ROUTE)
        assert someone.app.lock.is_open and someone.app.lock.next_look() is None
