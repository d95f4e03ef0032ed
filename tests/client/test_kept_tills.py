"""A till whose session is over: its scans stay on the device, are told of, and reach the programme once it is back."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from mirabelle.client.app import App
from mirabelle.client.repositories.kept_tills import KeptTill
from mirabelle.client.use_cases.session import SignedIn
from mirabelle.contract.till_messages import Scan
from mirabelle.server.hosted import tills
from tests.backend import Backend
from tests.client.devices import signed_in
from tests.client.test_uploads import accepted_offline, uses
from tests.client.tills import Customer, TillDevice, till_in_sync
from tests.wire import Wire


async def set_up_again(app: App, backend: Backend, till: str) -> SignedIn:
    """Make the app's device the till anew, with an operator's code."""
    said = await asyncio.to_thread(tills.enrol_again, backend.data, backend.database_url, till, datetime.now(UTC))
    who = await app.sign_in.enrol(said[0].split()[0])
    assert isinstance(who, SignedIn), who
    return who


async def over(app: App) -> None:
    """Find out that the session is over."""
    changed = asyncio.Event()
    app.subscribe(("session",), changed.set)
    await app.sync.quietly()
    await asyncio.wait_for(changed.wait(), 10)
    assert app.session is None


async def lost_till(device: TillDevice, wire: Wire, backend: Backend, elsewhere: Path) -> tuple[SignedIn, Scan]:
    """A till with a scan to send, which another device has become meanwhile."""
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        who = app.session
        assert who is not None
        scan = await accepted_offline(app, wire, Customer(backend))
    async with TillDevice(elsewhere).on(wire.url) as other:
        assert (await set_up_again(other, backend, who.subject)).subject == who.subject
    return who, scan


async def test_scans_of_a_till_whose_session_is_over_wait_are_told_of_and_are_sent_once_it_is_set_up_again(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device = TillDevice(tmp_path / "one")
    till, scan = await lost_till(device, wire, backend, tmp_path / "other")
    async with device.on(wire.url) as app:
        await over(app)
        [kept] = app.kept_tills()
        assert (kept.id, kept.scans) == (till.subject, 1) and kept.name
        again = await set_up_again(app, backend, till.subject)
        assert again.subject == till.subject
        assert app.kept_tills() == [] and app.sign_in.kept_scans == 0
        assert uses(backend, scan.id) == 1
        assert [one.id for one in app.scans.list()] == [scan.id]


async def test_whoever_signs_in_and_out_on_the_device_takes_no_tills_scans_away(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device = TillDevice(tmp_path / "one")
    till, _ = await lost_till(device, wire, backend, tmp_path / "other")
    async with device.on(wire.url) as app:
        await over(app)
        before = app.kept_tills()
        for role in ("participant", "staff"):
            await signed_in(app, "staff" if role == "staff" else "participant")
            assert app.kept_tills() == before
            await app.sign_in.sign_out()
        assert [(kept.id, kept.scans) for kept in app.kept_tills()] == [(till.subject, 1)]
        assert all(isinstance(kept, KeptTill) for kept in before)
