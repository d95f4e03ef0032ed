"""What people set, where secrets are, what wants attention, and who may go where."""

import json

import flet as ft
import pytest

from mirabelle.client.ui.alerts.screen import in_words
from mirabelle.client.ui.settings.state import read_settings
from tests.client.devices import REDEMPTION, TRANSFER
from tests.client.ui.visiting import visitor
from tests.headless import Device

_TITLES = {
    "transfer": [
        "Points for a@b.org: not sent yet",
        "Points for a@b.org: no answer yet",
        "Your points did not go to a@b.org",
        "Points for a@b.org: perhaps sent",
    ],
    "gift": [
        "A voucher: gift not sent yet",
        "A voucher: no answer yet about your gift",
        "A voucher could not be given",
        "A voucher: perhaps given",
    ],
}


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


async def test_an_alert_tells_what_was_not_sent_from_what_was_not_answered(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        app = someone.app
        app.outbox.add("key", "redemption", "croissant", REDEMPTION, someone.now())
        assert app.alerts.current(someone.now())[0].kind == "redemption_waiting"
        app.outbox.claim("key")
        assert app.alerts.current(someone.now())[0].kind == "redemption_unknown"
        app.outbox.refuse("key", "out_of_stock")
        assert app.alerts.current(someone.now())[0].kind == "redemption_refused"


@pytest.mark.parametrize(
    ("kind", "subject", "route"), [("transfer", "a@b.org", "/send"), ("gift", "v1", "/vouchers/v1/give")]
)
async def test_an_alert_tells_how_what_is_for_others_stands_and_leads_to_it(backend, tmp_path, kind, subject, route):
    body = TRANSFER if kind == "transfer" else b'{"recipient": "a@b.org"}'
    async with visitor(backend.url, tmp_path) as someone:
        app, told, titles = someone.app, [], []

        def look() -> None:
            alert = app.alerts.current(someone.now())[0]
            told.append(alert.kind)
            titles.append(in_words(app, alert, someone.now()).title)
            assert alert.route == route

        app.outbox.add("key", kind, subject, body, someone.now())
        look()
        app.outbox.claim("key")
        look()
        for reason in ("recipient_not_found", "outcome_unknown"):
            app.outbox.refuse("key", reason)
            look()
        assert told == [f"{kind}_{standing}" for standing in ("waiting", "unknown", "refused", "unclear")]
        assert titles == _TITLES[kind]


async def test_signing_out_names_what_has_no_answer_and_would_be_forgotten(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        app = someone.app
        for key in ("waiting", "unknown", "refused"):
            app.outbox.add(key, "redemption", "croissant", REDEMPTION, someone.now())
        app.outbox.claim("unknown")
        app.outbox.refuse("refused", "out_of_stock")
        app.outbox.add("scan", "scan", "", b'{"code": "X"}', someone.now())
        app.outbox.add("transfer", "transfer", "friend@example.org", TRANSFER, someone.now())
        assert read_settings(app).waiting == {"redemption": 2, "transfer": 1}
        async with someone.window("/settings") as window:
            await window.tap(window.one(key="sign-out"))
            words = window.texts(window.dialog)
            assert "2 redemptions have no answer yet and would be forgotten here." in words
            assert "Points that you sent have no answer yet, and would be forgotten here." in words
            assert "Stay until it is settled, unless it no longer matters to you." in words


async def test_the_bar_says_in_words_how_many_alerts_its_dot_stands_for(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        alerts = app.one(key="bell").icon.semantics_label
        await app.go("/rewards")
        wallet = app.one(ft.NavigationBarDestination, where=lambda tab: tab.label == "Wallet")
        assert wallet.tooltip == f"Wallet · {alerts}" and wallet.icon.semantics_label == alerts
        assert wallet.icon.badge


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


async def test_a_browser_is_told_that_the_server_uses_its_secrets(start):
    async with start(web=True, platform="linux") as app:
        await app.tap(app.one(key="try-staff"))
        await app.until(lambda: app.page.route == "/till")
        await app.go("/settings")
        assert "In this browser’s secure storage" in app.texts()
        assert any("used by the programme’s server" in words for words in app.texts())


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


async def test_people_take_all_their_data_along_as_a_file(backend, tmp_path):
    saved = []
    answers = {("FilePicker", "save_file"): saved.append}
    async with visitor(backend.url, tmp_path) as someone, someone.window("/settings", answers=answers) as window:
        await window.tap(window.one(key="save-data"))
        await window.until(lambda: saved)
    assert saved[0]["file_name"].startswith("mirabelle-") and saved[0]["file_name"].endswith(".json")
    told = json.loads(saved[0]["src_bytes"])
    assert told["profile"]["participant"] == someone.app.session.subject and told["activity"]


async def test_without_network_no_data_is_saved_and_the_page_says_so(wire, tmp_path):
    saved = []
    answers = {("FilePicker", "save_file"): saved.append}
    async with visitor(wire.url, tmp_path) as someone, someone.window("/settings", answers=answers) as window:
        wire.cut()
        await window.tap(window.one(key="save-data"))
        await window.until(lambda: window.all(ft.Semantics, where=lambda told: told.live_region))
    assert not saved
