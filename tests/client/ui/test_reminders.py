"""The page of reminders: what is chosen is kept for all devices, and a device without notifications says so."""

import flet as ft

from mirabelle.client.ui.shell import Shell
from mirabelle.client.wiring import open_app
from mirabelle.rules.reminders import Choices
from tests.client.ui.test_settings_and_alerts import chip
from tests.client.ui.visiting import visitor
from tests.headless import HeadlessApp


async def test_what_is_chosen_is_kept_when_it_is_saved(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/settings") as window:
        await window.tap(window.one(key="reminders"))
        assert window.page.route == "/settings/reminders" and window.one(key="save").disabled
        await window.tap(chip(window, "7 days before"))
        await window.tap(chip(window, "30 days before"))
        await window.tap(chip(window, "Once a week at most"))
        until = window.one(ft.Dropdown, key="quiet_to")
        window.session.apply_patch(until._i, {"value": "9"})
        await window.fire(until, "select", "9")
        assert someone.app.reminders.choices == Choices()
        await window.tap(window.one(key="save"))
        await window.until(lambda: "Saved. It holds on all your devices." in window.texts())
        kept = Choices(days=(1, 30), every_days=7, quiet_from=21, quiet_to=9)
        assert someone.app.reminders.choices == kept
        assert await someone.app.sync() is None and someone.app.reminders.choices == kept


async def test_what_another_device_chose_meanwhile_is_shown_instead(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/settings/reminders") as window:
        await window.tap(chip(window, "30 days before"))
        answer = await someone.app.choose_reminders(Choices(days=(3,)), 0)
        stale = someone.app.reminders
        stale.keep(type(answer)(choices=answer.choices, version=0))  # this device has not heard of it yet
        await window.tap(window.one(key="save"))
        await window.until(lambda: "This was changed on another device" in window.texts())
        assert stale.choices.days == (3,) and window.one(key="save").disabled


async def test_a_device_without_notifications_says_so_and_where_to_read_instead(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/settings/reminders") as window:
        assert "No notifications on this device" in window.texts()
        assert any("under Alerts" in words for words in window.texts())


async def test_no_quiet_hours_and_no_reminders_can_be_chosen(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/settings/reminders") as window:
        window.session.apply_patch(window.one(key="quiet")._i, {"value": False})
        await window.fire(window.one(key="quiet"), "change", False)
        assert not window.all(ft.Dropdown)
        for words in ("7 days before", "1 day before"):
            await window.tap(chip(window, words))
        assert "There is nothing to remind you of at the moment." in window.texts()
        await window.tap(window.one(key="save"))
        await window.until(lambda: someone.app.reminders.choices == Choices(days=(), quiet_from=0, quiet_to=0))


async def test_an_opened_notification_brings_the_app_to_the_front_with_its_page(backend, tmp_path):
    apps = []

    async def main(page):
        apps.append(await open_app(page, backend.url, tmp_path))
        await apps[0].sign_in.demo("participant")
        await Shell(page, apps[0]).mount()

    async with HeadlessApp(main, route="/wallet") as window:
        apps[0].tell_reminders.on_open("/settings/reminders")
        await window.until(lambda: window.page.route == "/settings/reminders" and "Reminders" in window.texts())
        assert ("Window", "to_front") in [call[:2] for call in window.window.calls]
        await apps[0].close()
