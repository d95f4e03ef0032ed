"""The lock's PIN in the secret store: tries are counted whatever happens, and nothing is lost over a forgotten one."""

from pathlib import Path

import msgspec
import pytest

from mirabelle.client.device.forward_clock import ForwardClock
from mirabelle.client.use_cases.app_lock import NAME, AppLock
from mirabelle.contract import messages as m
from mirabelle.rules.lock import MOST_TRIES, Cost
from tests.backend import Backend
from tests.client.devices import Device, KeptSecrets, confirm, sign_in_by_mail, signed_in
from tests.client.homes import HomeDevice, account
from tests.wire import Wire

PIN = "284193"
CHEAP = Cost(16, 1, 1)


class Phone:
    """A secret store and a forward clock, which an app finds again when it starts anew."""

    def __init__(self) -> None:
        self.secrets, self.elapsed, self.start = KeptSecrets(), 1000.0, "first"

    async def lock(self) -> AppLock:
        lock = AppLock(self.secrets, ForwardClock(lambda: self.elapsed, self.start), cost=CHEAP)
        await lock.start()
        return lock


class Failing(KeptSecrets):
    """A secret store that takes nothing in, as long as it is told so."""

    fails = False

    async def set(self, name: str, value: str) -> None:
        if self.fails:
            raise OSError("the secret store does not answer")
        await super().set(name, value)


async def test_there_is_no_lock_until_somebody_wants_one_and_then_it_is_closed_at_each_start() -> None:
    phone = Phone()
    lock = await phone.lock()
    assert lock.is_open and not lock.is_on
    await lock.choose(PIN, 5)
    assert lock.is_open and (await phone.lock()).is_closed
    assert PIN not in str(phone.secrets._values)


async def test_tries_run_out_over_restarts_and_then_not_even_the_pin_opens() -> None:
    phone = Phone()
    await (await phone.lock()).choose(PIN, 5)
    told = []
    for _ in range(MOST_TRIES):
        lock = await phone.lock()
        phone.elapsed += lock.wait
        told.append(await lock.open_with("111222"))
    assert told == ["wrong"] * (MOST_TRIES - 1) + ["spent"]
    assert await (await phone.lock()).open_with(PIN) == "spent"


async def test_a_device_started_anew_waits_again_in_full_and_no_wall_clock_helps() -> None:
    phone = Phone()
    await (await phone.lock()).choose(PIN, 5)
    for _ in range(5):
        await (await phone.lock()).open_with("111222")
    phone.elapsed += 29
    assert (await phone.lock()).wait == 1
    phone.start, phone.elapsed = "second", 5.0
    lock = await phone.lock()
    assert lock.wait == 30 and await lock.open_with(PIN) == "wait"
    phone.elapsed += 30
    assert await lock.open_with(PIN) == "right" and lock.is_open
    assert lock.tries_left == MOST_TRIES


async def test_two_windows_count_their_tries_together() -> None:
    phone = Phone()
    await (await phone.lock()).choose(PIN, 5)
    one, other = await phone.lock(), await phone.lock()
    await one.open_with("111222")
    await other.open_with("111222")
    assert await one.open_with("111222") == "wrong" and one.tries_left == MOST_TRIES - 3


async def test_a_try_that_cannot_be_written_down_is_not_taken() -> None:
    phone = Phone()
    phone.secrets = Failing()
    await (await phone.lock()).choose(PIN, 5)
    lock = await phone.lock()
    phone.secrets.fails = True
    with pytest.raises(OSError, match="does not answer"):
        await lock.open_with(PIN)
    assert lock.is_closed


async def test_a_lock_that_cannot_be_read_opens_to_nobody_and_is_left_as_it_is() -> None:
    phone = Phone()
    await phone.secrets.set(NAME, '{"of": "another version"}')
    lock = await phone.lock()
    assert lock.is_closed and lock.is_spent and await lock.open_with(PIN) == "spent"
    assert await phone.secrets.get(NAME) == '{"of": "another version"}'


async def test_whoever_forgot_the_pin_finds_all_that_was_unsent_when_they_are_back(
    backend: Backend, wire: Wire, tmp_path: Path, address: str
) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await sign_in_by_mail(app, backend, address)
        await app.lock.choose(PIN, 5)
        request = m.TransferRequest(recipient="friend@example.org", points=10)
        wire.cut()
        app.outbox.add("kept", "transfer", "friend@example.org", msgspec.json.encode(request), app.now())
        await app.locked_out.sign_out()
        assert app.session is None and app.outbox.is_empty
        wire.mend()
        await sign_in_by_mail(app, backend, address)
        [entry] = app.outbox.entries()  # it was sent: the programme has refused it, which is there to be seen
        assert (entry.key, entry.state) == ("kept", "refused")


async def test_no_other_window_of_the_browser_opens_to_whoever_forgot_the_pin(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(backend.url) as one:
        await signed_in(one)
        await one.lock.choose(PIN, 5)
        async with device.on(backend.url) as other:
            await other.lock.start()
            await one.locked_out.sign_out()
            await signed_in(one)  # as somebody else
            assert await other.lock.open_with("111222") == "gone" and other.lock.is_closed
            await other.locked_out.lock_is_gone()
            assert other.lock.is_open and other.session is None


async def test_the_shops_till_and_the_participant_are_both_signed_out(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(backend.url) as wallet, device.on(backend.url) as till:
        await signed_in(wallet)
        till._sessions.drop()
        await signed_in(till, "staff")
        await wallet.lock.choose(PIN, 5)
        await wallet.locked_out.sign_out()
        assert isinstance(device.secrets, KeptSecrets)
        assert not [name for name in device.secrets._values if name.startswith("session.")]


async def test_of_an_installed_app_every_account_is_signed_out_and_each_keeps_what_it_has_not_sent(
    backend: Backend, wire: Wire, tmp_path: Path, address: str
) -> None:
    device = HomeDevice(tmp_path)
    async with device.on(backend.url) as home:
        await home.join(wire.url)
        await sign_in_by_mail(home.app, backend, address)
        nour = await account(home)
        wire.cut()
        await confirm(home.app, "croissant")
        await home.try_demo("participant")
        await home.app.lock.choose(PIN, 5)
        assert home.waiting(nour) == 1
        await home.app.locked_out.sign_out()
        assert not [name for name in device.secrets._values if name.startswith("session.") or name == NAME]
        await home.switch(nour)
        assert home.app.session is None and home.waiting(nour) == 1


async def test_no_window_that_does_not_know_of_the_lock_puts_another_pin_on_it() -> None:
    phone = Phone()
    one, other = await phone.lock(), await phone.lock()
    await one.choose(PIN, 5)
    await other.choose("730519", 5)
    assert other.is_on and await one.open_with(PIN) == "right"
