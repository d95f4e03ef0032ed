"""Reminders on devices: one of a person's devices tells each, once, and opening it leads to what it is about."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.api import Refusal
from mirabelle.client.app import App
from mirabelle.client.device.notifications import NO_NOTIFICATIONS, DesktopNotifications, Notifications, Where
from mirabelle.client.repositories.reminders import Matter
from mirabelle.client.use_cases.tell_reminders import in_words
from mirabelle.contract.messages import Text
from mirabelle.contract.translation import Translator
from mirabelle.rules.reminders import Choices, Expiring
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import RewardRules
from tests.backend import Backend
from tests.client.devices import Device, sign_in_by_mail
from tests.clock import MovableClock
from tests.wire import Wire

ALWAYS = Choices(days=(1, 7), quiet_from=0, quiet_to=0)
SOON = RewardRules(id="soon", kind="discount", points=10, valid_days=5, title=Text(en="Soon over"))
CLAIM = "POST /api/v1/reminders/claims"


class Desk:
    """A desktop whose notifications are looked at, and opened, by the test."""

    where: Where = "desktop"

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, Callable[[], None]]] = []

    async def work(self) -> bool:
        return True

    async def show(self, title: str, words: str, on_open: Callable[[], None]) -> None:
        self.shown.append((title, words, on_open))


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server with a reward that is good for few days."""
    programme = demo_programme()
    programme = msgspec.structs.replace(programme, rewards=[*programme.rewards, SOON])
    with Backend(tmp_path_factory.mktemp("backend"), programme=programme, clock=MovableClock()) as running:
        yield running


class Person:
    """Somebody with a voucher that expires in five days, on as many desks as they like."""

    def __init__(self, backend: Backend, directory: Path) -> None:
        self._backend, self._directory = backend, directory
        self.address = f"nour-{secrets.token_hex(4)}@example.org"
        self._desks: list[App] = []
        self._devices: dict[App, Device] = {}

    async def at(self, desk: Notifications, url: str = "") -> App:
        """The app at a desk, signed in and in sync."""
        device = Device(self._directory, now=self._backend.clock, notifications=desk)
        app = await device.start(url or self._backend.url)
        self._desks.append(app)
        self._devices[app] = device
        await sign_in_by_mail(app, self._backend, self.address)
        if len(self._desks) == 1:
            giver = self._backend.participant()
            voucher = giver.redeem("soon", 10).json()["voucher"]["id"]
            assert giver.post(f"/vouchers/{voucher}/gifts", {"recipient": self.address}).status_code == 201
            assert not isinstance(await app.choose_reminders(ALWAYS, 0), Refusal)
        assert await app.sync() is None
        return app

    async def restart(self, app: App, url: str) -> App:
        """The app was closed, and is started again on its device."""
        await app.close()
        self._desks.remove(app)
        self._desks.append(await self._devices[app].start(url))
        return self._desks[-1]

    async def leave(self) -> None:
        for app in self._desks:
            await app.close()


@pytest.fixture
async def nour(backend: Backend, tmp_path: Path) -> Iterator[Person]:
    person = Person(backend, tmp_path)
    yield person
    await person.leave()


async def test_of_two_devices_at_the_same_moment_one_tells_and_its_notification_leads_to_the_voucher(nour: Person):
    desks = Desk(), Desk()
    apps = [await nour.at(desk) for desk in desks]
    opened: list[str] = []
    for app in apps:
        app.tell_reminders.on_open = opened.append
    await asyncio.gather(*(app.tell_reminders() for app in apps))
    shown = [each for desk in desks for each in desk.shown]
    assert len(shown) == 1 and shown[0][0].startswith("Soon over is good until ")
    shown[0][2]()
    assert opened == [f"/vouchers/{apps[0].vouchers.list()[0].id}"]
    for app in apps:
        await app.sync()
        await app.tell_reminders()
    assert sum(len(desk.shown) for desk in desks) == 1


async def test_without_network_nothing_is_told_but_later_and_once(nour: Person, backend: Backend):
    desk = Desk()
    with Wire(backend.url) as wire:
        app = await nour.at(desk, wire.url)
        wire.cut()
        await app.tell_reminders()
        assert desk.shown == [] and app.alerts.count  # it is in the app
        wire.mend()
        await app.tell_reminders()
        await app.tell_reminders()
        assert len(desk.shown) == 1


async def test_a_lost_answer_to_a_claim_is_asked_for_after_a_restart_and_the_reminder_told_once(
    nour: Person, backend: Backend
):
    desk, other = Desk(), Desk()
    with Wire(backend.url) as wire:
        app = await nour.at(desk, wire.url)
        wire.lose_reply(CLAIM)
        await app.tell_reminders()
        assert desk.shown == [] and wire.lost[CLAIM] == 1
        elsewhere = await nour.at(other)
        await elsewhere.tell_reminders()
        assert other.shown == []
        app = await nour.restart(app, wire.url)
        await app.sync()
        await app.tell_reminders()
        await app.tell_reminders()
        assert len(desk.shown) == 1


async def test_a_device_without_notifications_leaves_it_to_the_others(nour: Person):
    phone, desk = await nour.at(NO_NOTIFICATIONS), Desk()
    await phone.tell_reminders()
    await (await nour.at(desk)).tell_reminders()
    assert len(desk.shown) == 1


async def test_what_one_device_chose_holds_on_the_others_and_is_not_written_over_unseen(nour: Person):
    desk = Desk()
    first, second = await nour.at(Desk()), await nour.at(desk)
    assert second.reminders.choices == ALWAYS
    assert not isinstance(await first.choose_reminders(Choices(days=()), 1), Refusal)
    refused = await second.choose_reminders(Choices(days=(30,)), 1)
    assert isinstance(refused, Refusal) and refused.reason == "changed_elsewhere"
    assert second.reminders.choices.days == ()
    await second.tell_reminders()
    assert desk.shown == []


def test_several_are_told_in_one_notification_soonest_first(backend: Backend):
    end = backend.clock()
    points = Matter(Expiring("points:a", end.replace(year=2031)), "points_expire", 120, Text(), "/wallet")
    vouchers = [
        Matter(Expiring(f"voucher:{year}", end.replace(year=year)), "voucher_expires", 0, Text(en=f"Cake {year}"), "/v")
        for year in (2030, 2029)
    ]
    title, words, route = in_words(Translator("en"), [points, *vouchers])
    assert title.startswith("Cake 2029") and words.splitlines()[0].startswith("Cake 2030") and route == "/wallet"
    assert words.splitlines()[1].startswith("120 points expire on")
    assert in_words(Translator("en"), vouchers)[2] == "/vouchers"


async def test_a_desktop_where_nothing_shows_notifications_is_found_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at-all")
    desk = DesktopNotifications()
    assert await desk.work() is False
    await desk.show("Title", "Words", lambda: None)  # and raises nothing


class SlowDesk(Desk):
    """It takes its time to say whether notifications work."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def work(self) -> bool:
        self.asked.set()
        await self.goes_on.wait()
        return True


async def test_nothing_of_one_person_is_claimed_in_the_name_of_the_next(backend: Backend, tmp_path: Path) -> None:
    desk = SlowDesk()
    app = await Person(backend, tmp_path).at(desk)
    telling = asyncio.create_task(app.tell_reminders())
    await desk.asked.wait()
    await app.sign_in.sign_out()
    await sign_in_by_mail(app, backend, f"b-{secrets.token_hex(4)}@example.org")
    await app.choose_reminders(ALWAYS, 0)
    desk.goes_on.set()
    await telling
    assert not app.reminders.current().told and not desk.shown
    await app.close()


async def test_what_was_asked_for_long_ago_tells_nothing_after_a_later_reminder(tmp_path: Path) -> None:
    clock, programme = MovableClock(), demo_programme()
    longer = msgspec.structs.replace(SOON, valid_days=12)
    programme = msgspec.structs.replace(programme, rewards=[*programme.rewards, longer])
    with Backend(tmp_path / "server", programme=programme, clock=clock) as server, Wire(server.url) as wire:
        nour, one, two = Person(server, tmp_path), Desk(), Desk()
        first = await nour.at(one, wire.url)
        await first.choose_reminders(Choices(days=(3, 14), quiet_from=0, quiet_to=0), 1)
        wire.cut()
        await first.tell_reminders()  # it asks for "14 days", and nobody hears it
        clock.move(days=9)
        second = await nour.at(two)
        await second.tell_reminders()
        assert [reminder.id.rpartition(":")[2] for reminder in second.reminders.current().told] == ["3"]
        clock.move(days=1)
        wire.mend()
        await first.sync()
        await first.tell_reminders()
        assert two.shown and not one.shown
        await first.close()
        await second.close()
