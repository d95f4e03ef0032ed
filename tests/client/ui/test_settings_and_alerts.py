"""What people set, where secrets are, what wants attention, and who may go where."""

import flet as ft
import pytest

from tests.headless import Device


def chip(app, words):
    """The chip that says `words`."""
    return app.one(ft.Container, where=lambda found: found.on_click and app.texts(found) == [words])


async def test_the_bell_counts_what_the_list_shows_and_each_leads_somewhere(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        bell = app.one(key="bell")
        await app.tap(bell)
        assert app.page.route == "/alerts"
        alerts = app.all(ft.Container, where=lambda row: str(row.key or "").startswith("alert-"))
        assert len(alerts) == int(bell.badge.label.value) > 0
        for alert in alerts:
            action = app.one(ft.FilledButton, where=lambda button: str(button.key).startswith("act-"), root=alert)
            await app.tap(action)
            assert app.page.route.split("/")[1].partition("?")[0] in ("rewards", "vouchers", "checkout")
            await app.go("/alerts")


async def test_a_dismissed_alert_stays_away_after_a_restart(start, start_signed_in):
    await start_signed_in()
    async with start("/alerts") as app:
        for _ in app.all(ft.IconButton, where=lambda button: str(button.key).startswith("dismiss-")):
            await app.tap(app.all(ft.IconButton, where=lambda button: str(button.key).startswith("dismiss-"))[0])
        assert "All is well" in app.texts()
    async with start("/alerts") as app:
        assert "All is well" in app.texts()
        await app.go("/wallet")
        assert app.one(key="bell").badge is None


async def test_a_theme_is_put_on_at_once_and_remembered(start, start_signed_in):
    await start_signed_in()
    async with start("/settings") as app:
        await app.tap(chip(app, "Dark"))
        assert app.page.theme_mode == ft.ThemeMode.DARK
    async with start("/settings") as app:
        assert app.page.theme_mode == ft.ThemeMode.DARK


async def test_a_language_changes_in_place(start, start_signed_in):
    await start_signed_in()
    async with start("/settings") as app:
        await app.tap(chip(app, "Français"))
        assert "Réglages" in app.texts() and app.page.route == "/settings"


async def test_the_settings_say_where_secrets_are_kept(start, start_signed_in):
    await start_signed_in()
    async with start("/settings") as app:
        assert "In this phone’s secure storage" in app.texts()


async def test_a_device_without_a_safe_place_says_that_secrets_will_not_last(start, device: Device):
    device.secrets = None  # every call of the storage fails
    async with start() as app:
        await app.tap(app.one(key="try-staff"))
        await app.until(lambda: app.page.route == "/till")
        await app.go("/settings")
        assert "Only in memory" in app.texts()


async def test_signing_out_asks_first_and_leaves_nothing_behind(start, start_signed_in, device: Device):
    await start_signed_in()
    async with start("/settings") as app:
        await app.tap(app.one(key="sign-out"))
        await app.tap(app.one(key="stay", root=app.dialog))
        assert app.dialog is None
        assert app.page.route == "/settings"
        await app.tap(app.one(key="sign-out"))
        await app.tap(app.one(key="leave", root=app.dialog))
        await app.until(lambda: app.all(key="try-participant"))
        assert not [name for name in device.secrets if "session" in name]
    async with start("/wallet") as app:
        assert app.all(key="try-participant")


@pytest.mark.parametrize(
    ("role", "not_theirs", "home"), [("participant", "/till", "/wallet"), ("staff", "/wallet", "/till")]
)
async def test_nobody_gets_to_what_is_for_the_other_role(start, start_signed_in, role, not_theirs, home):
    await start_signed_in(role)
    async with start(home) as app:
        await app.go(not_theirs)
        await app.until(lambda: app.page.route == home)


async def test_back_leads_from_a_page_to_the_one_beneath_it(start, start_signed_in):
    await start_signed_in()
    async with start("/alerts") as app:
        await app.back()
        assert app.page.route == "/wallet"


async def test_every_button_has_a_name_for_those_who_hear_the_screen(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        for route in ("/wallet", "/activity", "/alerts", "/settings"):
            await app.go(route)
            for button in app.all(ft.IconButton):
                assert button.icon.semantics_label, f"a button without a name on {route}"


async def test_people_who_asked_for_less_motion_get_less(start, start_signed_in, device: Device):
    device.calm = True
    await start_signed_in()
    async with start() as app:
        await app.until(lambda: app.page.theme.page_transitions.android == ft.PageTransitionTheme.NONE)
